"""What visitors may see of the courses: read when something changed, and shown from memory after that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.courses.dates import zone_of
from tpminstitute.courses.models import CourseSlug, RemovedDate
from tpminstitute.courses.prose import as_html, as_plain
from tpminstitute.courses.words import when_in_words, where_in_words
from tpminstitute.sequences.models import Course, CourseDate

TOLD_OF_REMOVED = timedelta(days=90)
"""How long a calendar is told that a date was taken back."""


@dataclass(frozen=True)
class PublicDate:
    """One date as visitors read it; `number` is how often it was changed, and one."""

    id: int
    uid: str
    begins_at: datetime
    ends_at: datetime | None
    zone: ZoneInfo
    online: bool
    place: str
    places: int | None
    fee: str
    free: bool
    link: str
    full: bool
    number: int
    changed_at: datetime

    @property
    def when(self) -> str:
        """From when to when, by whose clock."""
        return when_in_words(self.begins_at, self.ends_at, self.zone)

    @property
    def where(self) -> str:
        """Where, '' where that isn't known."""
        return where_in_words(self.online, self.place)


@dataclass(frozen=True)
class Cancelled:
    """A date that was taken back, for the calendars that know it."""

    uid: str
    begins_at: datetime
    ends_at: datetime | None
    number: int
    removed_at: datetime


@dataclass(frozen=True)
class PublicCourse:
    """One published course; `for_whom` and `learns` are inert HTML, `description` what one learns in plain words."""

    id: int
    slug: str
    title: str
    topic: str
    for_whom: str
    learns: str
    description: str
    link: str
    dates: tuple[PublicDate, ...] = ()
    cancelled: tuple[Cancelled, ...] = ()

    @property
    def to_come(self) -> list[PublicDate]:
        """Its dates that haven't begun, the next one first."""
        now = clock.now()
        return [date for date in self.dates if date.begins_at > now]

    @property
    def lately_cancelled(self) -> list[Cancelled]:
        """Its dates that were taken back not long ago."""
        since = clock.now() - TOLD_OF_REMOVED
        return [date for date in self.cancelled if date.removed_at > since]


@dataclass(frozen=True)
class Catalogue:
    """Every published course in order; `former` leads from an address that one had to the one it has."""

    courses: tuple[PublicCourse, ...] = ()
    former: Mapping[str, str] = field(default_factory=dict)

    def at(self, slug: str) -> PublicCourse | None:
        """Return the course at an address, also at a former one; None where there is none."""
        now = self.former.get(slug, slug)
        return next((course for course in self.courses if course.slug == now), None)

    def date(self, uid: str) -> tuple[PublicCourse, PublicDate] | None:
        """Return a date with its course, None where there is none."""
        return next(((course, date) for course in self.courses for date in course.dates if date.uid == uid), None)


def catalogue_of(session: Session) -> Catalogue:
    """Return what visitors may see, in a few statements."""
    rows = session.scalars(
        select(Course).where(Course.published_at.is_not(None)).order_by(Course.position, Course.id)
    ).all()
    ids = [course.id for course in rows]
    dates = _dates(session, ids)
    cancelled = _cancelled(session, ids)
    slugs = session.execute(select(CourseSlug.slug, CourseSlug.course_id).where(CourseSlug.course_id.in_(ids))).all()
    now = {course.id: course.slug for course in rows}
    return Catalogue(
        tuple(_public(course, dates.get(course.id, ()), cancelled.get(course.id, ())) for course in rows),
        {slug: now[course_id] for slug, course_id in slugs if slug != now[course_id]},
    )


def _dates(session: Session, course_ids: Sequence[int]) -> dict[int, tuple[PublicDate, ...]]:
    found: dict[int, tuple[PublicDate, ...]] = {}
    chosen = select(CourseDate).where(CourseDate.course_id.in_(course_ids))
    for date in session.scalars(chosen.order_by(CourseDate.begins_at, CourseDate.id)):
        if date.course_id is not None and date.uid is not None and date.changed_at is not None:
            found[date.course_id] = (*found.get(date.course_id, ()), _public_date(date, date.uid, date.changed_at))
    return found


def _public_date(date: CourseDate, uid: str, changed_at: datetime) -> PublicDate:
    return PublicDate(
        id=date.id,
        uid=uid,
        begins_at=date.begins_at,
        ends_at=date.ends_at,
        zone=zone_of(date),
        online=date.online,
        place=date.place,
        places=date.places,
        fee=date.fee,
        free=date.free,
        link=date.link,
        full=date.full_at is not None,
        number=date.number,
        changed_at=changed_at,
    )


def _cancelled(session: Session, course_ids: Sequence[int]) -> dict[int, tuple[Cancelled, ...]]:
    found: dict[int, tuple[Cancelled, ...]] = {}
    gone = RemovedDate.course_id.in_(course_ids)
    recent = RemovedDate.removed_at > clock.now() - TOLD_OF_REMOVED
    for date in session.scalars(select(RemovedDate).where(gone, recent).order_by(RemovedDate.removed_at)):
        told = Cancelled(date.uid, date.begins_at, date.ends_at, date.number, date.removed_at)
        found[date.course_id] = (*found.get(date.course_id, ()), told)
    return found


def _public(course: Course, dates: tuple[PublicDate, ...], cancelled: tuple[Cancelled, ...]) -> PublicCourse:
    return PublicCourse(
        id=course.id,
        slug=course.slug,
        title=course.title,
        topic=course.topic,
        for_whom=as_html(course.for_whom),
        learns=as_html(course.learns),
        description=as_plain(course.learns) or as_plain(course.for_whom),
        link=course.link,
        dates=dates,
        cancelled=cancelled,
    )
