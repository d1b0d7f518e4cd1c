"""A staff member's calendar at a secret address: reminders, and if they like courses and holidays (RFC 5545)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Alarm, Calendar, Event
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line, without_hidden
from tpminstitute.pipeline.models import Reminder
from tpminstitute.pipeline.reminders import LONGEST
from tpminstitute.sequences.models import CourseDate, Holiday
from tpminstitute.today.models import CalendarFeed

LENGTH = timedelta(minutes=15)
"""How long a reminder is shown to take: calendars hide what takes no time."""

PAST = timedelta(days=60)
"""How far back courses and holidays are shown."""

MOST = 1_000
"""Reminders in a feed; those that are due first."""

REFRESH = timedelta(hours=1)
"""How often a calendar program is asked to look (RFC 7986, 5.7); most take their own time."""

_NAME = 100
_PRODUCT = "-//TPM Institute//Staff desk//EN"


@dataclass(frozen=True)
class Shown:
    """What a feed shows beside reminders."""

    courses: bool = False
    holidays: bool = False


def make_feed(session: Session, account_id: int, shown: Shown) -> str:
    """Make an account's secret address, in place of an old one, which shows nothing from now on.

    Returns the secret, which is nowhere else: it is kept as a digest only.
    """
    secret = tokens.secret()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "secret_digest": tokens.digest(secret),
        "courses": shown.courses,
        "holidays": shown.holidays,
        "made_at": clock.now(),
    }
    making = insert(CalendarFeed).values(account_id=account_id, **values)
    session.execute(making.on_conflict_do_update(index_elements=["account_id"], set_=values))
    record_audit(session, "calendar_feed_made", f"account {account_id}", account_id=account_id)
    return secret


def choose_shown(session: Session, account_id: int, shown: Shown) -> bool:
    """Keep what an account's feed shows; returns False when it has none."""
    feed = session.get(CalendarFeed, account_id, with_for_update=True)
    if feed is None:
        return False
    feed.courses, feed.holidays = shown.courses, shown.holidays
    return True


def end_feed(session: Session, account_id: int) -> bool:
    """Switch an account's feed off; returns False when it has none."""
    feed = session.get(CalendarFeed, account_id, with_for_update=True)
    if feed is None:
        return False
    session.delete(feed)
    record_audit(session, "calendar_feed_ended", f"account {account_id}", account_id=account_id)
    return True


def feed_of(session: Session, account_id: int) -> CalendarFeed | None:
    """Return an account's feed, or None."""
    return session.get(CalendarFeed, account_id)


def calendar_at(session: Session, settings: Settings, secret: str) -> bytes | None:
    """Return the calendar at a secret address, or None where there is none: unknown, ended, or of a closed account.

    It stays the same, octet for octet, as long as nothing in it changes.
    """
    found = session.execute(
        select(CalendarFeed, Account.name)
        .join(Account, Account.id == CalendarFeed.account_id)
        .where(CalendarFeed.secret_digest == tokens.digest(secret), Account.active)
    ).one_or_none()
    if found is None:
        return None
    feed, name = found
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", one_line(f"{settings.institute_name}: {name}", _NAME))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})  # it has no type of its own
    calendar.add("x-published-ttl", "PT1H")
    for event in _reminders(session, settings, feed):
        calendar.add_component(event)
    if feed.courses:
        for event in _courses(session, settings, feed):
            calendar.add_component(event)
    if feed.holidays:
        for event in _holidays(session, settings, feed):
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _reminders(session: Session, settings: Settings, feed: CalendarFeed) -> Iterator[Event]:
    rows = session.execute(
        select(Reminder, Contact.public_id, Contact.name)
        .join(Contact, Contact.id == Reminder.contact_id)
        .where(Reminder.for_id == feed.account_id, Reminder.done_at.is_(None))
        .order_by(Reminder.due_at, Reminder.id)
        .limit(MOST)
    )
    for reminder, contact_id, name in rows:
        what = one_line(reminder.text, LONGEST)
        event = _event(settings, f"reminder-{reminder.public_id}", reminder.changed_at)
        event.add("summary", f"{one_line(name, _NAME) or 'Nobody named'}: {what}")
        event.add("dtstart", reminder.due_at)
        event.add("dtend", reminder.due_at + LENGTH)
        event.add("description", without_hidden(reminder.text))
        event.add("url", f"{settings.public_url}/staff/contacts/{contact_id}")
        event.add("transp", "TRANSPARENT")
        event.add("sequence", reminder.number - 1)
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", what)
        alarm.add("trigger", timedelta())
        event.add_component(alarm)
        yield event


def _courses(session: Session, settings: Settings, feed: CalendarFeed) -> Iterator[Event]:
    since = clock.now() - PAST
    for course in session.scalars(select(CourseDate).where(CourseDate.begins_at >= since).order_by(CourseDate.id)):
        event = _event(settings, f"course-{course.id}", feed.made_at)
        event.add("summary", f"{one_line(course.name, _NAME)} begins")
        event.add("dtstart", course.begins_at)
        event.add("dtend", course.begins_at + LENGTH)
        event.add("transp", "TRANSPARENT")
        event.add("sequence", course.number - 1)
        yield event


def _holidays(session: Session, settings: Settings, feed: CalendarFeed) -> Iterator[Event]:
    since: date = (clock.now() - PAST).date()
    for holiday in session.scalars(select(Holiday).where(Holiday.day >= since).order_by(Holiday.day)):
        event = _event(settings, f"holiday-{holiday.day:%Y%m%d}", feed.made_at)
        event.add("summary", one_line(holiday.name, _NAME))
        event.add("dtstart", holiday.day)
        event.add("dtend", holiday.day + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        yield event


def _event(settings: Settings, what: str, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", f"{what}@{urlsplit(settings.public_url).hostname}")
    event.add("dtstamp", stamp)
    return event
