"""Write down what became of runs' steps, a sentence each that never changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.sequences.models import Enrollment, StepOutcome, StepRecord

_RECORD = insert(StepRecord.__table__).inline()  # type: ignore[arg-type]
"""Made once, on the table: each mail of a tick is written down."""


@dataclass(frozen=True)
class Note:
    """What became of the step of that number; `due_at` is the time that was decided, if one was."""

    run: Enrollment
    number: int
    outcome: StepOutcome
    sentence: str
    due_at: datetime | None = None


def note_step(
    session: Session,
    run: Enrollment,
    number: int,
    outcome: StepOutcome,
    sentence: str,
    due_at: datetime | None = None,
) -> None:
    """Write down what became of one run's step; `due_at` is the time that was decided, if one was."""
    note_each(session, [Note(run, number, outcome, sentence, due_at)])


def note_each(session: Session, notes: Iterable[Note]) -> None:
    """Write down what became of many runs' steps, in their order.

    That a mail is held for the same reason still is said once. A step is queued once: a mail that was taken back and
    is written again has only moved.
    """
    notes = list(notes)
    said = _last(session, [note.run.id for note in notes if note.outcome is StepOutcome.HELD])
    again = _queued(session, [note.run.id for note in notes if note.outcome is StepOutcome.QUEUED])
    rows = [
        {
            "enrollment_id": note.run.id,
            "version_id": note.run.version_id,
            "number": note.number,
            "outcome": StepOutcome.MOVED if _is_again(note, again) else note.outcome,
            "sentence": note.sentence,
            "at": clock.now(),
            "due_at": note.due_at,
        }
        for note in notes
        if said.get(note.run.id) != (note.number, note.outcome, note.sentence)
    ]
    if rows:
        session.connection().execute(_RECORD, rows)


def _is_again(note: Note, queued: set[tuple[int, int]]) -> bool:
    return note.outcome is StepOutcome.QUEUED and (note.run.id, note.number) in queued


def _last(session: Session, run_ids: list[int]) -> dict[int, tuple[int, StepOutcome, str]]:
    if not run_ids:
        return {}
    newest = select(func.max(StepRecord.id)).where(StepRecord.enrollment_id.in_(run_ids))
    columns = (StepRecord.enrollment_id, StepRecord.number, StepRecord.outcome, StepRecord.sentence)
    rows = session.execute(select(*columns).where(StepRecord.id.in_(newest.group_by(StepRecord.enrollment_id))))
    return {run_id: (number, outcome, sentence) for run_id, number, outcome, sentence in rows}


def _queued(session: Session, run_ids: list[int]) -> set[tuple[int, int]]:
    if not run_ids:
        return set()
    queued = select(StepRecord.enrollment_id, StepRecord.number).where(
        StepRecord.enrollment_id.in_(run_ids), StepRecord.outcome == StepOutcome.QUEUED
    )
    return {(run_id, number) for run_id, number in session.execute(queued)}
