"""Inquiries: what people send us, kept as received."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.contacts.topics import TOPIC_LABELS as TOPIC_LABELS
from tpminstitute.contacts.topics import Topic as Topic
from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class InquiryState(StrEnum):
    """Where an inquiry stands: open, answered, set apart by screening, or spam by a person's word."""

    OPEN = "open"
    HANDLED = "handled"
    SUSPECTED = "suspected"
    SPAM = "spam"


class Inquiry(Base):
    """One submission of the contact form, kept as received; `form_key` makes a repeated one the same."""

    __tablename__ = "inquiries"
    __table_args__ = (
        Index("ix_inquiries_state_id", "state", "id"),
        Index("ix_inquiries_contact_id_id", "contact_id", "id"),
        non_empty("name"),
        non_empty("email"),
        non_empty("message"),
        CheckConstraint("state <> 'handled' OR followed_through_at IS NOT NULL", name="handled_was_followed_through"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    consent_id: Mapped[int | None] = mapped_column(ForeignKey("consents.id"))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320))
    phone_typed: Mapped[str] = mapped_column(String(60))
    phone_e164: Mapped[str | None] = mapped_column(String(16))
    topic: Mapped[Topic] = mapped_column(enum_type(Topic))
    message: Mapped[str] = mapped_column(Text)
    state: Mapped[InquiryState] = mapped_column(enum_type(InquiryState))
    suspicions: Mapped[list[str]] = mapped_column(JSON)
    source_page: Mapped[str] = mapped_column(String(200))
    source_referrer: Mapped[str] = mapped_column(String(300))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    followed_through_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
