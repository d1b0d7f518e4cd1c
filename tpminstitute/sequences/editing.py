"""Write sequences: make one, save a new version, copy, rename, say what starts it.

A version never changes: an edit is a new one, and a running follow-up stays on its own until staff move it over
(`moving`). A step keeps its number from version to version, wherever it stands, since nobody gets a number twice.
"""

from collections.abc import Collection
from collections.abc import Sequence as Row
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.own_keys import own_keys
from tpminstitute.core.text import one_line
from tpminstitute.sequences.models import Sequence, SequenceStep, SequenceVersion
from tpminstitute.sequences.plan_checks import PlanError, StepDraft, draft_of, problems_of

LONGEST_NAME = 80
"""Characters of a sequence's name."""

AS_SHIPPED = "Came with the service"


@dataclass(frozen=True)
class Saved:
    """One version of a sequence as staff read it: its number, who saved it when, and what it says."""

    id: int
    number: int
    author: str
    at: datetime
    steps: Row[StepDraft]


class StaleVersion(Refusal):
    """Somebody saved a newer version in the meantime; `newest` is it."""

    def __init__(self, newest: Saved) -> None:
        """Name the author and the version that came in between."""
        super().__init__(
            f"{newest.author} saved version {newest.number} while you were writing. Nothing was saved, and what you "
            "typed is still here. Look at what changed, then save again to put yours on top."
        )
        self.newest = newest


def create(session: Session, name: str, steps: Row[StepDraft], account_id: int) -> Sequence:
    """Add a sequence, switched off, with its first version; returns it.

    Raises `PlanError` for a plan that can't be, and `Refusal` for a name that is empty, too long or taken.
    """
    called = checked_name(session, name)
    problems = problems_of(session, steps, has_course=False, sends=False)
    if problems:
        raise PlanError(problems)
    sequence = _add(session, called)
    _write(session, sequence, 1, numbered([], steps), account_id)
    record_audit(session, "sequence_added", f"{sequence.key}, “{called}”", account_id=account_id)
    return sequence


def save_version(
    session: Session, sequence_id: int, base_version: int, steps: Row[StepDraft], account_id: int
) -> SequenceVersion:
    """Save a new version of a sequence, the whole list of its steps in their order; new runs follow it from now on.

    Parameters: `base_version`, the number of the version that the writer began from.
    Returns the new version.
    Raises `PlanError` for a plan that can't be, `StaleVersion` when `base_version` isn't the newest any more, and
    `Refusal` when nothing would change or the sequence is archived.
    """
    sequence = locked(session, sequence_id)
    if sequence.archived_at is not None:
        raise Refusal(f"“{sequence.name}” is archived. Nothing was saved. Take it out of the archive first.")
    has_course = sequence.course_date_id is not None
    problems = problems_of(session, steps, has_course=has_course, sends=sequence.active)
    if problems:
        raise PlanError(problems)
    earlier = versions_of(session, sequence_id)
    newest = earlier[0]
    if newest.number != base_version:
        raise StaleVersion(newest)
    plan = numbered(earlier, steps)
    if plan == newest.steps:
        raise Refusal(f"Nothing was saved: version {newest.number} says the same already.")
    version = _write(session, sequence, newest.number + 1, plan, account_id)
    record_audit(session, "sequence_saved", f"{sequence.key}, version {version.number}", account_id=account_id)
    return version


def copy(session: Session, sequence_id: int, account_id: int) -> Sequence:
    """Add a sequence that says the same, switched off and started by hand only; returns it."""
    original = locked(session, sequence_id)
    name = f"Copy of {original.name}"
    sequence = _add(session, _free_name(session, name))
    sequence.course_date_id = original.course_date_id
    steps = [replace(step, number=None) for step in versions_of(session, sequence_id)[0].steps]
    _write(session, sequence, 1, numbered([], steps), account_id)
    record_audit(session, "sequence_added", f"{sequence.key}, a copy of {original.key}", account_id=account_id)
    return sequence


def rename(session: Session, sequence_id: int, name: str, account_id: int) -> None:
    """Give a sequence another name; raises `Refusal` for one that is empty, too long or taken."""
    sequence = locked(session, sequence_id)
    called = checked_name(session, name, besides=sequence_id)
    if called == sequence.name:
        return
    record_audit(session, "sequence_renamed", f"{sequence.key}, “{sequence.name}” to “{called}”", account_id=account_id)
    sequence.name = called
    session.flush()


def set_start_rule(session: Session, sequence_id: int, topics: Collection[str], account_id: int) -> None:
    """Say which topics of a new inquiry with consent begin a sequence; none: it is begun by hand only.

    Raises `Refusal` for a topic that the contact form doesn't have.
    """
    sequence = locked(session, sequence_id)
    known = topics_of(session)
    unknown = {key for key in topics if key not in known}
    if unknown:
        raise Refusal(f"There is no topic “{one_line(min(unknown), 40)}”. Nothing was changed.")
    chosen = [choice.key for choice in known.choices if choice.key in topics]
    if chosen == list(sequence.starts_for):
        return
    sequence.starts_for = chosen
    told = ", ".join(chosen) or "by hand only"
    record_audit(session, "sequence_start_changed", f"{sequence.key}: {told}", account_id=account_id)
    session.flush()


