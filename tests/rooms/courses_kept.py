"""Courses as the tests need them: one with a date in New York, and whoever waits for it."""

from typing import Any

from sqlalchemy import select

from tests.factories import a_submission
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.courses import dates, editing
from tpminstitute.courses.asking import asked_course, key_of
from tpminstitute.courses.catalogue import Catalogue, PublicCourse, catalogue_of
from tpminstitute.courses.dates import DateText
from tpminstitute.courses.editing import CourseText
from tpminstitute.inbox import waiting_list
from tpminstitute.inbox.submit import submit_inquiry
from tpminstitute.sequences.models import Course, CourseDate

TITLE = "Leading programs"
NEW_YORK = "America/New_York"


def a_course(db: Database, account_id: int, *, hidden: bool = False, **fields: Any) -> int:
    """Add a course about CSM, published unless it is to be `hidden`; returns its id."""
    text = CourseText(**({"title": TITLE, "topic": "csm", "for_whom": "For *leads*.", "learns": "To lead."} | fields))
    with db.write() as session:
        course_id = editing.add_course(session, text, account_id).id
        if not hidden:
            editing.publish(session, course_id, account_id)
    return course_id


def typed_date(begins: str = "2027-05-03T09:00", ends: str = "", **fields: Any) -> DateText:
    """What staff typed about a date, by the clock of New York unless it says otherwise."""
    return DateText(**({"begins": begins, "ends": ends, "time_zone": NEW_YORK} | fields))


def a_date(db: Database, course_id: int, account_id: int, *args: Any, **fields: Any) -> int:
    """Add a date to a course; returns its id."""
    with db.write() as session:
        return dates.add_date(session, course_id, typed_date(*args, **fields), account_id).id


def changed(db: Database, settings: Settings, date_id: int, account_id: int, *args: Any, **fields: Any) -> int:
    """Change a date as a page that was shown just now would; returns how many mails moved."""
    with db.write() as session:
        row = session.get_one(CourseDate, date_id)
        text = typed_date(*args, **fields)
        return dates.change_date(session, settings, row.course_id or 0, date_id, row.number, text, account_id)


def said_full(db: Database, settings: Settings, date_id: int, account_id: int, full: bool = True) -> None:
    """Say that a date is full, or that a place is free again."""
    with db.write() as session:
        course_id = session.get_one(CourseDate, date_id).course_id or 0
        dates.say_full(session, settings, course_id, date_id, full, account_id)


def seen(db: Database) -> Catalogue:
    """What visitors may see."""
    with db.read() as session:
        return catalogue_of(session)


def seen_course(db: Database, course_id: int) -> PublicCourse:
    """One course as visitors see it."""
    return next(course for course in seen(db).courses if course.id == course_id)


def joins(db: Database, settings: Settings, course_id: int, *, dated: bool = True, **letter: Any) -> str:
    """Let somebody ask for a place, on the first date or on the next there is; returns their inquiry's public id."""
    course = seen_course(db, course_id)
    asked = asked_course(seen(db), key_of(course, course.dates[0] if dated else None, waits=True))
    assert asked is not None
    with db.write() as session:
        public_id = submit_inquiry(session, settings, a_submission(**letter))
        waiting_list.join(session, public_id, asked)
    return public_id


def stored(db: Database, date_id: int) -> CourseDate:
    """A date's row."""
    with db.read() as session:
        return session.scalars(select(CourseDate).where(CourseDate.id == date_id)).one()


def kept_course(db: Database, course_id: int) -> Course:
    """A course's row."""
    with db.read() as session:
        return session.get_one(Course, course_id)
