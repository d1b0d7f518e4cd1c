"""Dates of courses as a calendar that programs subscribe to (RFC 5545), the same octets while nothing changes."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.courses.catalogue import Cancelled, PublicCourse, PublicDate

PAST = timedelta(days=60)
"""How long a date that is over stays."""

REFRESH = timedelta(hours=12)
"""How often a calendar program is asked to look (RFC 7986, 5.7)."""

LONGEST_NAME = 200

_PRODUCT = "-//TPM Institute//Courses//EN"


def feed_of(settings: Settings, name: str, courses: Iterable[PublicCourse]) -> bytes:
    """Return the calendar `name` with the dates of `courses`: those to come, lately over and lately taken back.

    Each keeps its UID for good; SEQUENCE counts its changes. Moments are in UTC, which every program turns into its
    reader's own clock. Where the end isn't known there is none.
    """
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", one_line(name, LONGEST_NAME))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})  # it has no type of its own
    calendar.add("x-published-ttl", "PT12H")
    for course in courses:
        for event in _events(settings, course):
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _events(settings: Settings, course: PublicCourse) -> Iterator[Event]:
    since = clock.now() - PAST
    for date in course.dates:
        if (date.ends_at or date.begins_at) > since:
            yield _confirmed(settings, course, date)
    for gone in course.lately_cancelled:
        yield _taken_back(settings, course, gone)


def _confirmed(settings: Settings, course: PublicCourse, date: PublicDate) -> Event:
    event = _event(settings, course, date.uid, date.changed_at, date.number, date.begins_at, date.ends_at)
    event.add("status", "CONFIRMED")
    if date.where:
        event.add("location", date.where)
    lines = [date.when + ".", "It is full; there is a waiting list." if date.full else "", date.link]
    event.add("description", "\n".join(line for line in (*lines, _address(settings, course)) if line))
    return event


def _taken_back(settings: Settings, course: PublicCourse, gone: Cancelled) -> Event:
    event = _event(settings, course, gone.uid, gone.removed_at, gone.number, gone.begins_at, gone.ends_at)
    event.add("status", "CANCELLED")
    event.add("description", f"This date was taken back.\n{_address(settings, course)}")
    return event


def _event(
    settings: Settings,
    course: PublicCourse,
    uid: str,
    changed_at: datetime,
    number: int,
    begins_at: datetime,
    ends_at: datetime | None,
) -> Event:
    event = Event()
    event.add("uid", f"course-{uid}@{urlsplit(settings.public_url).hostname}")
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("sequence", number - 1)
    event.add("summary", one_line(course.title, LONGEST_NAME))
    event.add("dtstart", begins_at)
    if ends_at is not None:
        event.add("dtend", ends_at)
    event.add("url", _address(settings, course))
    return event


def _address(settings: Settings, course: PublicCourse) -> str:
    return f"{settings.public_url}/courses/{course.slug}"
