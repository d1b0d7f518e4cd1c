"""What people send us: inquiries and mails, kept as received, and whose turn it is to speak."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tpminstitute.contacts.models import Background
from tpminstitute.contacts.topics import Topic as Topic
from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty
from tpminstitute.mail.incoming.model import ReceivedKind


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
        Index("ix_inquiries_received_at", "received_at", "state", "topic"),
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
    topic: Mapped[str] = mapped_column(String(40), ForeignKey("topics.key"))
    message: Mapped[str] = mapped_column(Text)
    page_wrote: Mapped[int] = mapped_column(server_default="0")
    """Characters at the message's beginning that the page itself wrote: they are the same from everybody."""
    state: Mapped[InquiryState] = mapped_column(enum_type(InquiryState))
    suspicions: Mapped[list[str]] = mapped_column(JSON)
    """What screening found, each a sentence with its points; it need not be enough to set the inquiry apart."""
    score: Mapped[int | None]
    """The points together; None for one that was never weighed."""
    source_page: Mapped[str] = mapped_column(String(200))
    source_referrer: Mapped[str] = mapped_column(String(300))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    followed_through_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    along: Mapped["BroughtAlong | None"] = relationship(viewonly=True)


class BroughtAlong(Base):
    """What a visitor sent along with an inquiry, in the words that they saw: what they asked about, what they had read
    in which edition of the guide, and what their pathway check said. There is a row only where there is something."""

    __tablename__ = "brought_along"
    __table_args__ = (
        CheckConstraint("about <> '' OR edition <> '' OR pathway <> ''", name="something"),
        CheckConstraint("(pathway = '') = (pathway_words = '')", name="pathway_in_words"),
        CheckConstraint("pathway_letter IS NULL OR pathway <> ''", name="letter_of_a_pathway"),
        CheckConstraint("pathway_says IS NULL OR pathway <> ''", name="says_of_a_pathway"),
    )

    inquiry_id: Mapped[int] = mapped_column(
        ForeignKey("inquiries.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    about: Mapped[str] = mapped_column(String(200))
    edition: Mapped[str] = mapped_column(String(8))
    chapters_read: Mapped[list[str]] = mapped_column(JSON)
    pathway: Mapped[str] = mapped_column(String(300))
    pathway_words: Mapped[str] = mapped_column(Text)
    pathway_background: Mapped[Background | None] = mapped_column(enum_type(Background))
    pathway_letter: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """What the letter says that mails the pathway to its reader, where they asked for it."""
    pathway_says: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """What follow-ups may name of it: `mail.drafts.OF_PATHWAY` without its address."""


class Door(StrEnum):
    """How a mail came in."""

    MAILBOX = "mailbox"
    WEBHOOK = "webhook"
    COMMAND = "command"


class Writer(StrEnum):
    """Who wrote a mail that came in: a visitor (or their machine), staff, or this service itself."""

    VISITOR = "visitor"
    STAFF = "staff"
    OURSELVES = "ourselves"


class Standing(StrEnum):
    """Whether a mail is taken for what it says it is; a doubtful one waits for a person and acts on nothing."""

    TRUSTED = "trusted"
    DOUBTFUL = "doubtful"


class ReceivedMail(Base):
    """One mail that came in, stored once whatever way it came (`fingerprint`); its bytes are in `received_contents`.

    `words` is what the writer newly wrote, `text` all that can be read. `contact_id` is whose it is, and None for a
    machine's mail that belongs to nobody; `message_id` is the mail's own, which need not be unique.
    """

    __tablename__ = "received_mails"
    __table_args__ = (
        Index("ix_received_mails_contact_id_id", "contact_id", "id"),
        Index("ix_received_mails_standing_id", "standing", "id"),
        CheckConstraint("standing <> 'doubtful' OR doubt <> ''", name="doubtful_says_why"),
        CheckConstraint("account_id IS NULL OR writer = 'staff'", name="account_of_staff"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    door: Mapped[Door] = mapped_column(enum_type(Door))
    kind: Mapped[ReceivedKind] = mapped_column(enum_type(ReceivedKind))
    writer: Mapped[Writer] = mapped_column(enum_type(Writer))
    standing: Mapped[Standing] = mapped_column(enum_type(Standing))
    doubt: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text, index=True)
    refers_to: Mapped[list[str]] = mapped_column(JSON)
    sender_name: Mapped[str] = mapped_column(Text)
    sender_email: Mapped[str] = mapped_column(Text)
    recipients: Mapped[list[str]] = mapped_column(JSON)
    subject: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    problems: Mapped[list[str]] = mapped_column(JSON)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    return_on: Mapped[date | None]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    inquiry_id: Mapped[int | None] = mapped_column(ForeignKey("inquiries.id"), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class ReceivedContent(Base):
    """The bytes of a mail that came in; in place of each attachment's body stands its digest (`inbox/contents.py`)."""

    __tablename__ = "received_contents"

    mail_id: Mapped[int] = mapped_column(ForeignKey("received_mails.id"), primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class AttachmentBody(Base):
    """An attachment's body as it stood in a mail, kept once however often it came."""

    __tablename__ = "attachment_bodies"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    encoded: Mapped[bytes] = mapped_column(LargeBinary)


class ReceivedAttachment(Base):
    """A file in a mail that came in; `size` in octets, decoded."""

    __tablename__ = "received_attachments"
    __table_args__ = (
        UniqueConstraint("mail_id", "position"),
        CheckConstraint("size >= 0", name="size_not_negative"),
        non_empty("name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("received_mails.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(ForeignKey("attachment_bodies.digest"), index=True)
    encoding: Mapped[str] = mapped_column(String(40))
    inline_id: Mapped[str] = mapped_column(String(200))


class Turn(StrEnum):
    """Who a conversation waits for."""

    INSTITUTE = "institute"
    VISITOR = "visitor"
    NOBODY = "nobody"


class Conversation(Base):
    """All that is said between the institute and one contact, and whose turn it is, since when."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_turn_since", "turn", "since", "contact_id"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    turn: Mapped[Turn] = mapped_column(enum_type(Turn))
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class MailboxState(Base):
    """How far a mailbox was read, and how its connection is."""

    __tablename__ = "mailbox_states"
    __table_args__ = (
        CheckConstraint("last_uid >= 0", name="last_uid_not_negative"),
        CheckConstraint("(error = '') = (error_at IS NULL)", name="error_at_a_time"),
    )

    name: Mapped[str] = mapped_column(String(500), primary_key=True)
    uid_validity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger)
    waits: Mapped[bool]
    """Whether the server tells of new mail by itself (IDLE, RFC 2177)."""
    looked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lag_seconds: Mapped[int | None]
    """From the newest mail's arrival in the mailbox to its being stored here."""
    error: Mapped[str] = mapped_column(Text)
    error_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HookEvent(Base):
    """A provider's event that was taken in; the same one a second time is a replay."""

    __tablename__ = "hook_events"
    __table_args__ = (UniqueConstraint("provider", "event_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(40))
    event_key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Dropbox(Base):
    """A staff member's secret address: a mail that is sent to it as well is filed with the contact."""

    __tablename__ = "dropboxes"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(String(20), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReplyDraft(Base):
    """A reply as a staff member left it unsent; `nonce` stays the same until it is sent, so it goes out once."""

    __tablename__ = "reply_drafts"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"), primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str] = mapped_column(String(60))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeskReply(Base):
    """A reply that was written at the desk, as it was typed, and what it changed: taken back, that is put back."""

    __tablename__ = "desk_replies"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str] = mapped_column(String(60), index=True)
    turn: Mapped[Turn | None] = mapped_column(enum_type(Turn))
    """Whose turn it was before."""
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    handled: Mapped[list[int]] = mapped_column(JSON)
    """The inquiries that it handled, by their ids."""
    paused: Mapped[list[int]] = mapped_column(JSON)
    """The runs of follow-ups that it made wait, by their ids."""
