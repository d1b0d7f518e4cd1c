"""Follow-up plans and the contacts' runs through them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class Sequence(Base):
    """An ordered plan of follow-up mails."""

    __tablename__ = "sequences"
    __table_args__ = (non_empty("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]


class Step(Base):
    """One mail of a sequence: a letter, how many hours after the step before it, and the topics it is about."""

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("sequence_id", "position"),
        CheckConstraint("delay_hours >= 0", name="delay_not_negative"),
        CheckConstraint("position >= 1", name="position_from_one"),
        non_empty("letter_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"))
    position: Mapped[int]
    letter_key: Mapped[str] = mapped_column(String(60))
    delay_hours: Mapped[int]
    topics: Mapped[list[str]] = mapped_column(JSON)


class Pace(StrEnum):
    """How often somebody wants to hear from us."""

    USUAL = "usual"
    LESS_OFTEN = "less_often"


class FollowUpWish(Base):
    """What a contact chose beside unsubscribing: fewer mails, only their topic, or a pause."""

    __tablename__ = "follow_up_wishes"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    pace: Mapped[Pace] = mapped_column(enum_type(Pace))
    only_topic: Mapped[bool]
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class EnrollmentStatus(StrEnum):
    """How a run stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"


class Enrollment(Base):
    """One contact's run through a sequence; a contact runs through each at most once at a time (a partial index)."""

    __tablename__ = "enrollments"
    __table_args__ = (
        Index(
            "uq_enrollments_one_running",
            "contact_id",
            "sequence_id",
            unique=True,
            sqlite_where=text("status IN ('active', 'paused')"),
            postgresql_where=text("status IN ('active', 'paused')"),
        ),
        Index("ix_enrollments_status_next_due_at", "status", "next_due_at"),
        Index("ix_enrollments_contact_id_id", "contact_id", "id"),
        CheckConstraint("(status = 'active') = (next_due_at IS NOT NULL)", name="active_has_a_time"),
        CheckConstraint("status IN ('active', 'finished') OR reason <> ''", name="says_why_not"),
        CheckConstraint("next_position >= 1", name="position_from_one"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"))
    cause: Mapped[str] = mapped_column(String(60), index=True)
    status: Mapped[EnrollmentStatus] = mapped_column(enum_type(EnrollmentStatus))
    reason: Mapped[str] = mapped_column(Text, default="")
    topic: Mapped[str] = mapped_column(String(200))
    next_position: Mapped[int] = mapped_column(default=1)
    next_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EnrollmentPause(Base):
    """A run that waits: until a moment, or until a person lets it go on; `due_at` is when its next mail was due."""

    __tablename__ = "enrollment_pauses"

    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"), primary_key=True, autoincrement=False)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
