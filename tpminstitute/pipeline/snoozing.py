"""Until when a thing is put off: in an hour, tomorrow, on Monday, or on a day that somebody chooses."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tpminstitute.core import zones

MORNING = time(9)
"""When a day begins on which one wants to be reminded."""

_DAY = timedelta(days=1)
_MONDAY = 1


class Snooze(StrEnum):
    """A way to put something off."""

    HOUR = "hour"
    TOMORROW = "tomorrow"
    MONDAY = "monday"


LABELS = {
    Snooze.HOUR: "1 hour",
    Snooze.TOMORROW: "Tomorrow 9:00",
    Snooze.MONDAY: "Monday 9:00",
}


def until(snooze: Snooze, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, until which something is put off at `now`; days are those of the clock in `zone`.

    Monday is the next one, never today.
    """
    if snooze is Snooze.HOUR:
        return now + timedelta(hours=1)
    today = zones.local(now, zone).date()
    days = 1 if snooze is Snooze.TOMORROW else (_MONDAY - today.isoweekday()) % 7 or 7
    return morning_of(today + days * _DAY, zone)


def morning_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, at which `day` begins for who wants to be reminded on it."""
    return zones.moment(zones.existing(datetime.combine(day, MORNING), zone), zone)
