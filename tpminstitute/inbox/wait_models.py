"""Who waits for a place in a course, or for a date of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, non_empty


class CourseWait(Base):
    """A place on a course's waiting list: for one of its dates, or with no date for the next one there is.

    `waits_for` is what a contact can wait for once at a time ("date 7", "course 3"); of one that left it is "left" and
    its own number, so that they may come again. `about` says it in the words that they saw. `told_at` is when a letter
    to them was begun, `told_by_id` by whom.
    """

    __tablename__ = "course_waits"
    __table_args__ = (
        UniqueConstraint("contact_id", "waits_for"),
        Index("ix_course_waits_course_id_joined_at", "course_id", "joined_at"),
        non_empty("about"),
        CheckConstraint("(left_at IS NULL) = (left_why = '')", name="left_for_a_reason"),
        CheckConstraint("(left_at IS NULL) = (waits_for NOT LIKE 'left %')", name="left_waits_for_nothing"),
        CheckConstraint("(told_at IS NULL) = (told_by_id IS NULL)", name="told_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    course_date_id: Mapped[int | None] = mapped_column(ForeignKey("course_dates.id"), index=True)
    waits_for: Mapped[str] = mapped_column(String(30))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    inquiry_id: Mapped[int] = mapped_column(ForeignKey("inquiries.id", ondelete="CASCADE"), index=True)
    about: Mapped[str] = mapped_column(String(300))
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_why: Mapped[str] = mapped_column(String(200), default="")
