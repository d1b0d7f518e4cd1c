"""Dates of courses: kept once, changed by one hand at a time, and followed by the mails that lead up to them."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.factories import contact_of, submitted
from tests.rooms.plans import EXPERIENCE, SKILLS, a_step, before_course
from tpminstitute.accounts.models import AuditEntry
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences import editing, switching
from tpminstitute.sequences.course_dates import (
    CourseError,
    CourseFacts,
    StaleCourse,
    add_course_date,
    change_course_date,
    course_dates,
    remove_course_date,
)
from tpminstitute.sequences.models import CourseDate, Enrollment, EnrollmentPause, StepOutcome, StepRecord
from tpminstitute.sequences.pauses import pause_for_contact

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAME = "CSM in April"


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel("2026-03-02 15:00Z", tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def course(db, alice):
    """A course that begins on 20 April, at nine in New York."""
    with db.write() as session:
        return add_course_date(session, facts(), alice.id)


@pytest.fixture
def change(db, settings, alice, course):
    """`change(days=…, name=…)`: Alice changes the course on the page that she sees; returns how many mails moved."""

    def change(number=None, **fields):
        with db.write() as session:
            shown = session.get_one(CourseDate, course.id).number if number is None else number
            return change_course_date(session, settings, course.id, shown, facts(**fields), alice.id)

    return change


def facts(name=NAME, days=49, full=False):
    return CourseFacts(name, clock.now().replace(hour=13) + timedelta(days=days), full)


def stored(db):
    with db.read() as session:
        return session.scalars(select(CourseDate)).one()


def leading_up(db, settings, alice, course, *steps):
    """A sequence that leads up to the course, with Ada in it."""
    sequence_id = alice.sequence()
    with db.write() as session:
        switching.set_course_date(session, settings, sequence_id, course.id, alice.id)
    alice.save(sequence_id, *steps)
    with db.write() as session:
        switching.switch_on(session, sequence_id, alice.id)
        editing.set_start_rule(session, sequence_id, ["csm"], alice.id)
    submitted(db, settings, consents=True, topic="csm")
    return sequence_id


def due(db):
    with db.read() as session:
        return session.scalars(select(Enrollment.next_due_at)).one()


def test_a_course_is_added_renamed_moved_and_marked_full(db, course, change):
    assert (course.number, course.full_at) == (1, None)
    change(name="  CSM\nin May ", days=60, full=True)
    kept = stored(db)
    assert (kept.name, kept.begins_at, kept.full_at, kept.number) == (
        "CSM in May",
        facts(days=60).begins_at,
        clock.now(),
        2,
    )
    change(name="CSM in May", days=60)
    assert stored(db).full_at is None


@ON_SQLITE
def test_saving_what_is_there_already_changes_nothing(db, change):
    change()
    assert stored(db).number == 1


def test_who_saves_a_stale_page_finds_out_and_loses_nothing_of_the_others(db, change):
    change(days=60, number=1)
    with pytest.raises(StaleCourse, match=r"it begins on Fri 1 May 2026 09:00 \(America/New_York\) now"):
        change(name="Other", number=1)
    assert stored(db).name == NAME


@ON_SQLITE
@pytest.mark.parametrize(
    ("fields", "field"), [({"name": " "}, "name"), ({"name": "n" * 121}, "name"), ({"days": -1}, "begins")]
)
def test_a_course_that_cannot_be_is_refused_at_its_field(db, alice, change, fields, field):
    with pytest.raises(CourseError) as refused:
        change(**fields)
    assert refused.value.field == field
    with db.write() as session, pytest.raises(CourseError):
        add_course_date(session, facts(**fields), alice.id)


@ON_SQLITE
def test_a_course_that_is_over_may_still_be_renamed(db, change, clockwork, course):
    begun = course.begins_at
    clockwork.shift(timedelta(days=100))
    change(name="Was CSM", days=(begun - clock.now().replace(hour=13)).days)
    assert stored(db).name == "Was CSM"


def test_mails_that_lead_up_to_a_course_move_with_it(db, settings, alice, course, change):
    leading_up(db, settings, alice, course, before_course(EXPERIENCE, 10))
    assert due(db) == course.begins_at - timedelta(days=10)
    assert change(days=60) == 1
    assert due(db) == stored(db).begins_at - timedelta(days=10)
    with db.read() as session:
        note = session.scalars(select(StepRecord)).one()
    assert (note.outcome, note.number, note.due_at) == (StepOutcome.MOVED, 1, due(db))
    assert note.sentence == (
        "The course “CSM in April” was moved from Mon 20 Apr 2026 09:00 (America/New_York) "
        "to Fri 1 May 2026 09:00 (America/New_York)."
    )


def test_a_mail_that_waits_for_days_only_does_not_move_with_the_course(db, settings, alice, course, change, clockwork):
    leading_up(db, settings, alice, course, a_step(SKILLS, 2), before_course(EXPERIENCE, 10))
    was = due(db)
    clockwork.shift(timedelta(days=1))
    assert (change(days=60), due(db)) == (0, was)


def test_a_run_that_waits_moves_with_its_course_as_well(db, settings, alice, course, change):
    leading_up(db, settings, alice, course, before_course(EXPERIENCE, 10))
    with db.write() as session:
        pause_for_contact(session, contact_of(db).id, "They are away.")
    assert change(days=60) == 1
    with db.read() as session:
        assert session.scalars(select(EnrollmentPause.due_at)).one() == stored(db).begins_at - timedelta(days=10)


def test_another_course_for_a_sequence_moves_its_mails(db, settings, alice, course):
    sequence_id = leading_up(db, settings, alice, course, before_course(EXPERIENCE, 10))
    with db.write() as session:
        later = add_course_date(session, facts("CSM in June", days=90), alice.id)
        switching.set_course_date(session, settings, sequence_id, later.id, alice.id)
    assert due(db) == later.begins_at - timedelta(days=10)


def test_a_course_cannot_leave_a_sequence_whose_mails_count_back_from_it(db, settings, alice, course):
    sequence_id = leading_up(db, settings, alice, course, before_course(EXPERIENCE, 10))
    with db.write() as session, pytest.raises(Refusal, match="counted back from the course's beginning"):
        switching.set_course_date(session, settings, sequence_id, None, alice.id)
    alice.save(sequence_id, a_step(EXPERIENCE))
    with db.write() as session:
        switching.set_course_date(session, settings, sequence_id, None, alice.id)


@ON_SQLITE
def test_a_course_that_is_over_or_gone_cannot_be_led_up_to(db, settings, alice, course, clockwork):
    sequence_id = alice.sequence()
    clockwork.shift(timedelta(days=50))
    for course_id in (course.id, 77):
        with db.write() as session, pytest.raises(Refusal, match="still to come"):
            switching.set_course_date(session, settings, sequence_id, course_id, alice.id)


@ON_SQLITE
def test_the_list_shows_what_comes_first_and_what_is_over_last(db, settings, alice, course, clockwork):
    with db.write() as session:
        add_course_date(session, facts("Soon over", days=2), alice.id)
        add_course_date(session, facts("Later", days=80), alice.id)
    leading_up(db, settings, alice, course, before_course(EXPERIENCE, 10))
    clockwork.shift(timedelta(days=3))
    with db.read() as session:
        assert [(use.course.name, list(use.sequences)) for use in course_dates(session)] == [
            (NAME, ["After the fair"]),
            ("Later", []),
            ("Soon over", []),
        ]


@ON_SQLITE
def test_a_course_is_removed_unless_follow_ups_lead_up_to_it(db, settings, alice, course):
    sequence_id = leading_up(db, settings, alice, course, a_step(wait=2))
    with db.write() as session, pytest.raises(Refusal, match="the follow-ups “After the fair” lead up to it"):
        remove_course_date(session, course.id, alice.id)
    with db.write() as session:
        switching.set_course_date(session, settings, sequence_id, None, alice.id)
        remove_course_date(session, course.id, alice.id)
    with db.write() as session, pytest.raises(Refusal, match="was removed"):
        remove_course_date(session, course.id, alice.id)


@ON_SQLITE
def test_changes_of_courses_are_in_the_audit_log(db, alice, course, change):
    change(days=60)
    with db.write() as session:
        remove_course_date(session, course.id, alice.id)
    with db.read() as session:
        entries = session.execute(select(AuditEntry.action, AuditEntry.account_id).order_by(AuditEntry.id)).all()
    assert entries == [(f"course_date_{what}", alice.id) for what in ("added", "changed", "removed")]


def test_the_last_place_that_goes_stops_at_once_what_leads_up_to_the_course(db, settings, alice, course, change):
    leading_up(db, settings, alice, course, before_course(SKILLS, 10))
    change(full=True)
    with db.read() as session:
        run = session.scalars(select(Enrollment)).one()
    assert (run.status.value, run.reason) == ("stopped", f"The course “{NAME}” is full.")
