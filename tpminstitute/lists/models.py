"""What staff keep about lists: saved views, what each opens with, and what was done with many contacts at once."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class SavedView(Base):
    """A list that somebody wants to see again: filters and order as an address says them (`query`), and columns.

    A shared one is everybody's to see and its maker's, or an administrator's, to change. `number` counts its changes.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        Index("ix_saved_views_shared_name", "shared", "name"),
        non_empty("name"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(60))
    shared: Mapped[bool]
    query: Mapped[str] = mapped_column(Text)
    columns: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1)


class ListHabit(Base):
    """How somebody likes their list of contacts: the view it opens with, and the columns where no view says others."""

    __tablename__ = "list_habits"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    view_id: Mapped[int | None] = mapped_column(ForeignKey("saved_views.id", ondelete="SET NULL"))
    columns: Mapped[list[str]] = mapped_column(JSON)


class BulkKind(StrEnum):
    """What can be done with many contacts at once."""

    ASSIGN = "assign"
    TAG = "tag"
    UNTAG = "untag"
    MOVE = "move"
    STOP = "stop"


class BulkState(StrEnum):
    """How an action with many contacts stands."""

    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class BulkAction(Base):
    """One thing that was done with many contacts: by whom, what, and whom it meant, in words."""

    __tablename__ = "bulk_actions"
    __table_args__ = (
        Index("ix_bulk_actions_at", "at"),
        non_empty("sentence"),
        non_empty("whom"),
        CheckConstraint("contacts >= 1", name="means_somebody"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[BulkKind] = mapped_column(enum_type(BulkKind))
    target: Mapped[str] = mapped_column(String(60))
    """To whom, to which stage, or which tag; '' where there is nothing to say."""
    ending: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """How the leads end that are moved to a closed stage, by the columns of `LeadEnding`; {} for anything else."""
    sentence: Mapped[str] = mapped_column(Text)
    whom: Mapped[str] = mapped_column(Text)
    contacts: Mapped[int]
    state: Mapped[BulkState] = mapped_column(enum_type(BulkState), index=True)
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class BulkOutcome(StrEnum):
    """What became of one contact in it."""

    WAITING = "waiting"
    DONE = "done"
    LEFT = "left"
    UNDONE = "undone"
    KEPT = "kept"


class BulkChange(Base):
    """What an action did to one contact: what was there before, or why it was left alone.

    `left` and `kept` say why not, of doing and of undoing.
    """

    __tablename__ = "bulk_changes"
    __table_args__ = (
        Index("ix_bulk_changes_action_id_outcome", "action_id", "outcome", "contact_id"),
        Index("ix_bulk_changes_contact_id", "contact_id"),
        CheckConstraint("outcome NOT IN ('left', 'kept') OR why <> ''", name="says_why_not"),
    )

    action_id: Mapped[int] = mapped_column(ForeignKey("bulk_actions.id"), primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    outcome: Mapped[BulkOutcome] = mapped_column(enum_type(BulkOutcome))
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    why: Mapped[str] = mapped_column(Text)
