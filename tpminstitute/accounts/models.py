"""Staff accounts, their sessions, invitations, and the audit log."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty

OPEN_INVITATION = "used_at IS NULL AND withdrawn_at IS NULL"
"""Of these there is at most one for an address."""


class Role(StrEnum):
    """What a staff member may do: everything, work with leads, or look."""

    ADMINISTRATOR = "administrator"
    ADVISOR = "advisor"
    READER = "reader"


class Account(Base):
    """One staff member's account; the names `password`, `active` and `fs_uniquifier` are Flask-Security's."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        non_empty("name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(enum_type(Role))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StaffSession(Base):
    """One browser's session; its cookie carries the secret, the row only the secret's digest.

    `browser` is what the browser says of itself, `address` the network address it came from last, `seen_at` when.
    """

    __tablename__ = "staff_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(300), default="", server_default="")
    address: Mapped[str] = mapped_column(String(45), default="", server_default="")


class Invitation(Base):
    """A one-time link that creates an account; the very first one is printed at first start and names no `email`."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("invited_by IS NULL OR email IS NOT NULL", name="somebody_invites_somebody"),
        CheckConstraint("(email IS NULL) = (expires_at IS NULL)", name="ends"),
        CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name="used_or_withdrawn"),
        Index(
            "uq_invitations_open_email",
            "email",
            unique=True,
            sqlite_where=text(OPEN_INVITATION),
            postgresql_where=text(OPEN_INVITATION),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[Role] = mapped_column(enum_type(Role))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email: Mapped[str | None] = mapped_column(String(320))
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEntry(Base):
    """Who did what to what, when and from where; rows are only ever added (a trigger refuses the rest).

    It holds ids and no personal texts, and `contact_id` is no foreign key: a contact can be erased, and what was done
    to them stays on record. `kind` is what sort of thing it was done to; `once` is a key of what is noted once only,
    such as that somebody saw a contact within an hour.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_account_id_id", "account_id", "id"),
        Index("ix_audit_entries_account_id_kind_id", "account_id", "kind", "id"),
        Index("ix_audit_entries_kind_id", "kind", "id"),
        Index("ix_audit_entries_contact_id_id", "contact_id", "id"),
        Index("ix_audit_entries_at", "at"),
        Index("uq_audit_entries_once", "once", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20), default="other", server_default="other")
    contact_id: Mapped[int | None]
    address: Mapped[str] = mapped_column(String(45), default="", server_default="")
    once: Mapped[str | None] = mapped_column(String(80))
