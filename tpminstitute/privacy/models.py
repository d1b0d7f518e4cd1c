"""What was erased, the opt-outs that outlive it, and the rules by which things go by themselves."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty
from tpminstitute.mail.models import SuppressionReason


class RuleKind(StrEnum):
    """What goes by itself after a while, where an administrator says so."""

    QUIET_CONTACTS = "quiet_contacts"
    SPAM_INQUIRIES = "spam_inquiries"
    SENT_BYTES = "sent_bytes"
    RECEIVED_BYTES = "received_bytes"
    REFUSED_COMMENTS = "refused_comments"


class Erasure(Base):
    """Somebody's personal data was erased: whose shell, by whom or by which rule, and how many rows of what."""

    __tablename__ = "erasures"
    __table_args__ = (CheckConstraint("account_id IS NULL OR rule IS NULL", name="by_somebody_or_a_rule"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), unique=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    rule: Mapped[RuleKind | None] = mapped_column(enum_type(RuleKind))
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)


_OPEN = text("cancelled_at IS NULL AND done_at IS NULL")


class ErasureWish(Base):
    """Somebody asked to be erased: done when `due_at` has come, unless they take it back; one open per contact."""

    __tablename__ = "erasure_wishes"
    __table_args__ = (
        CheckConstraint("due_at >= asked_at", name="due_after_it_was_asked"),
        CheckConstraint("cancelled_at IS NULL OR done_at IS NULL", name="ends_one_way"),
        Index("ix_erasure_wishes_open", "contact_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_erasure_wishes_open_due_at", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WriterErasure(Base):
    """Somebody who commented and is no contact asked to be forgotten: done at `due_at`, and then this goes as well.

    `nonce` is what the link names by which they take it back.
    """

    __tablename__ = "writer_erasures"
    __table_args__ = (
        non_empty("email"),
        CheckConstraint("due_at >= asked_at", name="due_after_it_was_asked"),
        Index("ix_writer_erasures_due_at", "due_at"),
    )

    email_key: Mapped[str] = mapped_column(String(320), primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    nonce: Mapped[str] = mapped_column(String(20), unique=True)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AddressWish(Base):
    """A contact asked that our mails go to another address, which is theirs once it was proved by a mailed link.

    `nonce` is what that link names. `proved_at` is set where the address was proved and is another contact's: then a
    person decides.
    """

    __tablename__ = "address_wishes"
    __table_args__ = (non_empty("email"), non_empty("email_key"), Index("ix_address_wishes_email_key", "email_key"))

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    nonce: Mapped[str] = mapped_column(String(20), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class VoidedLinks(Base):
    """The links to a contact's own data that were made before `before` open nothing any more."""

    __tablename__ = "voided_links"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    before: Mapped[datetime] = mapped_column(UtcDateTime)


class ErasedAddress(Base):
    """An address that stays closed although it was erased: only its digest is kept, to know it should it come again.

    A trigger on new contacts and addresses puts what was said of it back in force.
    """

    __tablename__ = "erased_addresses"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[SuppressionReason] = mapped_column(enum_type(SuppressionReason))
    withdrew: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RetentionRule(Base):
    """After how long something goes by itself; without a row, never."""

    __tablename__ = "retention_rules"
    __table_args__ = (CheckConstraint("length BETWEEN 1 AND 3650", name="length_sensible"),)

    kind: Mapped[RuleKind] = mapped_column(enum_type(RuleKind), primary_key=True)
    length: Mapped[int]
    """In months, or in days for what counts in days (`privacy/retention.py`)."""
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class RetentionRun(Base):
    """A rule was carried out: when, how many things went, and whether that was all for the day."""

    __tablename__ = "retention_runs"
    __table_args__ = (CheckConstraint("gone >= 0", name="gone_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RuleKind] = mapped_column(enum_type(RuleKind))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    gone: Mapped[int]
    finished: Mapped[bool]
