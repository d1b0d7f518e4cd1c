"""By which clock somebody lives: what staff say, else their browser, else their phone number, else the institute."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.factories import an_account, contact_of, submitted
from tests.rooms.test_zones import NOWHERE
from tpminstitute.contacts.models import ZoneSource
from tpminstitute.contacts.time_zones import (
    FoundZone,
    clock_of,
    find_zone,
    from_browser,
    from_phone,
    keep_time_zone,
    read_zone,
    set_time_zone,
)
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.timeline.models import Activity, ActivityKind

HOME = ZoneInfo("America/New_York")
LONDON = ("+44 20 7946 0958", "+442079460958")
BERLIN = FoundZone("Europe/Berlin", ZoneSource.BROWSER)


@pytest.fixture
def db(sqlite_url):
    """SQLite by itself: nothing here says anything about the database, and the doors' tests write on both."""
    database = Database(sqlite_url)
    yield database
    database.close()


def zone_of(db):
    ada = contact_of(db)
    return ada.time_zone, ada.time_zone_source


def changes(db):
    """What the timeline says about changes of the contact, oldest first."""
    changed = select(Activity.sentence).where(Activity.kind == ActivityKind.CONTACT_CHANGED).order_by(Activity.id)
    with db.read() as session:
        return list(session.scalars(changed))


def keep(db, name, source):
    with db.write() as session:
        return keep_time_zone(session, contact_of(db).id, FoundZone(name, source))


def choose(db, typed):
    """Alice sets Ada's zone. Returns: whether it was changed."""
    with db.write() as session:
        alice = session.scalar(text("SELECT id FROM accounts")) or an_account(session).id
        return set_time_zone(session, contact_of(db).id, typed, alice, instead_of=contact_of(db).time_zone)


# --- what a browser and a number tell -----------------------------------------------------------------------


@pytest.mark.parametrize("said", NOWHERE, ids=lambda said: ascii(said)[:30])
def test_what_no_browser_says_is_ignored(said):
    assert from_browser(said) is None


@given(st.text())
@example("Europe/Berlin\n")
def test_any_text_is_a_zone_of_the_database_or_nothing(said):
    assert from_browser(said) in (None, said)


@pytest.mark.parametrize("said", ["UTC", "Etc/UTC", "GMT", "Etc/GMT+5", "Zulu"])
def test_a_browser_that_says_only_how_its_machine_is_set_says_nothing(said):
    assert from_browser(said) is None


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+442079460958", "Europe/London"),
        ("+819012345678", "Asia/Tokyo"),  # one zone for the whole country, and for each mobile in it
        ("+12154302201", "America/New_York"),  # one of a country's many, by its area code
        ("+18005551234", None),  # free of charge, from Guam to St. John's
        ("+61412345678", None),  # a mobile from anywhere in Australia
        ("+34600123456", None),  # Madrid or the Canary Islands
        ("+441624712345", "Europe/Isle_of_Man"),
        ("+393331234567", "Europe/Rome"),  # from Italy or the Vatican, which share one clock
        ("+448081570192", "Europe/London"),  # from anywhere in Britain or its islands, which share one clock
        ("+447700900123", "Europe/London"),  # from a range of numbers that no table has, in a country with one zone
        ("+6491234567", None),  # the same, in a country with two
        ("+883510012345", None),  # no country's
        (None, None),
        ("", None),
        ("garbage", None),
    ],
)
def test_a_phone_number_tells_a_zone_only_where_there_is_one(number, zone):
    assert from_phone(number) == zone


def test_zones_whose_clocks_agree_in_winter_only_are_not_as_one():
    """Page in Arizona and its neighbours in Utah."""
    with time_machine.travel(datetime(2026, 1, 10, tzinfo=UTC)):
        assert from_phone("+19282831234") is None


def test_a_browser_is_believed_before_a_number():
    assert find_zone("Asia/Tokyo", LONDON[1]) == FoundZone("Asia/Tokyo", ZoneSource.BROWSER)
    assert find_zone("Mars/Olympus", LONDON[1]) == FoundZone("Europe/London", ZoneSource.PHONE)
    assert find_zone("", "+18005551234") is None


# --- what is kept -------------------------------------------------------------------------------------------


def test_a_letter_tells_the_zone_of_the_browser_it_was_written_in(db, settings):
    submitted(db, settings, phone=LONDON, time_zone="Asia/Tokyo")
    assert zone_of(db) == ("Asia/Tokyo", ZoneSource.BROWSER)
    assert changes(db) == []


def test_a_letter_without_a_zone_tells_that_of_its_phone_number(db, settings):
    submitted(db, settings, phone=LONDON)
    assert zone_of(db) == ("Europe/London", ZoneSource.PHONE)


