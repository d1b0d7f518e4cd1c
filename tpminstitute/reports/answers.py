"""How long people waited for a person's first answer, in working hours, against the promise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.institute.office_hours import working_time_between
from tpminstitute.institute.promise import Promise
from tpminstitute.reports.inquiries import COUNTS
from tpminstitute.reports.periods import Period
from tpminstitute.reports.spoken import first_reply, first_spoken, has_reply_to_go


@dataclass(frozen=True)
class Answers:
    """The inquiries of a time by what became of the promise, and the working hours until the first answer.

    `in_time` and `late` were answered; `waiting` still may be in time; `overdue` waits beyond the promise; `closed` was
    closed without an answer. `median` and `p90` are working hours, None when nothing was answered.
    """

    in_time: int
    late: int
    waiting: int
    overdue: int
    closed: int
    median: float | None
    p90: float | None

    @property
    def kept(self) -> float | None:
        """The share of those with a promise to keep by now that were answered in time, 0 to 1; None without any."""
        due = self.in_time + self.late + self.overdue
        return self.in_time / due if due else None


@dataclass(frozen=True)
class AnswersReport:
    """First answers for each piece of a period, by when the inquiry came, and for all of it."""

    by_piece: list[Answers]
    total: Answers


@dataclass(frozen=True)
class FirstAnswer:
    """One inquiry: `took` is the working time until its first answer, None without one, which may be `overdue`."""

    received_at: datetime
    closed: bool
    took: timedelta | None
    overdue: bool


def answers_report(session: Session, chosen: Period, promise: Promise) -> AnswersReport:
    """Return how long the inquiries of a period waited, against the promise as it is now."""
    inquiries = first_answers(session, chosen.begins, chosen.ends, promise)
    pieces = [
        _answers([one for one in inquiries if bucket.begins <= one.received_at < bucket.ends], promise)
        for bucket in chosen.buckets
    ]
    return AnswersReport(pieces, _answers(inquiries, promise))


def percentile(ordered: Sequence[timedelta], share: float) -> timedelta:
    """Return the smallest of the values, ordered and at least one, that `share` of them don't exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def first_answers(
    session: Session, begins: datetime, ends: datetime, promise: Promise, newest: int | None = None
) -> list[FirstAnswer]:
    """Return when each inquiry came from `begins` until before `ends`, how it stands, and how long a person took to
    answer its contact after it; of more than `newest` only the newest so many, newest first."""
    whose, since = Inquiry.contact_id, Inquiry.received_at
    is_closed = (Inquiry.state == InquiryState.HANDLED) & ~has_reply_to_go(whose)
    chosen = select(Inquiry.received_at, is_closed, first_spoken(whose, since), first_reply(whose, since)).where(
        since >= begins, since < ends, COUNTS
    )
    rows = session.execute(chosen if newest is None else chosen.order_by(since.desc()).limit(newest))
    now, found = clock.now(), []
    for at, closed, *answers in rows:
        answered_at = min((moment for moment in answers if moment), default=None)
        took = working_time_between(at, answered_at, promise.hours) if answered_at else None
        overdue = took is None and not closed and promise.due_at(at) < now
        found.append(FirstAnswer(at, bool(closed), took, overdue))
    return found


def _answers(inquiries: Sequence[FirstAnswer], promise: Promise) -> Answers:
    took = sorted(one.took for one in inquiries if one.took is not None)
    in_time = sum(time <= promise.working_time for time in took)
    unanswered = [one for one in inquiries if one.took is None]
    still = [one for one in unanswered if not one.closed]
    overdue = sum(one.overdue for one in still)
    return Answers(
        in_time=in_time,
        late=len(took) - in_time,
        waiting=len(still) - overdue,
        overdue=overdue,
        closed=len(unanswered) - len(still),
        median=_hours(percentile(took, 0.5)) if took else None,
        p90=_hours(percentile(took, 0.9)) if took else None,
    )


def _hours(time: timedelta) -> float:
    return time.total_seconds() / 3600
