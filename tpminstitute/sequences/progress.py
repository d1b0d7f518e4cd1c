"""How a run comes from one step to the next, whether it runs by itself or waits for a person."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus, Sequence, SequenceStep
from tpminstitute.sequences.planning import Reader, opening, plan, reader_of
from tpminstitute.sequences.versions import steps_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

NEXT_TICK = timedelta(seconds=1)
"""The next mail of a run is due so much later at least, however short its wait: never two of them in one tick."""


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
    go_on(session, run, following, reader_of(session, settings, run.contact_id, run.sequence_id), clock.now())
    if run.status is EnrollmentStatus.FINISHED:
        sentence = through(session.get_one(Sequence, run.sequence_id))
        record(session, run.contact_id, ActivityKind.ENROLLMENT_FINISHED, sentence)


def go_on(session: Session, run: Enrollment, following: SequenceStep | None, reader: Reader, now: datetime) -> None:
    """Plan the `following` step from now on, or say that the run is through where no step is ahead."""
    if following is None:
        if run.status is EnrollmentStatus.PAUSED:
            session.delete(session.get_one(EnrollmentPause, run.id))
        run.status, run.reason, run.next_due_at, run.ended_at = EnrollmentStatus.FINISHED, "", None, now
        return
    run.next_position = following.position
    planned = plan(following, now, reader).at
    due_at(session, run, opening(following, max(planned, now + NEXT_TICK), reader).at)


def through(sequence: Sequence) -> str:
    """Return what the timeline says of a run that is through."""
    return f"The follow-ups “{sequence.name}” are through."
