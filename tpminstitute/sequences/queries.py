"""Read a contact's runs through sequences."""

from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.mail.letters import letter_sources
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, Step


@dataclass(frozen=True)
class Run:
    """One run as staff read it: its steps by their subjects, and the place it has come to."""

    sequence: str
    status: EnrollmentStatus
    reason: str
    next_position: int
    next_due_at: datetime | None
    steps: Row[tuple[int, str]]


def runs_of(session: Session, contact_id: int) -> Row[Run]:
    """Return the contact's runs, newest first."""
    rows = session.execute(
        select(Enrollment, Sequence.name)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .where(Enrollment.contact_id == contact_id)
        .order_by(Enrollment.id.desc())
    ).all()
    return [_run(session, enrollment, name) for enrollment, name in rows]


def _run(session: Session, enrollment: Enrollment, name: str) -> Run:
    steps = session.execute(
        select(Step.position, Step.letter_key).where(Step.sequence_id == enrollment.sequence_id).order_by(Step.position)
    )
    sources = letter_sources()
    return Run(
        sequence=name,
        status=enrollment.status,
        reason=enrollment.reason,
        next_position=enrollment.next_position,
        next_due_at=enrollment.next_due_at,
        steps=[(position, sources[key].subject) for position, key in steps],
    )
