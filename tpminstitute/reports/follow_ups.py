"""What the follow-ups that began in a period did, one line a sequence; each mail's part is told by `effect.py`."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.inbox.consequences import ANSWERED
from tpminstitute.inbox.opt_out import REASON as UNSUBSCRIBED
from tpminstitute.reports.periods import Period
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, StepOutcome, StepRecord


@dataclass(frozen=True)
class SequenceLine:
    """A sequence and its runs that began in a period: how they stand, and how many mails they wrote."""

    id: int
    name: str
    begun: int
    running: int
    finished: int
    answered: int
    unsubscribed: int
    stopped_otherwise: int
    mails: int


def follow_up_lines(session: Session, chosen: Period) -> list[SequenceLine]:
    """Return what each sequence did that began for somebody in a period, the busiest first."""
    began = (Enrollment.started_at >= chosen.begins, Enrollment.started_at < chosen.ends)
    runs: dict[int, dict[tuple[EnrollmentStatus, str], int]] = {}
    for sequence_id, status, reason, number in session.execute(
        select(Enrollment.sequence_id, Enrollment.status, Enrollment.reason, func.count())
        .where(*began)
        .group_by(Enrollment.sequence_id, Enrollment.status, Enrollment.reason)
    ):
        runs.setdefault(sequence_id, {})[status, reason] = number
    mails = dict(
        session.execute(
            select(Enrollment.sequence_id, func.count())
            .join(StepRecord, StepRecord.enrollment_id == Enrollment.id)
            .where(*began, StepRecord.outcome == StepOutcome.QUEUED)
            .group_by(Enrollment.sequence_id)
        ).all()
    )
    names = dict(session.execute(select(Sequence.id, Sequence.name)).all())
    lines = [_line(key, names[key], counts, mails.get(key, 0)) for key, counts in runs.items()]
    return sorted(lines, key=lambda line: (-line.begun, line.name))


def _line(key: int, name: str, counts: dict[tuple[EnrollmentStatus, str], int], mails: int) -> SequenceLine:
    def number(*which: EnrollmentStatus) -> int:
        return sum(found for (status, _), found in counts.items() if status in which)

    stopped = {reason: found for (status, reason), found in counts.items() if status is EnrollmentStatus.STOPPED}
    answered, left = stopped.get(ANSWERED, 0), stopped.get(UNSUBSCRIBED, 0)
    return SequenceLine(
        id=key,
        name=name,
        begun=sum(counts.values()),
        running=number(EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED),
        finished=number(EnrollmentStatus.FINISHED),
        answered=answered,
        unsubscribed=left,
        stopped_otherwise=sum(stopped.values()) - answered - left,
        mails=mails,
    )
