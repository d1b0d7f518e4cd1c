"""Leads and the stages they move through."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
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
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
