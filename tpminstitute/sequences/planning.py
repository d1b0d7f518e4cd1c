"""When a step's mail is due."""

from datetime import datetime, timedelta

from tpminstitute.sequences.models import SequenceStep, WaitUnit

_HOURS = {WaitUnit.HOURS: 1, WaitUnit.DAYS: 24}


def after(since: datetime, step: SequenceStep, times: int = 1) -> datetime:
    """Return when `step` is due that follows `since`, after `times` its waiting time."""
    return since + timedelta(hours=step.wait_amount * _HOURS[step.wait_unit] * times)
