"""What stays of a course's former addresses and of dates that were removed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, non_empty


class CourseSlug(Base):
    """An address that a course has or had; it never leads to another course."""

    __tablename__ = "course_slugs"
    __table_args__ = (non_empty("slug"),)

    slug: Mapped[str] = mapped_column(String(80), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"), index=True)


class RemovedDate(Base):
    """A date that was taken back: whoever has it in a calendar is told so for a while (RFC 5546, 3.2.5)."""

    __tablename__ = "removed_course_dates"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint("ends_at IS NULL OR ends_at > begins_at", name="ends_after_it_begins"),
    )

    uid: Mapped[str] = mapped_column(String(20), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"), index=True)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int]
    removed_at: Mapped[datetime] = mapped_column(UtcDateTime)
