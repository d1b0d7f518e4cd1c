"""Dates of courses for calendar programs and for search engines: true, steady, and inert."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from tests.conftest import on_sqlite
from tests.rooms.courses_kept import TITLE, a_date, changed, said_full, seen_course
from tpminstitute.courses import dates
from tpminstitute.courses.feed import feed_of
from tpminstitute.courses.structured import course_as_json_ld

pytestmark = on_sqlite

HOSTILE = "</script><script>alert(1)</script>\u2028 & <!-- \r\nBEGIN:VEVENT; \\n , x"


@pytest.fixture
def feed(db, settings, course):
    """`feed()`: the events of the course's calendar, and its octets."""

    def feed():
        content = feed_of(settings, "Courses", [seen_course(db, course)])
        return Calendar.from_ical(content).walk("VEVENT"), content

    return feed


@pytest.fixture
def told(db, settings, course):
    """`told()`: what search engines read of the course."""

    def told():
        return json.loads(course_as_json_ld(settings, seen_course(db, course)))

    return told


def test_a_date_is_an_event_in_utc_with_what_is_known(db, alice, course, feed):
    a_date(db, course, alice.id, ends="2027-05-03T17:00", place="Philadelphia", link="https://example.org/csm")
    (event,), _ = feed()
    assert event["SUMMARY"] == TITLE
    assert event["DTSTART"].dt == datetime(2027, 5, 3, 13, tzinfo=UTC)
    assert event["DTEND"].dt == datetime(2027, 5, 3, 21, tzinfo=UTC)
    assert (event["LOCATION"], event["STATUS"], event["SEQUENCE"]) == ("Philadelphia", "CONFIRMED", 0)
    assert event["URL"] == "http://institute.test/courses/leading-programs"
    assert "09:00 to 17:00, New York time (UTC−4)" in event["DESCRIPTION"]
    assert "https://example.org/csm" in event["DESCRIPTION"]


def test_programs_are_told_how_often_to_look(course, feed):
    _, content = feed()
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n" in content


def test_an_end_that_nobody_said_is_not_made_up(db, alice, course, feed):
    a_date(db, course, alice.id)
    (event,), _ = feed()
    assert "DTEND" not in event
    assert "LOCATION" not in event


def test_the_calendar_stays_the_same_until_a_date_changes_and_its_uid_for_good(
    db, settings, alice, course, feed, clockwork
):
    date_id = a_date(db, course, alice.id)
    (before,), content = feed()
    clockwork.shift(timedelta(days=1))
    assert feed()[1] == content
    changed(db, settings, date_id, alice.id, "2027-06-07T09:00")
    (after,), _ = feed()
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], 1)
    assert after["DTSTAMP"].dt == before["DTSTAMP"].dt + timedelta(days=1)


def test_a_full_date_says_so(db, settings, alice, course, feed):
    said_full(db, settings, a_date(db, course, alice.id), alice.id)
    (event,), _ = feed()
    assert "It is full; there is a waiting list." in event["DESCRIPTION"]


def test_a_date_that_was_taken_back_is_cancelled_for_ninety_days(db, alice, course, feed, clockwork):
    date_id = a_date(db, course, alice.id)
    (before,), _ = feed()
    with db.write() as session:
        dates.remove_date(session, course, date_id, alice.id)
    (gone,), _ = feed()
    assert (gone["UID"], gone["STATUS"], gone["SEQUENCE"]) == (before["UID"], "CANCELLED", 1)
    assert gone["DTSTART"].dt == before["DTSTART"].dt
    clockwork.shift(timedelta(days=90))
    assert feed()[0] == []


def test_a_date_that_is_long_over_leaves_the_calendar(db, alice, course, feed, clockwork):
    a_date(db, course, alice.id)
    clockwork.move_to(datetime(2027, 6, 1, tzinfo=UTC))
    assert len(feed()[0]) == 1
    clockwork.move_to(datetime(2027, 7, 3, tzinfo=UTC))
    assert feed()[0] == []


def test_hostile_words_stay_words_in_a_calendar(db, settings, alice, course):
    a_date(db, course, alice.id, place="x", cost="fee", fee="x")
    found = seen_course(db, course)
    hostile = replace(found, title=HOSTILE, dates=(replace(found.dates[0], place=HOSTILE),))
    content = feed_of(settings, HOSTILE, [hostile])
    assert content.count(b"BEGIN:VEVENT\r\n") == 1
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert "BEGIN:VEVENT" in str(event["SUMMARY"])


def test_search_engines_read_a_course_without_a_date_as_a_course_alone(told):
    read = told()
    assert read["@type"] == "Course"
    assert (read["name"], read["description"]) == (TITLE, "To lead.")
    assert read["provider"]["name"] == "TPM Institute"
    assert "hasCourseInstance" not in read


def test_search_engines_read_real_dates_and_never_a_price(db, settings, alice, course, told):
    a_date(db, course, alice.id, ends="2027-05-03T17:00", online=True, places="12", cost="fee", fee="$1,000 in all")
    said_full(db, settings, a_date(db, course, alice.id, "2027-05-10T09:00", place="Boston", cost="free"), alice.id)
    first, second = told()["hasCourseInstance"]
    assert (first["startDate"], first["endDate"]) == ("2027-05-03T09:00:00-04:00", "2027-05-03T17:00:00-04:00")
    assert (first["courseMode"], first["maximumAttendeeCapacity"]) == ("Online", 12)
    assert first["offers"] == {"@type": "Offer", "category": "Paid"}
    assert (second["courseMode"], second["location"]["name"]) == ("Onsite", "Boston")
    assert second["offers"] == {
        "@type": "Offer",
        "category": "Free",
        "availability": "https://schema.org/SoldOut",
    }


def test_what_is_over_is_no_instance_any_more(db, alice, course, told, clockwork):
    a_date(db, course, alice.id)
    clockwork.move_to(datetime(2027, 5, 4, tzinfo=UTC))
    assert "hasCourseInstance" not in told()


def test_hostile_words_cannot_end_the_script_that_search_engines_read(db, settings, course):
    written = course_as_json_ld(settings, replace(seen_course(db, course), title=HOSTILE))
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["name"] == HOSTILE
