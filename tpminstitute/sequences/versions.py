"""Read what a sequence says: its newest version, the steps of any, and the key of each step's mail."""

from collections.abc import Sequence as Row

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.sequences.models import SequenceStep, SequenceVersion


def newest_version(session: Session, sequence_id: int) -> int:
    """Return the id of the version that a new run follows."""
    newest = select(SequenceVersion.id).where(SequenceVersion.sequence_id == sequence_id)
    return session.scalars(newest.order_by(SequenceVersion.number.desc()).limit(1)).one()


def step_key(enrollment_id: int, number: int) -> str:
    """Return the dedupe key of the one mail that a run owes for the step of that number."""
    return f"enrollment:{enrollment_id}:step:{number}"


_STEPS = (
    select(SequenceStep)
    .where(SequenceStep.version_id == bindparam("version"), SequenceStep.position >= bindparam("first"))
    .order_by(SequenceStep.position)
)


def steps_of(session: Session, version_id: int, from_position: int = 1) -> Row[SequenceStep]:
    """Return the steps of a version in their order, those from `from_position` on."""
    return session.scalars(_STEPS, {"version": version_id, "first": from_position}).all()
