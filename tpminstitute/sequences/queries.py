"""Read a contact's runs through sequences."""

from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    Sequence,
    SequenceStep,
    SequenceVersion,
    WaitUnit,
)
from tpminstitute.sequences.versions import steps_of


@dataclass(frozen=True)
class Run:
    """One run as staff read it: its steps by their subjects, and the place it has come to.

    `waits_until` is when a paused run goes on by itself, or None for one that waits for a person's word.
    """

    sequence: str
    status: EnrollmentStatus
    reason: str
    next_position: int
    next_due_at: datetime | None
    waits_until: datetime | None
    steps: Row[tuple[int, str]]


def runs_of(session: Session, contact_id: int) -> Row[Run]:
    """Return the contact's runs, newest first."""
    rows = session.execute(
        select(Enrollment, Sequence.name, EnrollmentPause.until)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .outerjoin(EnrollmentPause, EnrollmentPause.enrollment_id == Enrollment.id)
        .where(Enrollment.contact_id == contact_id)
        .order_by(Enrollment.id.desc())
    ).all()
    return [_run(session, enrollment, name, until) for enrollment, name, until in rows]


def topic_of_runs(session: Session, contact_id: int) -> str | None:
    """Return what the contact's newest run is about, as people read it, or None when nothing ever ran."""
    newest = select(Enrollment.topic).where(Enrollment.contact_id == contact_id).order_by(Enrollment.id.desc())
    return session.scalar(newest.limit(1))


def _run(session: Session, enrollment: Enrollment, name: str, until: datetime | None) -> Run:
    subjects = current_subjects(session)
    return Run(
        sequence=name,
        status=enrollment.status,
        reason=enrollment.reason,
        next_position=enrollment.next_position,
        next_due_at=enrollment.next_due_at,
        waits_until=until,
        steps=[(step.position, subjects[step.letter_key]) for step in steps_of(session, enrollment.version_id)],
    )


def uses_of_letters(session: Session) -> dict[str, list[str]]:
    """Return when each letter goes out, by the letter's key: a sentence for every step that it belongs to."""
    newest = select(func.max(SequenceVersion.id)).group_by(SequenceVersion.sequence_id)
    steps = session.execute(
        select(SequenceStep, Sequence.name, Sequence.active)
        .join(SequenceVersion, SequenceVersion.id == SequenceStep.version_id)
        .join(Sequence, Sequence.id == SequenceVersion.sequence_id)
        .where(SequenceVersion.id.in_(newest), Sequence.archived_at.is_(None))
        .order_by(Sequence.id, SequenceStep.position)
    )
    uses: dict[str, list[str]] = {}
    for step, name, active in steps:
        after = "the start" if step.position == 1 else "the mail before it"
        off = "" if active else " These follow-ups are switched off."
        sentence = f"Mail {step.position} of “{name}”, {wait_in_words(step)} after {after}.{off}"
        uses.setdefault(step.letter_key, []).append(sentence)
    return uses


def wait_in_words(step: SequenceStep) -> str:
    """Return how long a step waits, such as ``3 days``."""
    amount, unit = step.wait_amount, _UNITS[step.wait_unit]
    if step.wait_unit is WaitUnit.HOURS and amount % 24 == 0 and amount > 24:
        amount, unit = amount // 24, "day"
    return f"{amount} {unit}" if amount == 1 else f"{amount} {unit}s"


_UNITS = {
    WaitUnit.HOURS: "hour",
    WaitUnit.DAYS: "day",
    WaitUnit.WORKING_DAYS: "working day",
    WaitUnit.BEFORE_COURSE: "day",
}
