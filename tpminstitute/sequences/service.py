"""Take up contacts' runs through sequences again that were stopped."""

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, SequenceStep
from tpminstitute.sequences.planning import plan, reader_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def take_up_again(session: Session, settings: Settings, contact_id: int, reason: str) -> int:
    """Go on with the contact's runs that were stopped for `reason`, where they stopped; returns how many.

    The next mail follows after its own waiting time from now; what was cancelled is not written again.
    The caller holds the contact's row.
    """
    taken_up = 0
    stopped = session.execute(
        select(Enrollment, Sequence.name, SequenceStep)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .join(SequenceStep, _IS_NEXT_STEP)
        .where(
            Enrollment.contact_id == contact_id,
            Enrollment.status == EnrollmentStatus.STOPPED,
            Enrollment.reason == reason,
            Sequence.active,
        )
        .order_by(Enrollment.id)
        .with_for_update(of=Enrollment)
    ).all()
    for run, name, step in stopped:
        reader = reader_of(session, settings, contact_id, run.sequence_id)
        run.status, run.reason, run.ended_at = EnrollmentStatus.ACTIVE, "", None
        run.next_due_at = plan(step, clock.now(), reader).at
        record(session, contact_id, ActivityKind.ENROLLED, f"The follow-ups “{name}” go on where they stopped.")
        taken_up += 1
    return taken_up


_IS_NEXT_STEP = and_(
    SequenceStep.version_id == Enrollment.version_id, SequenceStep.position == Enrollment.next_position
)
