"""Leads and the stages they move through, and what staff want to be reminded of."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class Outcome(StrEnum):
    """What a stage means for its leads."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Stage(Base):
    """An ordered column of the pipeline. Its outcome never changes (a trigger): its leads are open or closed by it."""

    __tablename__ = "stages"
    __table_args__ = (
        non_empty("name"),
        CheckConstraint("position >= 0", name="position_not_negative"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    position: Mapped[int] = mapped_column(unique=True)
    outcome: Mapped[Outcome] = mapped_column(enum_type(Outcome))
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """How often it was changed: who saves a stale page finds out."""


class StageName(Base):
    """A name that a stage has or once had: conditions of follow-ups go by it."""

    __tablename__ = "stage_names"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"))


class LostReason(Base):
    """Why a lead may be lost, as administrators word it; an archived one can't be chosen any more."""

    __tablename__ = "lost_reasons"
    __table_args__ = (
        non_empty("name"),
        CheckConstraint("position >= 0", name="position_not_negative"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    position: Mapped[int]
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1)


class Lead(Base):
    """One opportunity with a contact; a contact has at most one open lead (a partial unique index).

    It is closed exactly while its stage's outcome isn't open (a trigger).
    """

    __tablename__ = "leads"
    __table_args__ = (
        Index(
            "uq_leads_one_open_per_contact",
            "contact_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_leads_contact_id_id", "contact_id", "id"),
        Index("ix_leads_opened_at", "opened_at", "stage_id"),
        Index("ix_leads_closed_at", "closed_at", "stage_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    moved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it came to its stage, where that wasn't by being opened there."""


class LeadEnding(Base):
    """How a lead ended: the reason it was lost for, or the course it was won for.

    A trigger refuses a reason where the lead wasn't lost and a course where it wasn't won, and another takes the ending
    away when the lead moves on to another outcome. `course` is the course's name even when its date is gone.
    """

    __tablename__ = "lead_endings"
    __table_args__ = (
        CheckConstraint("(lost_reason_id IS NULL) <> (course = '')", name="one_of_both"),
        CheckConstraint("course_date_id IS NULL OR course <> ''", name="a_date_has_a_course"),
    )

    lead_id: Mapped[int] = mapped_column(
        ForeignKey("leads.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    lost_reason_id: Mapped[int | None] = mapped_column(ForeignKey("lost_reasons.id"))
    course_date_id: Mapped[int | None] = mapped_column(ForeignKey("course_dates.id", ondelete="SET NULL"))
    course: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)


class LeadCard(Base):
    """What the board filters and sorts leads by, one narrow row each, kept true by triggers (`lead_triggers.py`)."""

    __tablename__ = "lead_cards"
    __table_args__ = (
        Index("ix_lead_cards_contact_id", "contact_id"),
        Index("ix_lead_cards_by_stage", "stage_id", "since", "lead_id"),
        Index("ix_lead_cards_by_owner", "stage_id", "owner_id", "since", "lead_id", "topic"),
        Index("ix_lead_cards_by_topic", "stage_id", "topic", "since", "lead_id"),
    )

    lead_id: Mapped[int] = mapped_column(
        ForeignKey("leads.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    contact_id: Mapped[int]
    stage_id: Mapped[int]
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the lead came to its stage."""
    owner_id: Mapped[int | None]
    topic: Mapped[str | None] = mapped_column(String(40))


class Reminder(Base):
    """A thing that somebody of the staff has to do about a contact, and when; `account_id` set it, `for_id` does it."""

    __tablename__ = "reminders"
    __table_args__ = (
        Index(
            "ix_reminders_open_for_id_due_at",
            "for_id",
            "due_at",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
        Index(
            "ix_reminders_open_due_at",
            "due_at",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
        Index(
            "ix_reminders_done_at",
            "done_at",
            "id",
            sqlite_where=text("done_at IS NOT NULL"),
            postgresql_where=text("done_at IS NOT NULL"),
        ),
        Index("ix_reminders_contact_id_id", "contact_id", "id"),
        non_empty("text"),
        CheckConstraint("(done_at IS NULL) = (done_by_id IS NULL)", name="done_by_somebody"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    for_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    number: Mapped[int] = mapped_column(default=1)
    """How often it was changed, and one: who saves a stale page finds out."""
