"""Read a contact's runs through sequences."""

from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus, Sequence, Step


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
    steps = session.execute(
        select(Step.position, Step.letter_key).where(Step.sequence_id == enrollment.sequence_id).order_by(Step.position)
    )
    subjects = current_subjects(session)
    return Run(
        sequence=name,
        status=enrollment.status,
        reason=enrollment.reason,
        next_position=enrollment.next_position,
        next_due_at=enrollment.next_due_at,
        waits_until=until,
        steps=[(position, subjects[key]) for position, key in steps],
    )


def uses_of_letters(session: Session) -> dict[str, list[str]]:
    """Return when each letter goes out, by the letter's key: a sentence for every step that it belongs to."""
    steps = session.execute(
        select(Step.letter_key, Step.position, Step.delay_hours, Sequence.name, Sequence.active)
        .join(Sequence, Sequence.id == Step.sequence_id)
        .order_by(Sequence.id, Step.position)
    )
    uses: dict[str, list[str]] = {}
    for key, position, hours, name, active in steps:
        after = "the start" if position == 1 else "the mail before it"
        wait = f"{hours // 24} days" if hours % 24 == 0 and hours != 24 else f"{hours} hours"
        off = "" if active else " These follow-ups are switched off."
        uses.setdefault(key, []).append(f"Mail {position} of “{name}”, {wait} after {after}.{off}")
    return uses
