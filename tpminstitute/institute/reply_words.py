"""When an answer comes, as visitors read it: the promise, what is usual, and when the office opens again."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tpminstitute.core import zones
from tpminstitute.institute.office_hours import Hours, OfficeHours, standing_at
from tpminstitute.institute.promise import Promise

_NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_HOUR = timedelta(hours=1)
_FEW_DAYS = 2
_NEAR_DAYS = 6
"""So many days ahead the name of a weekday says which is meant."""


def promise_in_words(promise: Promise, usual: int | None) -> str:
    """Return within what time an answer comes, as a sentence.

    Parameters: `usual`, the working hours within which people are usually answered, told in days where there are many;
    None while that can't be told, so that only the promise can be given.
    """
    if usual is None:
        return f"We answer within {_working_time(promise.working_time, promise.hours.week)}."
    return f"Letters are usually answered within {_usual_time(usual * _HOUR, promise.hours.week)}."


def closed_in_words(moment: datetime, hours: OfficeHours) -> str:
    """Return that the office is closed at `moment` and when it opens, as a sentence; '' while it is open.

    Raises `NeverOpen` as `standing_at` does.
    """
    standing = standing_at(moment, hours)
    if standing.is_open:
        return ""
    opens, now = zones.local(standing.until, hours.zone), zones.local(moment, hours.zone)
    days = (opens.date() - now.date()).days
    on = "today" if not days else f"on {opens:%A}" if days <= _NEAR_DAYS else f"on {opens:%A} {opens.day} {opens:%B}"
    return f"The office is closed now and opens {on} at {opens.hour}:{opens:%M} ({zones.whose_clock(hours.zone)})."


def due_in_words(due: datetime, zone: ZoneInfo) -> str:
    """Return the moment by which an answer is promised, such as ``Tuesday 24 November, 17:00, New York time``."""
    shown = zones.local(due, zone)
    return f"{shown:%A} {shown.day} {shown:%B}, {shown.hour}:{shown:%M}, {zones.whose_clock(zone)}"


def _working_time(time: timedelta, week: Mapping[int, Hours]) -> str:
    """Working time in working days where every day is as long and they come out even, else in hours."""
    day = _working_day(week)
    if day and not time % day:
        return _counted(time // day, "working day")
    return _counted(time // _HOUR, "working hour")


def _usual_time(time: timedelta, week: Mapping[int, Hours]) -> str:
    """Working time in hours, beyond `_FEW_DAYS` in working days, rounded up: nobody reckons with 26 working hours."""
    day = _working_day(week)
    if day and time > _FEW_DAYS * day:
        return _counted(math.ceil(time / day), "working day")
    return _counted(time // _HOUR, "working hour")


def _working_day(week: Mapping[int, Hours]) -> timedelta | None:
    """Return how long a working day is; None where they differ."""
    lengths = {timedelta(minutes=hours.closes - hours.opens) for hours in week.values()}
    return lengths.pop() if len(lengths) == 1 else None


def _counted(number: int, what: str) -> str:
    return f"{_NUMBERS[number] if number < len(_NUMBERS) else number} {what}{'' if number == 1 else 's'}"
