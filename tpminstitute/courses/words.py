"""When and where a course takes place, in words that can be mistaken nowhere."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tpminstitute.core import zones

MINUTES = 60


def clock_in_words(zone: ZoneInfo, moment: datetime) -> str:
    """Return whose clock it is and how far from UTC at `moment`, such as ``New York time (UTC−4)``."""
    whose = zones.whose_clock(zone)
    return whose if whose == "UTC" else f"{whose} ({_distance(zone, moment)})"


def day_in_words(moment: datetime, zone: ZoneInfo) -> str:
    """Return a day by the clock of `zone`, such as ``Monday, 4 May 2026``."""
    shown = zones.local(moment, zone)
    return f"{shown:%A}, {shown.day} {shown:%B %Y}"


def when_in_words(begins_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> str:
    """Return from when to when, by whose clock.

    Such as ``Monday, 4 May 2026, 09:00 to 17:00, New York time (UTC−4)``.
    """
    told = f"{day_in_words(begins_at, zone)}, {zones.local(begins_at, zone):%H:%M}"
    if ends_at is not None:
        end = f"{zones.local(ends_at, zone):%H:%M}"
        same_day = zones.local(begins_at, zone).date() == zones.local(ends_at, zone).date()
        told += f" to {end}" if same_day else f", to {day_in_words(ends_at, zone)}, {end}"
    return f"{told}, {clock_in_words(zone, begins_at)}"


def where_in_words(online: bool, place: str) -> str:
    """Return where it takes place, '' where that isn't known."""
    if online:
        return f"Online, and at {place}" if place else "Online"
    return place


def _distance(zone: ZoneInfo, moment: datetime) -> str:
    offset = zones.local(moment, zone).utcoffset()
    minutes = 0 if offset is None else int(offset.total_seconds()) // MINUTES
    hours, rest = divmod(abs(minutes), MINUTES)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}" if minutes else "UTC"
