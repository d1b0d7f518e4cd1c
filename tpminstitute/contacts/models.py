"""Contacts and the consents they gave."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class ZoneSource(StrEnum):
    """How we know where somebody lives by the clock; a later one is believed over an earlier one."""

    PHONE = "phone"
    BROWSER = "browser"
    STAFF = "staff"


class Background(StrEnum):
    """Where somebody stands on the path: the result of the pathway check."""

    NEW = "new"
    ENGINEERING = "engineering"
    PROJECT_MANAGEMENT = "project_management"


class BackgroundSource(StrEnum):
    """Who says where somebody stands: their own pathway check, or a staff member who knows them."""

    PATHWAY_CHECK = "pathway_check"
    STAFF = "staff"


class Contact(Base):
    """One person, unique by normalised e-mail (`email_key`)."""

    __tablename__ = "contacts"
    __table_args__ = (
        non_empty("email_key"),
        non_empty("email"),
        CheckConstraint("(time_zone IS NULL) = (time_zone_source IS NULL)", name="time_zone_from_somewhere"),
        CheckConstraint("(background IS NULL) = (background_source IS NULL)", name="background_from_somebody"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    phone_typed: Mapped[str] = mapped_column(String(60), default="")
    phone_e164: Mapped[str | None] = mapped_column(String(16))
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    time_zone: Mapped[str | None] = mapped_column(String(64))
    time_zone_source: Mapped[ZoneSource | None] = mapped_column(enum_type(ZoneSource))
    background: Mapped[Background | None] = mapped_column(enum_type(Background))
    background_source: Mapped[BackgroundSource | None] = mapped_column(enum_type(BackgroundSource))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    """Who of the staff looks after them; nobody by default."""
    number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """How often staff changed who they are, and one: who saves a stale page finds out."""


class ContactTag(Base):
    """A word that staff put on a contact, to find and to follow up by."""

    __tablename__ = "contact_tags"
    __table_args__ = (Index("ix_contact_tags_tag_contact_id", "tag", "contact_id"), non_empty("tag"))

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(60), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Note(Base):
    """What staff wrote down about a contact, for themselves; `number` counts its changes from one."""

    __tablename__ = "notes"
    __table_args__ = (
        Index("ix_notes_contact_id_id", "contact_id", "id"),
        non_empty("body"),
        CheckConstraint("number >= 1", name="number_from_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1)


class ContactAddress(Base):
    """A further address of a contact, confirmed by a staff member; the contact's own stays where mail goes."""

    __tablename__ = "contact_addresses"
    __table_args__ = (non_empty("email"), non_empty("email_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConsentChange(StrEnum):
    """A consent was given or taken back."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Consent(Base):
    """A dated grant or withdrawal, with the wording that was on the page and where it came from."""

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_contact_id_id", "contact_id", "id"),
        CheckConstraint("change = 'withdrawn' OR wording <> ''", name="granted_to_a_wording"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    change: Mapped[ConsentChange] = mapped_column(enum_type(ConsentChange))
    wording_version: Mapped[str] = mapped_column(String(20))
    wording: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