@pytest.mark.parametrize("said", ["", "Mars/Olympus", "\x00", "../etc/passwd"])
def test_a_letter_with_no_zone_or_with_garbage_is_taken_all_the_same(db, settings, said):
    submitted(db, settings, time_zone=said)
    assert zone_of(db) == (None, None)


def test_a_later_letter_fills_the_gap(db, settings):
    submitted(db, settings)
    submitted(db, settings, time_zone="Asia/Tokyo")
    assert zone_of(db) == ("Asia/Tokyo", ZoneSource.BROWSER)
    assert changes(db) == []


def test_who_has_moved_is_found_by_the_newer_browser_and_the_timeline_says_so(db, settings):
    submitted(db, settings, time_zone="Europe/Berlin")
    submitted(db, settings, time_zone="Asia/Tokyo")
    assert zone_of(db) == ("Asia/Tokyo", ZoneSource.BROWSER)
    assert changes(db) == ["The time zone is Asia/Tokyo, from the browser; it was Europe/Berlin."]
    submitted(db, settings, time_zone="Asia/Tokyo")
    assert len(changes(db)) == 1


@pytest.mark.parametrize(
    ("kept", "found", "stays"),
    [
        (ZoneSource.STAFF, ZoneSource.BROWSER, True),
        (ZoneSource.STAFF, ZoneSource.PHONE, True),
        (ZoneSource.BROWSER, ZoneSource.PHONE, True),
        (ZoneSource.PHONE, ZoneSource.PHONE, True),  # as the number itself, which is kept as it came first
        (ZoneSource.PHONE, ZoneSource.BROWSER, False),
        (ZoneSource.BROWSER, ZoneSource.STAFF, False),
    ],
)
def test_a_zone_is_never_replaced_by_a_worse_source(db, settings, kept, found, stays):
    submitted(db, settings)
    assert keep(db, "Europe/Berlin", kept)
    assert keep(db, "Asia/Tokyo", found) is not stays
    assert zone_of(db) == (("Europe/Berlin", kept) if stays else ("Asia/Tokyo", found))


def test_what_staff_set_outlives_every_letter(db, settings):
    submitted(db, settings, time_zone="Europe/Berlin")
    assert choose(db, "Asia/Tokyo")
    submitted(db, settings, phone=LONDON, time_zone="Europe/Berlin")
    assert zone_of(db) == ("Asia/Tokyo", ZoneSource.STAFF)
    assert changes(db) == ["Set the time zone to Asia/Tokyo."]


def test_setting_what_is_set_changes_nothing(db, settings):
    submitted(db, settings)
    assert choose(db, "Asia/Tokyo")
    assert not choose(db, "Asia/Tokyo")
    assert len(changes(db)) == 1


def test_nothing_typed_forgets_the_zone(db, settings):
    submitted(db, settings, phone=LONDON, time_zone="Asia/Tokyo")
    assert choose(db, " ")
    assert zone_of(db) == (None, None)
    assert changes(db) == ["Cleared the time zone."]


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("  europe/berlin ", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("Kathmandu", "Asia/Kathmandu"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("UTC", "UTC"),
    ],
)
def test_staff_may_write_a_zone_as_people_do(typed, zone):
    assert read_zone(typed) == zone


@pytest.mark.parametrize("typed", ["US/Pacific-New", "Berlni", "Europe", "../etc/passwd", "\x00", "\u202eEurope"])
def test_what_names_no_zone_is_refused_and_keeps_the_old(db, settings, typed):
    submitted(db, settings, time_zone="Europe/Berlin")
    with pytest.raises(Refusal, match="is no time zone"):
        choose(db, typed)
    assert zone_of(db) == ("Europe/Berlin", ZoneSource.BROWSER)


# --- the clock that mails go by -----------------------------------------------------------------------------


def test_mails_go_by_what_is_kept_and_by_the_institutes_clock_where_nothing_is_known():
    kept = clock_of("Asia/Tokyo", ZoneSource.BROWSER, LONDON[1], HOME)
    assert (kept.zone.key, kept.source, kept.where) == ("Asia/Tokyo", ZoneSource.BROWSER, "where they live")
    unknown = clock_of(None, None, None, HOME)
    assert (unknown.zone, unknown.source, unknown.where) == (HOME, None, "at the institute")


def test_mails_to_a_contact_of_older_days_go_by_the_clock_of_the_phone_number():
    older = clock_of(None, None, LONDON[1], HOME)
    assert (older.zone.key, older.source) == ("Europe/London", ZoneSource.PHONE)


def test_a_zone_that_was_abolished_since_it_was_kept_is_as_none():
    abolished = clock_of("US/Pacific-New", ZoneSource.STAFF, None, HOME)
    assert (abolished.zone, abolished.source) == (HOME, None)
