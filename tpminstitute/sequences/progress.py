"""How a run comes from one step to the next, whether it runs by itself or waits for a person."""

from datetime import datetime

from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus, Sequence
from tpminstitute.sequences.planning import plan, reader_of
from tpminstitute.sequences.versions import steps_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def due_at(session: Session, run: Enrollment, moment: datetime) -> None:
    """Say when the next mail of a run is due, or, of one that waits for a person, its draft."""
    if run.status is EnrollmentStatus.PAUSED:
        session.get_one(EnrollmentPause, run.id).due_at = moment
    else:
        run.next_due_at = moment


def step_taken(session: Session, settings: Settings, run: Enrollment, number: int) -> None:
    """Leave the step of that number behind: the next one is planned from now, or the run is through."""
    ahead = steps_of(session, run.version_id, run.next_position)
    following = next((step for step in ahead if step.number != number), None)
    if following is None:
        finish(session, run)
        return
    run.next_position = following.position
    reader = reader_of(session, settings, run.contact_id, run.sequence_id)
    due_at(session, run, plan(following, clock.now(), reader).at)


def finish(session: Session, run: Enrollment) -> None:
    """Say that a run is through: no step of its version is ahead."""
    waited = session.get(EnrollmentPause, run.id)
    if waited is not None:
        session.delete(waited)
    run.status, run.reason, run.next_due_at, run.ended_at = EnrollmentStatus.FINISHED, "", None, clock.now()
    name = session.get_one(Sequence, run.sequence_id).name
    record(session, run.contact_id, ActivityKind.ENROLLMENT_FINISHED, f"The follow-ups “{name}” are through.")
