"""A plan while it is being written: its steps, and the sentences that say what has to be mended in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.mail.drafts import follows_up
from tpminstitute.mail.letters import LetterError
from tpminstitute.mail.models import Template
from tpminstitute.mail.templates import newest_version, templates, why_unsendable
from tpminstitute.sequences import calendar
from tpminstitute.sequences.conditions import TopicIs, parse
from tpminstitute.sequences.models import SequenceStep, WaitUnit

MOST_STEPS = 50
_HOURS_A_DAY = 24


@dataclass(frozen=True)
class StepDraft:
    """One mail of a plan as staff write it, shaped like `SequenceStep`; None is what could not be read.

    `number` is the step's own from an earlier version, None for a new one.
    """

    letter_key: str
    wait_amount: int | None
    wait_unit: WaitUnit | None
    days: str
    opens_minute: int | None
    closes_minute: int | None
    conditions: tuple[Mapping[str, Any], ...] = ()
    topics: tuple[str, ...] = ()
    number: int | None = None


@dataclass(frozen=True)
class Problem:
    """What keeps a plan from being saved: in which step (from 1; 0 is the plan), in which field of it, and why."""

    position: int
    field: str
    sentence: str


class PlanError(Refusal):
    """A plan can't be saved as it is; `problems` says why, step by step."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Say all of `problems` in one text."""
        super().__init__(" ".join(problem.sentence for problem in problems))
        self.problems = problems


def draft_of(step: SequenceStep) -> StepDraft:
    """Return a stored step as a draft that begins from it."""
    return StepDraft(
        letter_key=step.letter_key,
        wait_amount=step.wait_amount,
        wait_unit=step.wait_unit,
        days=step.days,
        opens_minute=step.opens_minute,
        closes_minute=step.closes_minute,
        conditions=tuple(step.conditions),
        topics=tuple(step.topics),
        number=step.number,
    )


def letters_for_plans(session: Session) -> list[Template]:
    """Return the letters that a step may send."""
    return [letter for letter in templates(session) if follows_up(letter.key)]


def problems_of(session: Session, drafts: Sequence[StepDraft], *, has_course: bool, sends: bool) -> list[Problem]:
    """Return everything that keeps a plan from being saved; nothing when it may be.

    Parameters: `has_course`, whether the sequence hangs on a course's date; `sends`, whether it is switched on, so
    that each of its letters must have a text by now.
    """
    if not drafts:
        return [Problem(0, "", "Add a mail: follow-ups without one would do nothing.")]
    if len(drafts) > MOST_STEPS:
        return [Problem(0, "", f"Take some mails out: these are {len(drafts)}, and {MOST_STEPS} are the most.")]
    found = [
        *_about_letters(session, drafts, sends),
        *(problem for at, draft in enumerate(drafts, 1) for problem in _about_step(session, at, draft)),
    ]
    in_doubt = {problem.position for problem in found if problem.field == "wait"}
    if not in_doubt:
        found += _about_course(drafts, has_course)
    return sorted(found, key=lambda problem: problem.position)


def _about_letters(session: Session, drafts: Sequence[StepDraft], sends: bool) -> Iterator[Problem]:
    names = {letter.key: letter.name for letter in letters_for_plans(session)}
    first: dict[str, int] = {}
    for at, draft in enumerate(drafts, 1):
        key = draft.letter_key
        if not key:
            yield Problem(at, "letter_key", "Choose the letter of this mail.")
        elif key not in names:
            why = "is not there any more" if follows_up(key) else "answers an inquiry at once, and can't follow it up"
            yield Problem(at, "letter_key", f"Choose another letter: this one {why}.")
        elif key in first:
            yield Problem(
                at,
                "letter_key",
                f"Choose another letter: “{names[key]}” is mail {first[key]} already, and nobody should get the same "
                "mail twice.",
            )
        else:
            why = _why_unfit(session, key, sends)
            if why:
                yield Problem(at, "letter_key", f"Mend the letter “{names[key]}” first, or choose another. {why}")
        first.setdefault(key, at)


def _why_unfit(session: Session, key: str, sends: bool) -> str:
    try:
        written = newest_version(session, key).written
    except LetterError as error:
        return str(error)
    return why_unsendable(session, key) if written or sends else ""


def _about_step(session: Session, at: int, draft: StepDraft) -> Iterator[Problem]:
    yield from (Problem(at, "wait", why) for why in _about_wait(draft))
    if draft.opens_minute is None or draft.closes_minute is None:
        yield Problem(at, "hours", "Write both hours, such as 09:00 and 17:00.")
    else:
        try:
            days = frozenset(int(day) for day in draft.days)
            calendar.Window(days, draft.opens_minute, draft.closes_minute)
        except Refusal as refusal:
            yield Problem(at, "days" if not draft.days else "hours", str(refusal))
    topics = topics_of(session)
    try:
        conditions = parse([dict(condition) for condition in draft.conditions])
    except Refusal as refusal:
        yield Problem(at, "conditions", str(refusal))
    else:
        chosen = [key for condition in conditions if isinstance(condition, TopicIs) for key in condition.one_of]
        unknown = next((key for key in chosen if key not in topics), None)
        if unknown is not None:
            why = f"There is no topic “{one_line(unknown, 40)}”. Choose another one."
            yield Problem(at, "conditions", why)
    if not all(key in topics for key in draft.topics):
        yield Problem(at, "topics", "Choose topics of the contact form only: one of these is not there any more.")


def _about_wait(draft: StepDraft) -> Iterator[str]:
    if draft.wait_amount is None:
        yield "Write the wait as a whole number, such as 3."
    elif draft.wait_unit is None:
        yield "Choose what the wait is counted in."
    elif draft.wait_unit is WaitUnit.BEFORE_COURSE and draft.wait_amount == 0:
        yield "Write 1 or more: these follow-ups end when the course begins."
    else:
        try:
            calendar.Wait(draft.wait_amount, draft.wait_unit)
        except Refusal as refusal:
            yield str(refusal)


def _about_course(drafts: Sequence[StepDraft], has_course: bool) -> Iterator[Problem]:
    """A mail before the course must lie after the mails above it, counted back from the course's beginning."""
    hours_left: float | None = None
    for at, draft in enumerate(drafts, 1):
        assert draft.wait_amount is not None  # a wait that can't be read was told before
        if draft.wait_unit is not WaitUnit.BEFORE_COURSE:
            if hours_left is None:
                continue
            hours_left -= draft.wait_amount * (1 if draft.wait_unit is WaitUnit.HOURS else _HOURS_A_DAY)
            if hours_left <= 0:
                yield Problem(at, "wait", "Shorten the wait: this mail would come after the course began.")
                return
            continue
        hours = draft.wait_amount * _HOURS_A_DAY
        if not has_course:
            yield Problem(at, "wait", "Choose the course that these follow-ups lead up to first, under Settings.")
        elif hours_left is not None and hours >= hours_left:
            yield Problem(at, "wait", "Write fewer days, or move it up: it would be due before the mail above it.")
            return
        hours_left = hours
