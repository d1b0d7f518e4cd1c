"""When the scheduler asks for which job; each only says "look now"."""

from typing import Any

from tpminstitute.core.jobs import Job

FOLLOW_UP_SECONDS = 60
TIDY_SECONDS = 3600


def schedule(sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Return Celery's schedule: the sweep every `sweep_seconds`, follow-ups each minute, tidying each hour.

    A wake-up that nobody took by the time of the next one is dropped by the broker's expiry.
    """
    every = {Job.DELIVER: sweep_seconds, Job.FOLLOW_UP: FOLLOW_UP_SECONDS, Job.TIDY: TIDY_SECONDS}
    return {
        job.value: {"task": job.value, "schedule": float(seconds), "options": {"expires": seconds}}
        for job, seconds in every.items()
    }
