"""Contacts that may be the same person, and what a merge changed, row by row."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class LikenessKey(Base):
    """One thing by which a contact is compared with others, as a number (`merging/likeness.py`): who shares it may be
    the same person.
    """

    __tablename__ = "likeness_keys"

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )


class UncomparedContact(Base):
    """A contact that is new or has changed since it was compared with others; triggers add it."""

    __tablename__ = "uncompared_contacts"

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


class PairState(StrEnum):
    """What was decided about two contacts: nothing yet, or that they are two people."""

    OPEN = "open"
    DISMISSED = "dismissed"


class DuplicatePair(Base):
    """Two contacts that may be the same person; `strength` from 1 to 100, `why` one word a hint."""

    __tablename__ = "duplicate_pairs"
    __table_args__ = (
        Index("uq_duplicate_pairs_low_id_high_id", "low_id", "high_id", unique=True),
        Index("ix_duplicate_pairs_high_id", "high_id"),
        Index("ix_duplicate_pairs_state_strength_id", "state", "strength", "id"),
        CheckConstraint("low_id < high_id", name="low_before_high"),
        CheckConstraint("strength BETWEEN 1 AND 100", name="strength_from_one_to_a_hundred"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_at_a_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    low_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    why: Mapped[list[str]] = mapped_column(JSON)
    strength: Mapped[int]
    state: Mapped[PairState] = mapped_column(enum_type(PairState))
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class Merge(Base):
    """Two contacts became one: `contact_id` remains, `merged_id` is a shell until the merge is undone."""

    __tablename__ = "merges"
    __table_args__ = (
        Index(
            "uq_merges_one_standing",
            "merged_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index("ix_merges_contact_id_id", "contact_id", "id"),
        CheckConstraint("contact_id <> merged_id", name="two_contacts"),
        CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name="undone_by_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    merged_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class RowChange(StrEnum):
    """What a merge did to a row."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


class MergedRow(Base):
    """One row that a merge changed: of a changed one the columns that differ, before and after; else the whole row."""

    __tablename__ = "merged_rows"
    __table_args__ = (Index("ix_merged_rows_merge_id_id", "merge_id", "id"), non_empty("table_name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    merge_id: Mapped[int] = mapped_column(ForeignKey("merges.id"))
    table_name: Mapped[str] = mapped_column(String(63))
    change: Mapped[RowChange] = mapped_column(enum_type(RowChange))
    row_key: Mapped[list[Any]] = mapped_column(JSON)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
