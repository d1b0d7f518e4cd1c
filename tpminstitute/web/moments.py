"""Moments as pages say them: in words when they are near, exact in their titles."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from tpminstitute.core import clock, zones


def when(moment: datetime | None) -> Markup:
    """Return a moment as a `<time>` element: in words when it is near, exact in its title (UTC)."""
    if moment is None:
        return Markup("")
    return _time(moment, f"{moment:%a %-d %b %Y %H:%M} UTC", _in_words(moment, clock.now()))


def how_long(since: datetime) -> Markup:
    """Return how long something waits already as a `<time>` element; since when stands in its title (UTC)."""
    waited = clock.now() - since
    hours = int(waited.total_seconds()) // 3600
    if hours < 1:
        words = f"{max(int(waited.total_seconds()) // 60, 1)} min"
    elif hours < 24:
        words = "1 hour" if hours == 1 else f"{hours} hours"
    else:
        words = "1 day" if hours < 48 else f"{hours // 24} days"
    return _time(since, f"since {since:%a %-d %b %Y %H:%M} UTC", words)


def by_clock(moment: datetime, zone: ZoneInfo) -> Markup:
    """Return a moment by the clock of `zone` as a `<time>` element; the same in UTC stands in its title."""
    return _time(moment, f"{moment:%a %-d %b %Y %H:%M} UTC", zones.written(moment, zone))


def _time(moment: datetime, title: str, words: str) -> Markup:
    """Return the element; nothing in it needs escaping, since it is made of numbers and names of days and zones."""
    return Markup(f'<time datetime="{moment.isoformat(timespec="seconds")}" title="{title}">{words}</time>')


def _in_words(moment: datetime, now: datetime) -> str:
    ahead = moment > now
    distance = abs(moment - now)
    if distance < timedelta(minutes=1):
        return "in a moment" if ahead else "just now"
    if distance < timedelta(hours=1):
        words = f"{distance.seconds // 60} min"
    elif distance < timedelta(hours=12):
        hours = distance.seconds // 3600
        words = "1 hour" if hours == 1 else f"{hours} hours"
    elif distance < timedelta(days=6):
        return f"{moment:%a %H:%M} UTC"
    else:
        return f"{moment.day} {moment:%b}" if moment.year == now.year else f"{moment.day} {moment:%b %Y}"
    return f"in {words}" if ahead else f"{words} ago"
