"""A staff member's calendar at a secret address, as calendar programs read it."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from icalendar import Calendar

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, submitted
from tpminstitute.accounts.models import Account
from tpminstitute.core import tokens
from tpminstitute.pipeline import reminders
from tpminstitute.pipeline.reminders import Wanted
from tpminstitute.sequences.models import CourseDate, Holiday
from tpminstitute.today.calendar_feed import Shown, calendar_at, choose_shown, end_feed, feed_of, make_feed

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 24, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel(NOON, tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def alice(db):
    with db.write() as session:
        return an_account(session).id


@pytest.fixture
def remind(db, settings, alice):
    def remind(text="Call her", name="Ada Lovelace", for_id=alice):
        submitted(db, settings, name=name)
        with db.write() as session:
            wanted = Wanted(for_id, TOMORROW, text)
            return reminders.remind(session, settings, contact_of(db).id, wanted, alice).public_id

    return remind


@pytest.fixture
def secret(db, alice):
    with db.write() as session:
        return make_feed(session, alice, Shown())


@pytest.fixture
def read(db, settings, secret):
    """Look at the calendar as a calendar program does."""

    def look(secret=secret):
        with db.read() as session:
            return calendar_at(session, settings, secret)

    return look


def events(content):
    return Calendar.from_ical(content).events


def test_a_reminder_is_an_event_with_an_alarm(remind, read):
    public_id = remind()
    (event,) = events(read())
    assert event["summary"] == "Ada Lovelace: Call her"
    assert event.start == TOMORROW
    assert event.end - event.start == timedelta(minutes=15)
    assert event["uid"] == f"reminder-{public_id}@institute.test"
    assert event["transp"] == "TRANSPARENT"
    (alarm,) = event.alarms.times
    assert alarm.trigger == TOMORROW


def test_it_shows_ones_own_open_reminders_only(db, remind, read, alice):
    with db.write() as session:
        bob = an_account(session, "Bob").id
    remind("Bob's", for_id=bob)
    done = remind("Done")
    remind("Alice's")
    with db.write() as session:
        reminders.finish(session, done, alice)
    assert [str(event["summary"]).partition(": ")[2] for event in events(read())] == ["Alice's"]


@on_sqlite
def test_a_change_raises_the_events_sequence(db, settings, remind, read, alice):
    public_id = remind()
    with db.write() as session:
        reminders.snooze(session, settings, public_id, TOMORROW + timedelta(hours=1), alice)
    (event,) = events(read())
    assert (event["sequence"], event.start) == (1, TOMORROW + timedelta(hours=1))


def test_courses_and_holidays_are_shown_to_who_likes(db, read, alice):
    with db.write() as session:
        session.add(CourseDate(name="CSM in April", begins_at=TOMORROW, full_at=None))
        session.add(Holiday(day=date(2026, 11, 26), name="Thanksgiving Day"))
    assert events(read()) == []
    with db.write() as session:
        choose_shown(session, alice, Shown(courses=True, holidays=True))
    course, holiday = events(read())
    assert (course["summary"], course.start) == ("CSM in April begins", TOMORROW)
    assert (holiday["summary"], holiday.start, holiday.end) == (
        "Thanksgiving Day",
        date(2026, 11, 26),
        date(2026, 11, 27),
    )


@on_sqlite
def test_nothing_of_what_a_visitor_wrote_is_in_it(db, settings, remind, read):
    submitted(db, settings, message="My boss must not know.")
    remind()
    assert b"boss" not in read()


@on_sqlite
@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:planted",
        "a;b,c\\n:d\u202e\x00\x07",
        "ATTENDEE;CN=x:mailto:x@example.org\nATTACH:http://example.org",
        "ü" * 400,
    ],
)
def test_hostile_words_stay_words(remind, read, hostile):
    remind(hostile.replace("\x00", ""), name=hostile.replace("\x00", "")[:100])
    content = read()
    (event,) = events(content)
    assert event["summary"] != "planted"
    assert {"attendee", "attach"} & {name.lower() for name in event} == set()
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert not any(octet < 32 and octet not in (9, 10, 13) for octet in content)


@on_sqlite
def test_programs_are_told_how_often_to_look(read):
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in read()


@on_sqlite
def test_it_stays_the_same_while_nothing_changes(remind, read, clockwork):
    remind()
    before = read()
    clockwork.shift(timedelta(hours=5))
    assert read() == before


def test_a_new_address_ends_the_old_one(db, read, alice, secret):
    with db.write() as session:
        newer = make_feed(session, alice, Shown())
    assert read(secret) is None
    assert read(newer) is not None


def test_it_is_switched_off(db, read, alice):
    with db.write() as session:
        assert end_feed(session, alice)
        assert not end_feed(session, alice)
        assert not choose_shown(session, alice, Shown())
    assert read() is None


@on_sqlite
def test_a_closed_account_has_none(db, read, alice):
    with db.write() as session:
        session.get_one(Account, alice).active = False
    assert read() is None


@on_sqlite
def test_the_secret_is_kept_as_a_digest_only(db, alice, secret):
    with db.read() as session:
        feed = feed_of(session, alice)
    assert feed is not None
    assert feed.secret_digest == tokens.digest(secret)
    assert secret not in repr(vars(feed))
