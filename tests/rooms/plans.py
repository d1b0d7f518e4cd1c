"""Plans as staff write them: steps from the letters of the house, and letters of one's own."""

from dataclasses import replace

from tests.factories import an_account
from tpminstitute.accounts.models import Account
from tpminstitute.core.db import Database
from tpminstitute.mail.letters import LetterSource
from tpminstitute.mail.templates import add_template, save_version
from tpminstitute.sequences import editing
from tpminstitute.sequences.models import WaitUnit
from tpminstitute.sequences.plan_checks import StepDraft

EXPERIENCE, CERTIFICATIONS, SKILLS = "follow-up-experience", "follow-up-certifications", "follow-up-skills"

STEP = StepDraft(
    letter_key=EXPERIENCE, wait_amount=3, wait_unit=WaitUnit.DAYS, days="1234567", opens_minute=0, closes_minute=1440
)
"""A mail after three days, at any hour of any day."""


def a_step(letter_key: str = EXPERIENCE, wait: int | None = 3, **fields) -> StepDraft:
    """Return a mail of a plan."""
    return replace(STEP, letter_key=letter_key, wait_amount=wait, **fields)


def before_course(letter_key: str, days: int) -> StepDraft:
    """Return a mail so many days before a course."""
    return a_step(letter_key, days, wait_unit=WaitUnit.BEFORE_COURSE)


class Writer:
    """Alice, who writes plans."""

    def __init__(self, db: Database) -> None:
        self.db = db
        with db.write() as session:
            self.account: Account = an_account(session)

    @property
    def id(self) -> int:
        return self.account.id

    def letter(self, name: str, *, text: str = "{greeting}\n\nWords.\n") -> str:
        """Add a letter of one's own and write it; returns its key."""
        with self.db.write() as session:
            key = add_template(session, name, self.id).key
            if text:
                save_version(session, key, LetterSource(name, "p", text), based_on=0, account_id=self.id)
        return key

    def sequence(self, *steps: StepDraft, name: str = "After the fair") -> int:
        """Add a sequence; returns its id."""
        with self.db.write() as session:
            return editing.create(session, name, steps or (a_step(),), self.id).id

    def save(self, sequence_id: int, *steps: StepDraft, base: int | None = None) -> int:
        """Save a version on top of the newest one; returns its number."""
        with self.db.write() as session:
            base = editing.versions_of(session, sequence_id)[0].number if base is None else base
            return editing.save_version(session, sequence_id, base, steps, self.id).number

    def steps(self, sequence_id: int) -> list[StepDraft]:
        """The steps of the newest version."""
        with self.db.read() as session:
            return list(editing.versions_of(session, sequence_id)[0].steps)

    def numbers(self, sequence_id: int) -> list[tuple[str, int | None]]:
        """The letters of the newest version and the numbers of their steps."""
        return [(step.letter_key, step.number) for step in self.steps(sequence_id)]