def versions_of(session: Session, sequence_id: int) -> list[Saved]:
    """Return every version of a sequence, newest first."""
    rows = session.execute(
        select(SequenceVersion, Account.name)
        .outerjoin(Account, Account.id == SequenceVersion.account_id)
        .where(SequenceVersion.sequence_id == sequence_id)
        .order_by(SequenceVersion.number.desc())
    ).all()
    steps: dict[int, list[StepDraft]] = {row.id: [] for row, _ in rows}
    for step in session.scalars(_steps_of_all(sequence_id)):
        steps[step.version_id].append(draft_of(step))
    return [Saved(row.id, row.number, author or AS_SHIPPED, row.at, steps[row.id]) for row, author in rows]


def locked(session: Session, sequence_id: int) -> Sequence:
    """Return a sequence, locked until the transaction ends; raises `Refusal` when there is none."""
    held = select(Sequence).where(Sequence.id == sequence_id).with_for_update(key_share=True)
    sequence = session.scalar(held.execution_options(populate_existing=True))
    if sequence is None:
        raise Refusal("There are no such follow-ups. Nothing was changed.")
    return sequence


def numbered(earlier: Row[Saved], steps: Row[StepDraft]) -> list[StepDraft]:
    """Return the steps of a new version with their numbers; `earlier` are the versions before it, newest first.

    A letter that the newest version sends keeps the number it has there, also where two steps swapped their letters.
    Of the others, a step whose letter was changed keeps its own number, a letter that an older version sent takes its
    old one, and what is new takes the next that no version ever had.
    """
    current = {step.letter_key: step.number for step in earlier[0].steps} if earlier else {}
    former: dict[str, int | None] = {}
    for version in earlier:
        for step in version.steps:
            former.setdefault(step.letter_key, step.number)
    known = {step.number for version in earlier for step in version.steps if step.number is not None}
    chosen: dict[int, int | None] = {
        at: current[step.letter_key] for at, step in enumerate(steps) if step.letter_key in current
    }
    following = max(known, default=0) + 1
    for at, step in enumerate(steps):
        if at in chosen:
            continue
        wanted = (step.number, former.get(step.letter_key))
        kept = next((n for n in wanted if n in known and n not in chosen.values()), None)
        chosen[at] = following if kept is None else kept
        following += kept is None
    return [replace(step, number=chosen[at]) for at, step in enumerate(steps)]


def checked_name(session: Session, name: str, besides: int | None = None) -> str:
    """Return a sequence's name as it is kept; `besides` is the sequence that may have it already."""
    called = one_line(name, len(name))
    if not called:
        raise Refusal("Write a name for these follow-ups: staff tell them apart by it.")
    if len(called) > LONGEST_NAME:
        raise Refusal(f"Shorten the name: it has {len(called)} characters, and {LONGEST_NAME} are the most.")
    if _holder(session, called) not in (None, besides):
        raise Refusal(f"There are follow-ups “{called}” already. Give these another name.")
    return called


def _steps_of_all(sequence_id: int) -> Select[SequenceStep]:
    return (
        select(SequenceStep)
        .join(SequenceVersion, SequenceVersion.id == SequenceStep.version_id)
        .where(SequenceVersion.sequence_id == sequence_id)
        .order_by(SequenceStep.version_id, SequenceStep.position)
    )


def _holder(session: Session, name: str) -> int | None:
    return session.scalar(select(Sequence.id).where(func.lower(Sequence.name) == name.lower()).limit(1))


def _free_name(session: Session, name: str) -> str:
    number = 1
    while True:
        end = f" ({number})" if number > 1 else ""
        called = one_line(name, LONGEST_NAME - len(end)) + end
        if _holder(session, called) is None:
            return called
        number += 1


def _add(session: Session, name: str) -> Sequence:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    keys = own_keys(name)
    added: Sequence | None = None
    while added is None:
        adding = insert(Sequence).values(key=next(keys), name=name, active=False, starts_for=[])
        added = session.scalar(adding.on_conflict_do_nothing(index_elements=["key"]).returning(Sequence))
    return added


def _write(session: Session, sequence: Sequence, number: int, plan: Row[StepDraft], account_id: int) -> SequenceVersion:
    version = SequenceVersion(sequence_id=sequence.id, number=number, at=clock.now(), account_id=account_id)
    session.add(version)
    session.flush()
    for position, step in enumerate(plan, start=1):
        session.add(
            SequenceStep(
                version_id=version.id,
                position=position,
                number=step.number,
                letter_key=step.letter_key,
                wait_amount=step.wait_amount,
                wait_unit=step.wait_unit,
                days=step.days,
                opens_minute=step.opens_minute,
                closes_minute=step.closes_minute,
                conditions=[dict(condition) for condition in step.conditions],
                topics=list(step.topics),
            )
        )
    session.flush()
    return version
