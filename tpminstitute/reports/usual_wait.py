"""Within how many working hours people are usually answered: what the form may truly say of it."""

import math
from datetime import timedelta

from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.institute.promise import Promise
from tpminstitute.reports.answers import first_answers, percentile

LOOKED_BACK = timedelta(days=90)
NEWEST = 200
"""Inquiries that are looked at, by the index of when they came: a million older ones cost nothing."""

FEWEST = 10
"""Answers that it takes to say what is usual."""

_HOUR = timedelta(hours=1)


def usual_wait(session: Session, promise: Promise) -> int | None:
    """Return the median of the working hours until a person's first answer, rounded up; None where none can be told.

    Counted are the newest inquiries of the last 90 days for which the promised time is over. One that still waits
    counts as longer than any, since without it the quick answers alone would make the figure; one that was closed
    without an answer counts nothing.
    """
    now = clock.now()
    over = promise.as_if_since(now)
    asked = first_answers(session, now - LOOKED_BACK, over, promise, NEWEST)
    waited = [one.took for one in asked if one.took is not None or not one.closed]
    took = sorted(timedelta.max if time is None else time for time in waited)
    if sum(time < timedelta.max for time in took) < FEWEST:
        return None
    median = percentile(took, 0.5)
    return None if median == timedelta.max else max(1, math.ceil(median / _HOUR))
