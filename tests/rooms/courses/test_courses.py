"""Courses and their dates as staff keep them: what visitors see of them, what is refused, what hangs on a date."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import submitted
from tests.rooms.courses_kept import (
    TITLE,
    a_course,
    a_date,
    changed,
    kept_course,
    said_full,
    seen,
    seen_course,
    stored,
    typed_date,
)
from tests.rooms.plans import SKILLS, before_course
from tests.rooms.test_schema import refused
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.courses import dates, editing
from tpminstitute.courses.dates import StaleDate
from tpminstitute.courses.editing import CourseProblems, CourseText, StaleText
from tpminstitute.courses.prose import as_html, as_plain
from tpminstitute.guide.chapters import load_guide
from tpminstitute.institute.service import version
from tpminstitute.sequences import editing as plans
from tpminstitute.sequences import switching
from tpminstitute.sequences.course_dates import CourseFacts, add_course_date, change_course_date, remove_course_date
from tpminstitute.sequences.models import Course, CourseDate, Enrollment

NINE_IN_NEW_YORK = datetime(2027, 5, 3, 13, tzinfo=UTC)


def at(db, slug):
    return seen(db).at(slug)


def lasts(date):
    return date.ends_at - date.begins_at


def change(db, course_id, alice, number=None, **fields):
    """Let Alice change the course on the page that she sees."""
    with db.write() as session:
        row = session.get_one(Course, course_id)
        kept = editing.text_of(row)
        typed = CourseText(**({name: getattr(kept, name) for name in kept.__dataclass_fields__} | fields))
        return editing.change_course(session, course_id, number or row.number, typed, alice.id)


def test_it_comes_with_what_the_guide_names_and_says_nothing_that_the_guide_does_not(db):
    found = seen(db).courses
    assert [course.title for course in found] == [
        "Technical program management",
        "Certified Scrum Master (CSM)",
        "Project Management Professional (PMP)",
        "Certified Agile Leadership (CAL)",
        "SAFe Program Consultant (SPC)",
    ]
    assert [course.topic for course in found] == ["becoming_a_tpm", "csm", "pmp", "cal", "spc"]
    assert all(not course.dates and not course.link for course in found)
    words = " ".join(course.for_whom + course.learns for course in found)
    assert not re.search(r"[$€£]|\b(?:19|20)\d\d\b", words)
    anchors = set(re.findall(r'href="/#([^"]+)"', words))
    assert anchors
    assert anchors <= {chapter.slug for chapter in load_guide().chapters}


def test_a_course_is_seen_from_when_it_is_published_until_it_is_hidden(db, alice):
    course_id = a_course(db, alice.id, hidden=True)
    assert at(db, "leading-programs") is None
    with db.write() as session:
        editing.publish(session, course_id, alice.id)
    assert at(db, "leading-programs").title == TITLE
    with db.write() as session:
        editing.hide(session, course_id, alice.id)
    assert at(db, "leading-programs") is None


def test_an_archived_course_is_hidden_and_is_not_published_before_it_is_taken_out(db, alice, course):
    with db.write() as session:
        editing.archive(session, course, alice.id)
    assert at(db, "leading-programs") is None
    with db.write() as session, pytest.raises(Refusal, match="is in the archive"):
        editing.publish(session, course, alice.id)
    with db.write() as session:
        editing.restore(session, course, alice.id)
        editing.publish(session, course, alice.id)
    assert seen_course(db, course).title == TITLE
    refused(db, update(Course).where(Course.id == course).values(archived_at=clock.now()))


def test_a_former_address_leads_to_the_course_and_to_no_other_one(db, alice, course):
    change(db, course, alice, slug="leading")
    assert at(db, "leading-programs").slug == "leading"
    with pytest.raises(CourseProblems) as problems:
        a_course(db, alice.id)
    assert problems.value.fields == {"slug": f"“{TITLE}” has or had this address. Choose another one."}
    change(db, course, alice, slug="leading-programs")
    assert at(db, "leading").slug == "leading-programs"


def test_a_renamed_course_renames_its_dates_for_whatever_leads_up_to_them(db, alice, course):
    date_id = a_date(db, course, alice.id)
    change(db, course, alice, title="Leading many programs")
    kept = stored(db, date_id)
    assert (kept.name, kept.number) == ("Leading many programs", 2)


def test_who_saves_a_stale_course_is_shown_what_it_says_now_and_changes_nothing(db, alice, course):
    change(db, course, alice, learns="Bob's words")
    with pytest.raises(StaleText) as refusal:
        change(db, course, alice, number=2, learns="Alice's words")
    assert refusal.value.kept.learns == "Bob's words"
    assert kept_course(db, course).learns == "Bob's words"


@on_sqlite
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": " \u200b "}, "title"),
        ({"title": "t" * 101}, "title"),
        ({"topic": "nothing"}, "topic"),
        ({"learns": "l" * 4_001}, "learns"),
        ({"link": "http://example.org"}, "link"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "https://user@example.org"}, "link"),
        ({"link": "https://example.org/" + "l" * 500}, "link"),
        ({"link": "https://[oops"}, "link"),
        ({"slug": "Über uns"}, "slug"),
        ({"slug": "../x"}, "slug"),
        ({"slug": "a" * 81}, "slug"),
        ({"title": "学习"}, "slug"),
    ],
)
def test_a_course_that_cannot_be_is_refused_at_its_field(db, alice, course, fields, field):
    with pytest.raises(CourseProblems) as problems:
        a_course(db, alice.id, **({"title": "Another"} | fields))
    assert set(problems.value.fields) == {field}
    with pytest.raises(Refusal):
        change(db, course, alice, **(fields if field != "slug" else {"slug": fields.get("slug", "学")}))
    assert kept_course(db, course).number == 2


def test_each_change_is_on_record_and_makes_processes_read_again(db, settings, alice, course):
    with db.read() as session:
        before = version(session)
    date_id = a_date(db, course, alice.id)
    said_full(db, settings, date_id, alice.id)
    with db.write() as session:
        editing.move(session, course, -1, alice.id)
        editing.hide(session, course, alice.id)
    with db.read() as session:
        entries = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert version(session) >= before + 4
    assert entries == [
        "course_added",
        "course_published",
        "course_date_added",
        "course_date_changed",
        "course_moved",
        "course_hidden",
    ]


def test_a_date_says_what_staff_know_and_nothing_more(db, alice, course):
    a_date(db, course, alice.id)
    a_date(db, course, alice.id, "2027-05-04T09:00", "2027-05-06T17:30", place="Philadelphia", places="12", cost="free")
    first, second = seen_course(db, course).to_come
    assert (first.when, first.where, first.places, first.fee, first.free, first.full) == (
        "Monday, 3 May 2027, 09:00, New York time (UTC−4)",
        "",
        None,
        "",
        False,
        False,
    )
    assert second.when == "Tuesday, 4 May 2027, 09:00, to Thursday, 6 May 2027, 17:30, New York time (UTC−4)"
    assert (second.where, second.places, second.free) == ("Philadelphia", 12, True)


def test_a_date_goes_by_the_clock_of_its_own_zone(db, alice, course):
    a_date(db, course, alice.id, "2027-05-03T09:00", "2027-05-03T12:00", time_zone="Asia/Kolkata", online=True)
    (date,) = seen_course(db, course).to_come
    assert date.begins_at == datetime(2027, 5, 3, 3, 30, tzinfo=UTC)
    assert date.when == "Monday, 3 May 2027, 09:00 to 12:00, Kolkata time (UTC+5:30)"


def test_what_has_begun_is_told_no_longer(db, alice, course, clockwork):
    a_date(db, course, alice.id)
    clockwork.move_to(NINE_IN_NEW_YORK)
    assert seen_course(db, course).to_come == []


def test_a_time_that_comes_twice_is_the_first_one(db, alice, course):
    a_date(db, course, alice.id, "2027-11-07T01:30")
    assert seen_course(db, course).to_come[0].begins_at == datetime(2027, 11, 7, 5, 30, tzinfo=UTC)


@on_sqlite
@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"begins": "2027-03-14T02:30"}, "begins", "never shows that time. It shows 03:00 next."),
        ({"begins": "2027-03-01T09:00"}, "begins", "still to come"),
        ({"begins": "2047-03-01T09:00"}, "begins", "within the next ten years"),
        ({"begins": "soon"}, "begins", "Write the day and the time"),
        ({"begins": "2027-05-03T09:00+02:00"}, "begins", "Write the day and the time"),
        ({"begins": "0001-01-01T00:00"}, "begins", ""),
        ({"ends": "2027-05-03T09:00"}, "ends", "after the beginning"),
        ({"ends": "2027-05-02T09:00"}, "ends", "after the beginning"),
        ({"ends": "2031-05-03T09:00"}, "ends", "within two years"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "Choose the time zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "Choose the time zone"),
        ({"places": "0"}, "places", "from 1"),
        ({"places": "-3"}, "places", "from 1"),
        ({"places": "٣"}, "places", "from 1"),
        ({"places": "9" * 30}, "places", "from 1"),
        ({"cost": "fee", "fee": "f" * 10_000}, "fee", "it has 10,000"),
        ({"cost": "fee", "fee": "\u202e"}, "fee", "Write the fee"),
        ({"place": "p" * 201}, "place", "Shorten"),
        ({"link": "//example.org"}, "link", "https://"),
    ],
)
def test_a_date_that_cannot_be_is_refused_at_its_field(db, settings, alice, course, fields, field, words):
    with pytest.raises(CourseProblems) as problems:
        a_date(db, course, alice.id, **fields)
    assert list(problems.value.fields) == [field]
    assert words in problems.value.fields[field]
    date_id = a_date(db, course, alice.id)
    with pytest.raises(CourseProblems):
        changed(db, settings, date_id, alice.id, **fields)
    assert stored(db, date_id).number == 1


def test_a_date_that_moves_far_may_end_after_its_old_beginning_or_before_it(db, settings, alice, course):
    date_id = a_date(db, course, alice.id, ends="2027-05-03T17:00")
    changed(db, settings, date_id, alice.id, "2027-06-07T09:00", "2027-06-07T17:00")
    changed(db, settings, date_id, alice.id, "2027-04-05T09:00", "2027-04-05T17:00")
    assert stored(db, date_id).ends_at == datetime(2027, 4, 5, 21, tzinfo=UTC)


def test_a_date_of_a_course_that_is_moved_by_its_beginning_alone_lasts_as_long_and_keeps_its_name(
    db, settings, alice, course
):
    date_id = a_date(db, course, alice.id, ends="2027-05-03T17:00")
    with db.write() as session:
        facts = CourseFacts("Another name", NINE_IN_NEW_YORK + timedelta(days=10))
        change_course_date(session, settings, date_id, 1, facts, alice.id)
    kept = stored(db, date_id)
    assert (lasts(kept), kept.name) == (timedelta(hours=8), TITLE)


def test_a_change_of_words_alone_counts_as_a_change(db, settings, alice, course):
    date_id = a_date(db, course, alice.id)
    changed(db, settings, date_id, alice.id, place="Philadelphia")
    changed(db, settings, date_id, alice.id, place="Philadelphia")
    assert stored(db, date_id).number == 2


def test_who_saves_a_stale_date_is_shown_what_it_says_now_and_changes_nothing(db, settings, alice, course):
    date_id = a_date(db, course, alice.id)
    changed(db, settings, date_id, alice.id, place="Philadelphia")
    with db.write() as session, pytest.raises(StaleDate) as refusal:
        dates.change_date(session, settings, course, date_id, 1, typed_date(place="Boston"), alice.id)
    assert refusal.value.kept.place == "Philadelphia"


def test_what_leads_up_to_a_date_of_a_course_moves_along_and_ends_when_it_is_full(db, settings, alice, course):
    date_id = a_date(db, course, alice.id)
    sequence_id = alice.sequence()
    with db.write() as session:
        switching.set_course_date(session, settings, sequence_id, date_id, alice.id)
    alice.save(sequence_id, before_course(SKILLS, 10))
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
        plans.set_start_rule(session, sequence_id, ["csm"], alice.id)
    submitted(db, settings, consents=True, topic="csm")
    assert changed(db, settings, date_id, alice.id, "2027-06-07T09:00") == 1
    with db.write() as session, pytest.raises(Refusal, match="lead up to it"):
        dates.remove_date(session, course, date_id, alice.id)
    said_full(db, settings, date_id, alice.id)
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
    assert (run.status.value, run.reason) == ("stopped", f"The course “{TITLE}” is full.")


def test_a_date_of_the_calendar_alone_is_seen_by_nobody_until_a_course_takes_it_over(db, settings, alice, course):
    with db.write() as session:
        own = add_course_date(session, CourseFacts("CSM in May", NINE_IN_NEW_YORK), alice.id).id
    assert seen_course(db, course).dates == ()
    with db.write() as session:
        dates.take_over(session, settings, course, own, alice.id)
    (date,) = seen_course(db, course).to_come
    assert (date.id, date.when) == (own, "Monday, 3 May 2027, 09:00, New York time (UTC−4)")
    assert stored(db, own).name == TITLE
    with db.write() as session, pytest.raises(Refusal, match="a date of a course already"):
        dates.take_over(session, settings, course, own, alice.id)


@on_sqlite
def test_a_date_is_not_changed_by_way_of_another_course_or_of_the_calendar(db, settings, alice, course):
    date_id = a_date(db, course, alice.id)
    other = a_course(db, alice.id, title="Another")
    with db.write() as session, pytest.raises(Refusal, match="not one of this course"):
        dates.remove_date(session, other, date_id, alice.id)
    with db.write() as session, pytest.raises(Refusal, match="is removed on that course's page"):
        remove_course_date(session, date_id, alice.id)


@on_sqlite
def test_courses_are_moved_one_place_and_stay_at_the_ends(db, alice, course):
    order = [one.title for one in seen(db).courses]
    with db.write() as session:
        editing.move(session, course, 1, alice.id)
        editing.move(session, course, -1, alice.id)
    assert [one.title for one in seen(db).courses] == [*order[:-2], TITLE, order[-2]]


@pytest.mark.parametrize(
    "values",
    [
        "ends_at = begins_at",
        "places = 0",
        "free = true, fee = 'x'",
        "uid = NULL",
        "time_zone = NULL",
        "link = 'http://example.org'",
    ],
)
def test_the_database_refuses_a_date_that_cannot_be(db, alice, course, values):
    date_id = a_date(db, course, alice.id)
    refused(db, text(f"UPDATE course_dates SET {values} WHERE id = {date_id}"))


def test_dates_that_were_there_before_courses_are_stay_the_calendars(db):
    with db.write() as session:
        session.add(CourseDate(name="CSM in May", begins_at=NINE_IN_NEW_YORK))
    with db.read() as session:
        kept = session.scalars(select(CourseDate)).one()
    assert (kept.course_id, kept.uid, kept.online, kept.place, kept.fee) == (None, None, False, "", "")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/x.png)",
        "<img src=x onerror=alert(1)>",
        "[x](https://example.org 'a\" onmouseover=\"b')",
        "- " * 5_000,
    ],
)
def test_what_staff_write_of_a_course_can_do_nothing(hostile):
    shown = read(as_html(hostile))
    assert {element.tag for element in shown.inner} <= {"p", "a", "ul", "ol", "li", "strong", "em", "br"}
    assert {name for element in shown.inner for name in element.attrs} <= {"href", "rel", "title", "start"}
    assert all(link["href"].startswith(("https://", "/", "mailto:", "tel:")) for link in shown.all("a") if link["href"])


def test_what_staff_write_becomes_plain_words_for_what_is_no_page():
    assert as_plain("Some **words**, [a link](https://example.org).\n\n1. One\n2. Two & <b>") == (
        "Some words, a link. One Two & <b>"
    )
