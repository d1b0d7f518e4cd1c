"""Contacts and the consents they gave."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty

_MERGED, _OUR_TURN = text("merged_into_id IS NOT NULL"), text("turn = 'institute'")


class ZoneSource(StrEnum):
    """How we know where somebody lives by the clock; a later one is believed over an earlier one."""

    PHONE = "phone"
    BROWSER = "browser"
    STAFF = "staff"
    PERSON = "person"


class Background(StrEnum):
    """Where somebody stands on the path: the result of the pathway check."""

    NEW = "new"
    ENGINEERING = "engineering"
    PROJECT_MANAGEMENT = "project_management"


class BackgroundSource(StrEnum):
    """Who says where somebody stands: their own pathway check, or a staff member who knows them."""

    PATHWAY_CHECK = "pathway_check"
    STAFF = "staff"


class InquiryTopic(Base):
    """What people may write to us about: one choice of the contact form, by a key that never becomes another's."""

    __tablename__ = "topics"
    __table_args__ = (
        non_empty("key"),
        non_empty("label"),
        CheckConstraint("position >= 0", name="position_not_negative"),
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint("key <> 'other' OR archived_at IS NULL", name="something_else_stays"),
    )

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str] = mapped_column(String(80), unique=True)
    heading: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    number: Mapped[int] = mapped_column(default=1)
    """How often it was changed: who saves a stale page finds out."""


class TopicLabel(Base):
    """A label that a topic has or once had: runs of follow-ups were begun by it, in words."""

    __tablename__ = "topic_labels"

    label: Mapped[str] = mapped_column(String(80), primary_key=True)
    topic_key: Mapped[str] = mapped_column(ForeignKey("topics.key"))


class Contact(Base):
    """One person, unique by normalised e-mail (`email_key`)."""

    __tablename__ = "contacts"
    __table_args__ = (
        non_empty("email_key"),
        non_empty("email"),
        CheckConstraint("(time_zone IS NULL) = (time_zone_source IS NULL)", name="time_zone_from_somewhere"),
        CheckConstraint("(background IS NULL) = (background_source IS NULL)", name="background_from_somebody"),
        CheckConstraint("number >= 1", name="number_from_one"),
        Index("ix_contacts_merged_into_id", "merged_into_id", sqlite_where=_MERGED, postgresql_where=_MERGED),
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
    topic: Mapped[str | None] = mapped_column(String(40))
    """What they are interested in, as staff say who imported them; what they write themselves says it better."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    """Who of the staff looks after them; nobody by default."""
    number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """How often staff changed who they are, and one: who saves a stale page finds out."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    """Set once this contact turned out to be another one: this row is only a shell that leads there."""
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Set once everything personal was erased: this row is only a shell that keeps counts true."""

    @property
    def gone(self) -> bool:
        """Whether this is a shell, and no person any more."""
        return self.merged_into_id is not None or self.erased_at is not None


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
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    number: Mapped[int] = mapped_column(default=1)


class RemovedNote(Base):
    """A note that was removed a short while ago, as it stood, so that it can be put back under its old id."""

    __tablename__ = "removed_notes"
    __table_args__ = (non_empty("body"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    number: Mapped[int]
    removed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Presence(Base):
    """Who of the staff has a contact's page open, by the last time their browser said so."""

    __tablename__ = "presences"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ContactAddress(Base):
    """A further address of a contact, confirmed by a staff member or proved by its owner; mail goes to their own."""

    __tablename__ = "contact_addresses"
    __table_args__ = (
        non_empty("email"),
        non_empty("email_key"),
        CheckConstraint("account_id IS NOT NULL OR proved_at IS NOT NULL", name="confirmed_somehow"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


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


class Origin(StrEnum):
    """How somebody first came: by a form, by mail, in an import, or put in by hand."""

    FORM = "form"
    MAIL = "mail"
    IMPORT = "import"
    BY_HAND = "by_hand"


class ConsentStanding(StrEnum):
    """Whether somebody agreed to be followed up by e-mail, by their newest word."""

    NONE = "none"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class FollowUps(StrEnum):
    """Whether follow-ups run for somebody, ran before, or never began."""

    NEVER = "never"
    RUNNING = "running"
    ENDED = "ended"


_HELD = (
    "apart",
    "stage_id",
    "owner_id",
    "topic",
    "source",
    "consent",
    "turn",
    "follow_ups",
    "first_seen_at",
    "last_touch_at",
    "tag_marks",
    "running_marks",
    "began_marks",
)


def _in_order_of(column: str) -> Index:
    """Return an index in which a list in that order finds all that it filters by, so that it needs no row."""
    rest = [held for held in _HELD if held != column]
    return Index(f"ix_contact_cards_by_{column}", column, "contact_id", *rest)


class ContactCard(Base):
    """What lists filter and sort contacts by, one narrow row each, kept true by triggers (`contacts/card_triggers.py`).

    It holds nothing of its own: `contacts.cards.rebuild` makes it from the facts. Topic and turn are the newest
    inquiry's and the conversation's, in the words of those rooms. `apart` are those of whom only suspected
    inquiries or spam are known.
    """

    __tablename__ = "contact_cards"
    __table_args__ = (
        _in_order_of("last_touch_at"),
        _in_order_of("first_seen_at"),
        _in_order_of("name_key"),
        Index(
            *("ix_contact_cards_waiting_owner_id", "owner_id", "contact_id"),
            sqlite_where=_OUR_TURN,
            postgresql_where=_OUR_TURN,
        ),
    )

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    name_key: Mapped[str] = mapped_column(String(200).with_variant(String(200, "C"), "postgresql"))
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_touch_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When they or staff last did something for one another; automatic mails don't count, nor does sorting them."""
    stage_id: Mapped[int | None]
    owner_id: Mapped[int | None]
    topic: Mapped[str | None] = mapped_column(String(40))
    source: Mapped[Origin] = mapped_column(enum_type(Origin))
    consent: Mapped[ConsentStanding] = mapped_column(enum_type(ConsentStanding))
    turn: Mapped[str] = mapped_column(String(40))
    follow_ups: Mapped[FollowUps] = mapped_column(enum_type(FollowUps))
    tag_marks: Mapped[int] = mapped_column(BigInteger)
    """Bits of their tags, of the sequences that run for them, and of those that ever began (`contacts/marks.py`)."""
    running_marks: Mapped[int] = mapped_column(BigInteger)
    began_marks: Mapped[int] = mapped_column(BigInteger)
    apart: Mapped[bool]
