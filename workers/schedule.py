"""When the scheduler asks for which job; each only says "look now"."""

from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from celery import schedules

from tpminstitute.core import clock
from tpminstitute.core.jobs import Job

FOLLOW_UP_SECONDS = 60
LOOK_AHEAD_SECONDS = 60
TIDY_SECONDS = 3600
COMPARE_SECONDS = 60
RETAIN_SECONDS = 300
IMPORT_SECONDS = 60

_BEGUN, _BEGUN_MONOTONIC = clock.now(), monotonic()


class Every(schedules.schedule):
    """Celery's interval, due at once when its last run lies in the future: the clock was set back since.

    Celery's own would rest until the old time comes again.
    """

    def is_due(self, last_run_at: datetime) -> schedules.schedstate:
        """Return whether it is due, and in how many seconds to look again."""
        if self.maybe_make_aware(last_run_at) > self.maybe_make_aware(self.now()):
            return schedules.schedstate(is_due=True, next=self.seconds)
        return super().is_due(last_run_at)


def steady_now() -> datetime:
    """Return the time of this process's start plus what has passed since, whatever was done to the clock meanwhile.

    Celery's scheduler keeps the moments of the next runs and doesn't ask an interval before its moment has come; on
    this clock it comes.
    """
    return _BEGUN + timedelta(seconds=monotonic() - _BEGUN_MONOTONIC)


def schedule(sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Return Celery's schedule: sweep, index and work with many contacts every `sweep_seconds`, what is due each
    minute, tidying each hour.

    New contacts are compared with the others each minute. What the rules of retention mean goes a little every five
    minutes, until all has gone for the day.

    A wake-up that nobody took by the time of the next one is dropped by the broker's expiry.
    """
    every = {
        Job.DELIVER: sweep_seconds,
        Job.FOLLOW_UP: FOLLOW_UP_SECONDS,
        Job.LOOK_AHEAD: LOOK_AHEAD_SECONDS,
        Job.TIDY: TIDY_SECONDS,
        Job.BULK: sweep_seconds,
        Job.COMPARE: COMPARE_SECONDS,
        Job.RETAIN: RETAIN_SECONDS,
        Job.INDEX: sweep_seconds,
        Job.IMPORT: IMPORT_SECONDS,
    }
    return {
        job.value: {
            "task": job.value,
            "schedule": Every(float(seconds), nowfun=steady_now),
            "options": {"expires": seconds},
        }
        for job, seconds in every.items()
    }
