"""The sequences as a list, with how many run through each."""

from collections.abc import Sequence as Row
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, SequenceStep, SequenceVersion
from tpminstitute.sequences.standing import RUNNING


@dataclass(frozen=True)
class Counts:
    """How many runs of a sequence go on or wait, are through, and were stopped."""

    running: int = 0
    finished: int = 0
    stopped: int = 0


@dataclass(frozen=True)
class Listed:
    """A sequence, how many mails its newest version has, and how many run through it."""

    sequence: Sequence
    mails: int
    counts: Counts


def listed_sequences(session: Session) -> Row[Listed]:
    """Return every sequence, those that are switched on first, each kind by name."""
    sequences = session.scalars(select(Sequence).order_by(Sequence.active.desc(), func.lower(Sequence.name))).all()
    mails = dict(session.execute(_mails()).all())
    counts = counts_of(session)
    return [Listed(s, mails.get(s.id, 0), counts.get(s.id, Counts())) for s in sequences]


def counts_of(session: Session) -> dict[int, Counts]:
    """Return how many runs each sequence has, by the sequence's id: one pass over all of them."""
    found: dict[int, dict[EnrollmentStatus, int]] = {}
    grouped = select(Enrollment.sequence_id, Enrollment.status, func.count())
    for sequence_id, status, runs in session.execute(grouped.group_by(Enrollment.sequence_id, Enrollment.status)):
        found.setdefault(sequence_id, {})[status] = runs
    return {
        sequence_id: Counts(
            running=sum(runs.get(status, 0) for status in RUNNING),
            finished=runs.get(EnrollmentStatus.FINISHED, 0),
            stopped=runs.get(EnrollmentStatus.STOPPED, 0),
        )
        for sequence_id, runs in found.items()
    }


def running_in(session: Session, sequence_id: int) -> int:
    """Return how many are in the middle of a sequence."""
    running = select(func.count()).where(Enrollment.sequence_id == sequence_id, Enrollment.status.in_(RUNNING))
    return session.scalar(running) or 0


def _mails() -> Select[int, int]:
    newest = select(func.max(SequenceVersion.id)).group_by(SequenceVersion.sequence_id)
    return (
        select(SequenceVersion.sequence_id, func.count(SequenceStep.id))
        .join(SequenceStep, SequenceStep.version_id == SequenceVersion.id)
        .where(SequenceVersion.id.in_(newest))
        .group_by(SequenceVersion.sequence_id)
    )
