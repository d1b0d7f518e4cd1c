"""Activity: one immutable fact about one contact."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class ActivityKind(StrEnum):
    """What happened."""

    INQUIRY_RECEIVED = "inquiry_received"
    INQUIRY_SUSPECTED = "inquiry_suspected"
    INQUIRY_RELEASED = "inquiry_released"
    INQUIRY_HANDLED = "inquiry_handled"
    INQUIRY_REOPENED = "inquiry_reopened"
    INQUIRY_MARKED_SPAM = "inquiry_marked_spam"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    LEAD_OPENED = "lead_opened"
    ENROLLED = "enrolled"
    ENROLLMENT_STOPPED = "enrollment_stopped"
    ENROLLMENT_FINISHED = "enrollment_finished"
    ENROLLMENT_SKIPPED = "enrollment_skipped"
    MAIL_SENT = "mail_sent"
    MAIL_NOT_SENT = "mail_not_sent"
    MAIL_UNCERTAIN = "mail_uncertain"
    MAIL_REQUEUED = "mail_requeued"
    MAIL_SETTLED_BY_HAND = "mail_settled_by_hand"
    WISH_CHANGED = "wish_changed"
    ADDRESS_CLOSED = "address_closed"
    ADDRESS_REOPENED = "address_reopened"
    REPLY_RECEIVED = "reply_received"
    AUTOMATIC_MAIL_RECEIVED = "automatic_mail_received"
    STRANGER_WROTE = "stranger_wrote"
    MAIL_BOUNCED = "mail_bounced"
    MAIL_COMPLAINED_OF = "mail_complained_of"
    STAFF_REPLIED = "staff_replied"
    STAFF_MAIL_FILED = "staff_mail_filed"
    CONVERSATION_CLOSED = "conversation_closed"
    ADDRESS_CONFIRMED = "address_confirmed"
    ADDRESS_DENIED = "address_denied"
    ENROLLMENT_PAUSED = "enrollment_paused"
    ENROLLMENT_RESUMED = "enrollment_resumed"
    ENROLLMENT_MOVED = "enrollment_moved"
    FOLLOW_UP_DRAFTED = "follow_up_drafted"
    FOLLOW_UP_DECIDED = "follow_up_decided"
    CALL_NOTED = "call_noted"
    LEAD_MOVED = "lead_moved"
    TAGS_CHANGED = "tags_changed"
    CONTACT_CHANGED = "contact_changed"
    CONTACT_ASSIGNED = "contact_assigned"
    NOTE_ADDED = "note_added"
    NOTE_CHANGED = "note_changed"
    NOTE_REMOVED = "note_removed"
    REMINDER_SET = "reminder_set"
    REMINDER_CHANGED = "reminder_changed"
    REMINDER_DONE = "reminder_done"
    REPLY_SCHEDULED = "reply_scheduled"
    REPLY_TAKEN_BACK = "reply_taken_back"
    PROMISE_AT_RISK = "promise_at_risk"
    CONTACTS_MERGED = "contacts_merged"
    CONTACTS_UNMERGED = "contacts_unmerged"
    CONTACT_ERASED = "contact_erased"
    CONTACT_ADDED = "contact_added"
    CONTACT_IMPORTED = "contact_imported"
    IMPORT_REVERTED = "import_reverted"
    DATA_EXPORTED = "data_exported"
    BULK_CHANGED = "bulk_changed"
    WAITING_LIST = "waiting_list"
    ADDRESS_PROVED = "address_proved"
    ERASURE_ASKED = "erasure_asked"
    ERASURE_TAKEN_BACK = "erasure_taken_back"
    UNDONE = "undone"
    PUBLICATION_ASKED = "publication_asked"
    ANSWER_PUBLISHED = "answer_published"
    PUBLICATION_ENDED = "publication_ended"


class Actor(StrEnum):
    """Who did it."""

    VISITOR = "visitor"
    STAFF = "staff"
    SYSTEM = "system"


class Activity(Base):
    """One fact on a contact's timeline; a trigger refuses any change to it."""

    __tablename__ = "activities"
    __table_args__ = (
        Index("ix_activities_contact_id_id", "contact_id", "id"),
        Index(
            "ix_activities_staff_at",
            "at",
            "account_id",
            "kind",
            sqlite_where=text("account_id IS NOT NULL"),
            postgresql_where=text("account_id IS NOT NULL"),
        ),
        CheckConstraint("(actor = 'staff') = (account_id IS NOT NULL)", name="staff_named"),
        non_empty("sentence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[ActivityKind] = mapped_column(enum_type(ActivityKind))
    actor: Mapped[Actor] = mapped_column(enum_type(Actor))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    sentence: Mapped[str] = mapped_column(Text)
