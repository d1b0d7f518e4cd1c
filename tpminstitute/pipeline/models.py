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
    """An ordered column of the pipeline."""

    __tablename__ = "stages"
    __table_args__ = (non_empty("name"), CheckConstraint("position >= 0", name="position_not_negative"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    position: Mapped[int] = mapped_column(unique=True)
    outcome: Mapped[Outcome] = mapped_column(enum_type(Outcome))


class Lead(Base):
    """One opportunity with a contact; a contact has at most one open lead (a partial unique index)."""

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
