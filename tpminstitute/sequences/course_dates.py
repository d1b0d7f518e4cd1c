"""The dates on which courses begin; follow-ups that lead up to one move along with it."""

from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.sequences.models import CourseDate, Sequence
from tpminstitute.sequences.replanning import replan_for_course
from tpminstitute.sequences.stopping import stop_for_course_date

LONGEST_NAME = 120
"""Characters of a course's name."""

FARTHEST = timedelta(days=3653)
"""How far ahead a course may begin; what lies farther is a slip of the keys."""


@dataclass(frozen=True)
class CourseFacts:
    """What staff say about a course's date."""

    name: str
    begins_at: datetime
    full: bool = False


class CourseError(Refusal):
    """A course's date can't be kept as it is; `field` is what has to be mended."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say where and why."""
        super().__init__(sentence)
        self.field = field


class StaleCourse(Refusal):
    """Somebody changed the course's date since the page was shown."""


@dataclass(frozen=True)
class CourseUse:
    """A course's date, and the sequences that lead up to it."""

    course: CourseDate
    sequences: Row[str]


def course_dates(session: Session) -> list[CourseUse]:
    """Return every course's date, the one that comes first at the top, those that are over last."""
    over = CourseDate.begins_at <= clock.now()
    courses = session.scalars(select(CourseDate).order_by(over, CourseDate.begins_at, CourseDate.id)).all()
    used = session.execute(
        select(Sequence.course_date_id, Sequence.name).where(Sequence.archived_at.is_(None)).order_by(Sequence.id)
    ).all()
    return [CourseUse(course, [name for course_id, name in used if course_id == course.id]) for course in courses]


def add_course_date(session: Session, facts: CourseFacts, account_id: int) -> CourseDate:
    """Add a course's date; returns it. Raises `CourseError` for a name or a time that can't be."""
    course = CourseDate(name=_name(facts.name), begins_at=_to_come(facts.begins_at), full_at=None, number=1)
    course.full_at = clock.now() if facts.full else None
    session.add(course)
    session.flush()
    record_audit(session, "course_date_added", _told(course), account_id=account_id)
    return course


def change_course_date(
    session: Session, settings: Settings, course_date_id: int, number: int, facts: CourseFacts, account_id: int
) -> int:
    """Rename a course, move its date, say whether it is full.

    When the date moves, the next mails that hang on it are planned anew. When the last place goes, the runs that lead
    up to it stop at once, with whatever was written and not sent yet.

    Parameters: `number`, the one that the page was shown with.
    Returns how many runs were planned anew.
    Raises `StaleCourse` when somebody changed it since, and `CourseError` for a name or a time that can't be.
    """
    course = _locked(session, course_date_id)
    if course.number != number:
        raise StaleCourse(
            f"“{course.name}” was changed while you looked: it begins on {_written(settings, course)} now. "
            "Your change was not saved. Look at it, and save again what still holds."
        )
    name = _name(facts.name)
    begins_at = course.begins_at if facts.begins_at == course.begins_at else _to_come(facts.begins_at)
    moved = begins_at != course.begins_at
    if not moved and name == course.name and facts.full == (course.full_at is not None):
        return 0
    was, was_full = _written(settings, course), course.full_at is not None
    course.name, course.begins_at, course.number = name, begins_at, course.number + 1
    course.full_at = (course.full_at or clock.now()) if facts.full else None
    session.flush()
    record_audit(session, "course_date_changed", _told(course), account_id=account_id)
    if facts.full and not was_full:
        stop_for_course_date(session, course.id, f"The course “{name}” is full.")
    if not moved:
        return 0
    why = f"The course “{name}” was moved from {was} to {_written(settings, course)}."
    return replan_for_course(session, settings, course.id, why)


def remove_course_date(session: Session, course_date_id: int, account_id: int) -> None:
    """Remove a course's date that no follow-ups lead up to; raises `Refusal` when some do."""
    course = _locked(session, course_date_id)
    users = session.scalars(select(Sequence.name).where(Sequence.course_date_id == course.id).limit(1)).all()
    if users:
        raise Refusal(f"“{course.name}” was not removed: the follow-ups “{users[0]}” lead up to it.")
    record_audit(session, "course_date_removed", _told(course), account_id=account_id)
    session.delete(course)
    session.flush()


def _locked(session: Session, course_date_id: int) -> CourseDate:
    held = select(CourseDate).where(CourseDate.id == course_date_id).with_for_update(key_share=True)
    course = session.scalar(held.execution_options(populate_existing=True))
    if course is None:
        raise Refusal("This course's date was removed. Nothing was changed.")
    return course


def _name(name: str) -> str:
    called = one_line(name, len(name))
    if not called:
        raise CourseError("name", "Write which course it is.")
    if len(called) > LONGEST_NAME:
        raise CourseError("name", f"Shorten the name: {LONGEST_NAME} characters are the most.")
    return called


def _to_come(moment: datetime) -> datetime:
    if moment <= clock.now():
        raise CourseError("begins", "Choose a day that is still to come: this one is over.")
    if moment > clock.now() + FARTHEST:
        raise CourseError("begins", "Choose a day within the next ten years.")
    return moment


def _written(settings: Settings, course: CourseDate) -> str:
    return zones.written(course.begins_at, settings.institute_zone)


def _told(course: CourseDate) -> str:
    full = ", full" if course.full_at else ""
    return f"{course.id}, “{course.name}”, {course.begins_at:%Y-%m-%d %H:%M} UTC{full}"
