"""Courses and their dates. They are kept this far down because follow-ups lead up to a date and know its course."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core import clock
from tpminstitute.core.db import Base, UtcDateTime, non_empty


class Course(Base):
    """What can be learned, as staff describe it; visitors see it from `published_at` on, unless it is hidden again.

    `for_whom` and `learns` are Markdown; `link` leads out of the site, '' for none. `topic` is what a letter about it
    is filed under.
    """

    __tablename__ = "courses"
    __table_args__ = (
        non_empty("slug"),
        non_empty("title"),
        CheckConstraint("link = '' OR link LIKE 'https://%'", name="link_is_https"),
        CheckConstraint("published_at IS NULL OR archived_at IS NULL", name="archived_is_hidden"),
        CheckConstraint("position >= 0", name="position_not_negative"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(100))
    for_whom: Mapped[str] = mapped_column(Text)
    learns: Mapped[str] = mapped_column(Text)
    link: Mapped[str] = mapped_column(String(500))
    topic: Mapped[str] = mapped_column(String(40), ForeignKey("topics.key"))
    position: Mapped[int]
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1)
    """How often it was changed, and one: who saves a stale page finds out."""


class CourseDate(Base):
    """A course's beginning, which follow-ups may lead up to and move with; `full_at` is when its last place went.

    A date of a course has that course's title for its name, a `uid` by which calendars know it, and the `time_zone`
    that it is told in; a date of the desk's calendar alone has none of these. What isn't known isn't said: no end, no
    place, no number of places, and neither a fee nor that there is none.
    """

    __tablename__ = "course_dates"
    __table_args__ = (
        non_empty("name"),
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint("places >= 1", name="places_from_one"),
        CheckConstraint("NOT free OR fee = ''", name="free_has_no_fee"),
        CheckConstraint("link = '' OR link LIKE 'https://%'", name="link_is_https"),
        CheckConstraint("ends_at IS NULL OR ends_at > begins_at", name="ends_after_it_begins"),
        CheckConstraint(
            "course_id IS NULL OR (uid IS NOT NULL AND time_zone IS NOT NULL AND changed_at IS NOT NULL)",
            name="of_a_course_can_be_told",
        ),
        Index("ix_course_dates_course_id", "course_id"),
        Index("uq_course_dates_uid", "uid", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    full_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1)
    """How often it was changed, and one: who saves a stale page finds out."""
    course_id: Mapped[int | None] = mapped_column(ForeignKey("courses.id"))
    uid: Mapped[str | None] = mapped_column(String(20))
    time_zone: Mapped[str | None] = mapped_column(String(60))
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=clock.now)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    online: Mapped[bool] = mapped_column(default=False, server_default=false())
    place: Mapped[str] = mapped_column(String(200), default="", server_default="")
    places: Mapped[int | None]
    fee: Mapped[str] = mapped_column(String(120), default="", server_default="")
    free: Mapped[bool] = mapped_column(default=False, server_default=false())
    link: Mapped[str] = mapped_column(String(500), default="", server_default="")
