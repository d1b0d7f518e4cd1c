"""The dates on which courses begin; follow-ups that lead up to one move along with it."""

from collections.abc import Mapping
from collections.abc import Sequence as Row
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch
from tpminstitute.sequences.models import Course, CourseDate, Sequence
from tpminstitute.sequences.replanning import replan_for_course
from tpminstitute.sequences.stopping import stop_for_course_date

LONGEST_NAME = 120
"""Characters of a course's name."""

FARTHEST = timedelta(days=3653)
"""How far ahead a course may begin; what lies farther is a slip of the keys."""


@dataclass(frozen=True)
class Details:
    """What visitors read about a date of a course, as its columns are called; each is checked already."""

    time_zone: str
    ends_at: datetime | None = None
    online: bool = False
    place: str = ""
    places: int | None = None
    fee: str = ""
    free: bool = False
    link: str = ""


@dataclass(frozen=True)
class CourseFacts:
    """What staff say about a course's date; without `details` those that are kept stay, and it lasts as long as it did.

    A date of a course is called as its course is, whatever `name` says.
    """

    name: str
    begins_at: datetime
    full: bool = False
    details: Details | None = None


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


def add_course_date(
    session: Session, facts: CourseFacts, account_id: int, *, course: Course | None = None
) -> CourseDate:
    """Add a course's date; returns it. Raises `CourseError` for a name or a time that can't be.

    Parameters: `course`, whose date it is, and then `facts` have details; None for one of the calendar alone.
    """
    name = course.title if course else _name(facts.name)
    date = CourseDate(name=name, begins_at=_to_come(facts.begins_at), full_at=None, number=1)
    if course is not None:
        touch(session)
        date.course_id, date.uid = course.id, tokens.public_id()
    _write(date, _details(facts))
    date.full_at = clock.now() if facts.full else None
    session.add(date)
    session.flush()
    record_audit(session, "course_date_added", _told(date), account_id=account_id)
    return date


def change_course_date(
    session: Session, settings: Settings, course_date_id: int, number: int, facts: CourseFacts, account_id: int
) -> int:
    """Rename a course, move its date, say whether it is full and what else is to be known of it.

    When the date moves, the next mails that hang on it are planned anew. When the last place goes, the runs that lead
    up to it stop at once, with whatever was written and not sent yet.

    Parameters: `number`, the one that the page was shown with.
    Returns how many runs were planned anew.
    Raises `StaleCourse` when somebody changed it since, and `CourseError` for a name or a time that can't be.
    """
    course = locked(session, course_date_id)
    if course.number != number:
        raise StaleCourse(
            f"“{course.name}” was changed while you looked: it begins on {_written(settings, course)} now. "
            "Your change was not saved. Look at it, and save again what still holds."
        )
    name = course.name if course.course_id else _name(facts.name)
    begins_at = course.begins_at if facts.begins_at == course.begins_at else _to_come(facts.begins_at)
    moved = begins_at != course.begins_at
    details = _details(facts)
    if moved and not details and course.ends_at is not None:
        details = {"ends_at": course.ends_at + (begins_at - course.begins_at)}
    same = all(getattr(course, column) == value for column, value in details.items())
    if not moved and same and name == course.name and facts.full == (course.full_at is not None):
        return 0
    was, was_full = _written(settings, course), course.full_at is not None
    if course.course_id is not None:
        touch(session)
    _write(course, {"name": name, "begins_at": begins_at, "changed_at": clock.now(), **details})
    course.number += 1
    course.full_at = (course.full_at or clock.now()) if facts.full else None
    session.flush()
    record_audit(session, "course_date_changed", _told(course), account_id=account_id)
    if facts.full and not was_full:
        stop_for_course_date(session, course.id, f"The course “{name}” is full.")
    if not moved:
        return 0
    why = f"The course “{name}” was moved from {was} to {_written(settings, course)}."
    return replan_for_course(session, settings, course.id, why)


def remove_course_date(session: Session, course_date_id: int, account_id: int, *, of: int | None = None) -> None:
    """Remove a course's date that no follow-ups lead up to; raises `Refusal` when some do.

    Parameters: `of`, the course whose date it is; None for one of the calendar alone, and another's is refused.
    """
    course = locked(session, course_date_id)
    if course.course_id != of:
        raise Refusal(
            f"“{course.name}” was not removed: it is a date of a course, and is removed on that course's page."
        )
    users = session.scalars(select(Sequence.name).where(Sequence.course_date_id == course.id).limit(1)).all()
    if users:
        raise Refusal(f"“{course.name}” was not removed: the follow-ups “{users[0]}” lead up to it.")
    if of is not None:
        touch(session)
    record_audit(session, "course_date_removed", _told(course), account_id=account_id)
    session.delete(course)
    session.flush()


def locked(session: Session, course_date_id: int) -> CourseDate:
    """Return a course's date, held until the transaction ends; raises `Refusal` when it was removed."""
    held = select(CourseDate).where(CourseDate.id == course_date_id).with_for_update(key_share=True)
    course = session.scalar(held.execution_options(populate_existing=True))
    if course is None:
        raise Refusal("This course's date was removed. Nothing was changed.")
    return course


def _details(facts: CourseFacts) -> dict[str, Any]:
    return asdict(facts.details) if facts.details is not None else {}


def _write(course: CourseDate, values: Mapping[str, Any]) -> None:
    for column, value in values.items():
        setattr(course, column, value)


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
