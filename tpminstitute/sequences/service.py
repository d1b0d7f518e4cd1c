"""Stop contacts' runs through sequences, and take them up again."""

from sqlalchemy import ColumnElement, and_, bindparam, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail import outbox
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, SequenceStep
from tpminstitute.sequences.planning import plan, reader_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def stop_for_contact(session: Session, contact_id: int, reason: str) -> int:
    """Stop every run of a contact and cancel its queued mails; returns how many runs were stopped."""
    return _stop(session, _STOP_OF_CONTACT, contact_id, reason)


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


def stop_for_cause(session: Session, cause: str, reason: str) -> int:
    """Stop the runs that `cause` (such as ``inquiry:17``) started; returns how many were stopped."""
    return _stop(session, _STOP_OF_CAUSE, cause, reason)


def _stop(session: Session, statement: ReturningUpdate[int, int], whose: int | str, reason: str) -> int:
    """First the runs, then, in the next statements, their mails: the other way round, a race leaves a mail queued."""
    values = {"whose": whose, "why": reason, "now": clock.now()}
    session.flush()
    stopped = session.connection().execute(statement, values).all()
    for enrollment_id, contact_id in stopped:
        outbox.cancel(session, f"enrollment:{enrollment_id}", reason)
        record(session, contact_id, ActivityKind.ENROLLMENT_STOPPED, f"The follow-ups were stopped. {reason}")
    return len(stopped)


def _stopping(whose: ColumnElement[bool]) -> ReturningUpdate[int, int]:
    return (
        update(Enrollment.__table__)  # type: ignore[arg-type]
        .where(whose, Enrollment.status.in_((EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)))
        .values(status=EnrollmentStatus.STOPPED, reason=bindparam("why"), next_due_at=None, ended_at=bindparam("now"))
        .returning(Enrollment.id, Enrollment.contact_id)
    )


_IS_NEXT_STEP = and_(
    SequenceStep.version_id == Enrollment.version_id, SequenceStep.position == Enrollment.next_position
)

_STOP_OF_CONTACT = _stopping(Enrollment.contact_id == bindparam("whose"))
_STOP_OF_CAUSE = _stopping(Enrollment.cause == bindparam("whose"))
"""Made once: every mail that somebody writes stops what runs for them."""
