"""Courses as staff see them: every one, with its dates and how many places are taken."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.pipeline.models import LeadEnding
from tpminstitute.sequences.models import Course, CourseDate
from tpminstitute.sequences.models import Sequence as FollowUps


@dataclass(frozen=True)
class DateUse:
    """A date of a course, how many won leads name it, and the follow-ups that lead up to it."""

    date: CourseDate
    won: int
    sequences: Sequence[str]

    @property
    def over(self) -> bool:
        """Whether it has begun."""
        return self.date.begins_at <= clock.now()

    @property
    def left(self) -> int | None:
        """How many places are left by what won leads say; None where nobody said how many there are."""
        return None if self.date.places is None else max(self.date.places - self.won, 0)


def every_course(session: Session) -> Sequence[Course]:
    """Return every course in order, those in the archive last."""
    archived = Course.archived_at.is_not(None)
    return session.scalars(select(Course).order_by(archived, Course.position, Course.id)).all()


def next_dates(session: Session) -> dict[int, CourseDate]:
    """Return the next date of each course that has one to come."""
    coming = select(CourseDate).where(CourseDate.course_id.is_not(None), CourseDate.begins_at > clock.now())
    found: dict[int, CourseDate] = {}
    for date in session.scalars(coming.order_by(CourseDate.begins_at, CourseDate.id)):
        found.setdefault(date.course_id or 0, date)
    return found


def dates_of(session: Session, course_id: int) -> list[DateUse]:
    """Return the dates of a course, the next one first and those that are over last."""
    over = CourseDate.begins_at <= clock.now()
    dates = session.scalars(
        select(CourseDate).where(CourseDate.course_id == course_id).order_by(over, CourseDate.begins_at, CourseDate.id)
    ).all()
    ids = [date.id for date in dates]
    won = dict(
        session.execute(
            select(LeadEnding.course_date_id, func.count())
            .where(LeadEnding.course_date_id.in_(ids))
            .group_by(LeadEnding.course_date_id)
        ).all()
    )
    leading = session.execute(
        select(FollowUps.course_date_id, FollowUps.name)
        .where(FollowUps.course_date_id.in_(ids), FollowUps.archived_at.is_(None))
        .order_by(FollowUps.id)
    ).all()
    return [
        DateUse(date, won.get(date.id, 0), [name for date_id, name in leading if date_id == date.id]) for date in dates
    ]


def dates_without_course(session: Session) -> Sequence[CourseDate]:
    """Return the dates to come of the desk's calendar alone, which a course may take over."""
    own = select(CourseDate).where(CourseDate.course_id.is_(None), CourseDate.begins_at > clock.now())
    return session.scalars(own.order_by(CourseDate.begins_at, CourseDate.id)).all()
