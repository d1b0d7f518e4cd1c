"""Message (the outbox), what mail servers said about it, and addresses that must not be mailed."""

from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class MessageKind(StrEnum):
    """Why a mail exists."""

    NOTICE = "notice"
    ACKNOWLEDGEMENT = "acknowledgement"
    FOLLOW_UP = "follow_up"
    TEST = "test"
    REPLY = "reply"
    STAFF = "staff"
    COMMENT_ANSWER = "comment_answer"
    PUBLICATION = "publication"
    OWN_DATA = "own_data"


class MessageStatus(StrEnum):
    """Where a mail stands.

    queued → claimed (leased by a worker) → sending (its content may be with the server) → sent; or an end that says
    why not. `held` waits for nobody but a person, `uncertain` may or may not have arrived.
    """

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class Message(Base):
    """One e-mail, exactly as sent; the row is the outbox (DESIGN.md 4.3).

    One to the institute's own people (`MessageKind.STAFF`) is about no contact, and neither is one to who commented on
    the guide (`MessageKind.COMMENT_ANSWER`).
    `cause` names the fact that made it (`inquiry:17`, `enrollment:4`), `dedupe_key` the mail that fact owes once.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_status_due_at", "status", "due_at"),
        Index("ix_messages_contact_id_id", "contact_id", "id"),
        Index(
            "ix_messages_undecided_due_at",
            "due_at",
            "id",
            sqlite_where=text("status IN ('failed', 'uncertain')"),
            postgresql_where=text("status IN ('failed', 'uncertain')"),
        ),
        Index("ix_messages_sent_at", "sent_at"),
        Index("ix_messages_recipient_key_id", "recipient_key", "id"),
        CheckConstraint("(status IN ('claimed', 'sending')) = (lease_token IS NOT NULL)", name="leased_while_claimed"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease_ends"),
        CheckConstraint(
            "status NOT IN ('held', 'cancelled', 'suppressed', 'failed', 'uncertain') OR reason <> ''",
            name="says_why_not",
        ),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_at_a_time"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint(
            "contact_id IS NOT NULL OR kind IN ('staff', 'comment_answer', 'own_data')", name="about_somebody"
        ),
        non_empty("recipient"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[MessageKind] = mapped_column(enum_type(MessageKind))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    cause: Mapped[str] = mapped_column(String(60), index=True)
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    message_id: Mapped[str] = mapped_column(String(255), unique=True)
    sender: Mapped[str] = mapped_column(String(320))
    recipient: Mapped[str] = mapped_column(String(320))
    recipient_key: Mapped[str] = mapped_column(String(320))
    recipient_domain: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[MessageStatus] = mapped_column(enum_type(MessageStatus))
    reason: Mapped[str] = mapped_column(Text, default="")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(43))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    despite_closed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A person was told that the address is closed, and sends this one mail nevertheless."""
    goes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The moment that a person chose for it, if one did; it counts as written then."""


WHOSE = cast("InstrumentedAttribute[int]", Message.contact_id)
"""The contact of a mail that isn't to staff or to who commented: there always is one."""


class DeliveryEventKind(StrEnum):
    """What became of one try to deliver."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"
    BY_HAND = "by_hand"
    BOUNCED = "bounced"
    COMPLAINED_OF = "complained_of"


class DeliveryEvent(Base):
    """What a mail server said about a message, and when."""

    __tablename__ = "delivery_events"
    __table_args__ = (Index("ix_delivery_events_message_id_id", "message_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[DeliveryEventKind] = mapped_column(enum_type(DeliveryEventKind))
    code: Mapped[int | None]
    text: Mapped[str] = mapped_column(Text)


class SuppressionReason(StrEnum):
    """Why an address must not be mailed."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    OPT_OUT = "opt_out"
    BY_HAND = "by_hand"


class Suppression(Base):
    """An address that must not be mailed, with the reason."""

    __tablename__ = "suppressions"

    id: Mapped[int] = mapped_column(primary_key=True)
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    reason: Mapped[SuppressionReason] = mapped_column(enum_type(SuppressionReason))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class MailControl(Base):
    """Whether outgoing mail is held, why, and since when: one row."""

    __tablename__ = "mail_control"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint("NOT held OR reason <> ''", name="held_for_a_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    held: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class Template(Base):
    """A letter that staff may edit; without a version of theirs it is the file in templates/email."""

    __tablename__ = "templates"
    __table_args__ = (non_empty("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))


class TemplateVersion(Base):
    """One saved text of a template; it never changes (a trigger), a way back is a new version."""

    __tablename__ = "template_versions"
    __table_args__ = (
        UniqueConstraint("template_id", "number"),
        CheckConstraint("number >= 1", name="number_from_one"),
        non_empty("subject"),
        non_empty("body"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("templates.id"))
    number: Mapped[int]
    subject: Mapped[str] = mapped_column(Text)
    preheader: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
