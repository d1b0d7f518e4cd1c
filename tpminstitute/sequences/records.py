"""Write down what became of a run's steps, a sentence each that never changes."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.sequences.models import Enrollment, StepOutcome, StepRecord


def note_step(
    session: Session,
    run: Enrollment,
    number: int,
    outcome: StepOutcome,
    sentence: str,
    due_at: datetime | None = None,
) -> None:
    """Write down what became of the step of that number; `due_at` is the time that was decided, if one was."""
    session.add(
        StepRecord(
            enrollment_id=run.id,
            version_id=run.version_id,
            number=number,
            outcome=outcome,
            sentence=sentence,
            at=clock.now(),
            due_at=due_at,
        )
    )
    session.flush()


def note_queued(session: Session, run: Enrollment, number: int, sentence: str) -> None:
    """Write down that a step's mail is written now; one that was taken back before has only moved to now."""
    earlier = select(StepRecord.id).where(
        StepRecord.enrollment_id == run.id, StepRecord.number == number, StepRecord.outcome == StepOutcome.QUEUED
    )
    again = session.scalar(earlier) is not None
    note_step(session, run, number, StepOutcome.MOVED if again else StepOutcome.QUEUED, sentence, clock.now())
