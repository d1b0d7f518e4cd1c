"""Plan next mails anew, when what they hang on has moved."""

from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    Sequence,
    SequenceStep,
    StepOutcome,
    WaitUnit,
)
from tpminstitute.sequences.planning import plan, readers_of
from tpminstitute.sequences.progress import due_at
from tpminstitute.sequences.records import Note, note_each
from tpminstitute.sequences.standing import RUNNING

_IS_NEXT = and_(SequenceStep.version_id == Enrollment.version_id, SequenceStep.position == Enrollment.next_position)


def replan_for_course(session: Session, settings: Settings, course_date_id: int, why: str) -> int:
    """Plan the next mails anew that are counted back from a course's date, `why` kept with each that moves.

    Returns how many moved.
    """
    rows = session.execute(
        select(Enrollment, SequenceStep)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .join(SequenceStep, _IS_NEXT)
        .where(
            Sequence.course_date_id == course_date_id,
            Enrollment.status.in_(RUNNING),
            SequenceStep.wait_unit == WaitUnit.BEFORE_COURSE,
        )
        .order_by(Enrollment.id)
        .with_for_update(of=Enrollment)
        .execution_options(populate_existing=True)
    ).all()
    readers = readers_of(session, settings, [(run.contact_id, run.sequence_id) for run, _ in rows])
    notes = []
    for run, step in rows:
        due = plan(step, clock.now(), readers[run.contact_id, run.sequence_id]).at
        if due != _due_so_far(session, run):
            due_at(session, run, due)
            notes.append(Note(run, step.number, StepOutcome.MOVED, why, due))
    session.flush()
    note_each(session, notes)
    return len(notes)


def _due_so_far(session: Session, run: Enrollment) -> datetime | None:
    if run.status is EnrollmentStatus.ACTIVE:
        return run.next_due_at
    return session.get_one(EnrollmentPause, run.id, populate_existing=True).due_at
