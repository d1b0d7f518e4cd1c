"""Follow-up plans and the contacts' runs through them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty
from tpminstitute.sequences.course_models import Course as Course
from tpminstitute.sequences.course_models import CourseDate as CourseDate


class Holiday(Base):
    """A day on which the institute doesn't work and no follow-up goes out."""

    __tablename__ = "holidays"
    __table_args__ = (non_empty("name"),)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))


class Sequence(Base):
    """An ordered plan of follow-up mails; what it says stands in its newest version.

    `starts_for` are the topics of a new inquiry with consent that begin it, none when it is begun by hand only.
    A sequence about a course's date ends with it. `counts_clicks` is off until staff turn it on.
    """

    __tablename__ = "sequences"
    __table_args__ = (non_empty("name"), CheckConstraint("NOT active OR archived_at IS NULL", name="archived_is_off"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    starts_for: Mapped[list[str]] = mapped_column(JSON, server_default=text("'[]'"))
    course_date_id: Mapped[int | None] = mapped_column(ForeignKey("course_dates.id"))
    counts_clicks: Mapped[bool] = mapped_column(default=False, server_default=false())


class SequenceVersion(Base):
    """One saved form of a sequence; it never changes (a trigger): an edit is a new version."""

    __tablename__ = "sequence_versions"
    __table_args__ = (
        UniqueConstraint("sequence_id", "number"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"))
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class WaitUnit(StrEnum):
    """What a step's waiting time counts: time passed, days of the calendar, or days before the course's date."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    BEFORE_COURSE = "before_course"


class SequenceStep(Base):
    """One mail of a version: a letter, how long it waits after the step before, when it may go out, and for whom.

    `number` is the step's own, the same in every version of its sequence, wherever it stands: nobody gets a step
    twice, however the plan is edited. `days` are ISO weekdays such as ``12345``; `opens_minute` and `closes_minute`
    count from midnight where the reader lives. `topics` is what the letter is about, every topic by default.
    """

    __tablename__ = "sequence_steps"
    __table_args__ = (
        UniqueConstraint("version_id", "position"),
        UniqueConstraint("version_id", "number"),
        CheckConstraint("wait_amount >= 0", name="wait_not_negative"),
        CheckConstraint("position >= 1", name="position_from_one"),
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint("0 <= opens_minute AND opens_minute < closes_minute AND closes_minute <= 1440", name="opens"),
        non_empty("letter_key"),
        non_empty("days"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("sequence_versions.id"))
    position: Mapped[int]
    number: Mapped[int]
    letter_key: Mapped[str] = mapped_column(String(60))
    wait_amount: Mapped[int]
    wait_unit: Mapped[WaitUnit] = mapped_column(enum_type(WaitUnit))
    days: Mapped[str] = mapped_column(String(7))
    opens_minute: Mapped[int]
    closes_minute: Mapped[int]
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
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
        Index("ix_enrollments_started_at", "started_at"),
        Index("ix_enrollments_standing", "sequence_id", "status", "version_id", "next_position"),
        CheckConstraint("(status = 'active') = (next_due_at IS NOT NULL)", name="active_has_a_time"),
        CheckConstraint("status IN ('active', 'finished') OR reason <> ''", name="says_why_not"),
        CheckConstraint("next_position >= 1", name="position_from_one"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("sequence_versions.id"))
    cause: Mapped[str] = mapped_column(String(60), index=True)
    status: Mapped[EnrollmentStatus] = mapped_column(enum_type(EnrollmentStatus))
    reason: Mapped[str] = mapped_column(Text, default="")
    topic: Mapped[str] = mapped_column(String(200))
    next_position: Mapped[int] = mapped_column(default=1)
    next_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class EnrollmentPause(Base):
    """A run that waits: until a moment, or until a person lets it go on; `due_at` is when its next mail was due.

    With `drafts` the run waits for a person who wrote or spoke to the contact: its next mail is written as a draft.
    """

    __tablename__ = "enrollment_pauses"
    __table_args__ = (
        Index(
            "ix_enrollment_pauses_drafts_due_at",
            "due_at",
            sqlite_where=text("drafts"),
            postgresql_where=text("drafts"),
        ),
        CheckConstraint("NOT drafts OR until IS NULL", name="drafts_wait_for_a_person"),
    )

    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"), primary_key=True, autoincrement=False)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    drafts: Mapped[bool] = mapped_column(default=False, server_default=false())


class StepOutcome(StrEnum):
    """What became of a step of a run, or of its time."""

    QUEUED = "queued"
    MOVED = "moved"
    HELD = "held"
    SKIPPED = "skipped"
    STOPPED = "stopped"
    DRAFTED = "drafted"
    DROPPED = "dropped"


class StepRecord(Base):
    """Why a step's mail was written, moved, held back, skipped or never came, as a sentence; it never changes.

    `due_at` is the time that was decided: when it was written, or to when it moved. A step is queued once at most.
    """

    __tablename__ = "step_records"
    __table_args__ = (
        Index("ix_step_records_enrollment_id_id", "enrollment_id", "id"),
        Index(
            "uq_step_records_queued_once",
            "enrollment_id",
            "number",
            unique=True,
            sqlite_where=text("outcome = 'queued'"),
            postgresql_where=text("outcome = 'queued'"),
        ),
        non_empty("sentence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("sequence_versions.id"))
    number: Mapped[int]
    outcome: Mapped[StepOutcome] = mapped_column(enum_type(StepOutcome))
    sentence: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DraftStatus(StrEnum):
    """How a draft stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    DROPPED = "dropped"


_WAITING = text("status = 'waiting'")


class FollowUpDraft(Base):
    """A follow-up that waits for a person's word, because somebody of the institute was in touch with its reader."""

    __tablename__ = "follow_up_drafts"
    __table_args__ = (
        Index(
            "uq_follow_up_drafts_one_waiting",
            "enrollment_id",
            unique=True,
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index("ix_follow_up_drafts_waiting_made_at", "made_at", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided_at_a_time"),
        non_empty("subject"),
        non_empty("body"),
        non_empty("reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enrollment_id: Mapped[int] = mapped_column(ForeignKey("enrollments.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("sequence_versions.id"))
    number: Mapped[int]
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    status: Mapped[DraftStatus] = mapped_column(enum_type(DraftStatus))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class LinkClick(Base):
    """A link of a follow-up was opened; kept only where staff turned counting on."""

    __tablename__ = "link_clicks"
    __table_args__ = (Index("ix_link_clicks_message_id", "message_id"), non_empty("url"))

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    url: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
