"""Comments on the guide, who of their writers hears of answers, and questions and answers that were published."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.contacts.models import Contact
from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty
from tpminstitute.mail.models import Message

LONGEST_CHAPTER = 120
LONGEST_NAME = 80
LONGEST_BODY = 5_000
"""Characters of a chapter's address, of a writer's name and of a comment."""

_HELD = text("state = 'held'")


class CommentState(StrEnum):
    """Where a comment stands: waiting for approval, set apart by screening, public, turned down, or taken away."""

    HELD = "held"
    SUSPECTED = "suspected"
    PUBLISHED = "published"
    REFUSED = "refused"
    REMOVED = "removed"


class Comment(Base):
    """A public remark on a chapter of the guide, as it was typed.

    An answer (`level` 2) refers to a comment of level 1 of the same chapter: two deep, and no deeper, by the foreign
    key alone. `edition` is that of the chapter when it was written. `number` counts how often its words changed, so
    that nobody approves what they didn't read. `origin` is a digest of the network it came from, kept for a day.
    `account_id` is who of the institute wrote it; `inquiry` the public id of the inquiry that was made of it.
    """

    __tablename__ = "comments"
    __table_args__ = (
        UniqueConstraint("id", "level", "chapter"),
        ForeignKeyConstraint(
            ["parent_id", "parent_level", "chapter"],
            ["comments.id", "comments.level", "comments.chapter"],
            name="fk_comments_parent",
        ),
        CheckConstraint(
            "(level = 1 AND parent_id IS NULL AND parent_level IS NULL) "
            "OR (level = 2 AND parent_id IS NOT NULL AND parent_level = 1)",
            name="two_deep",
        ),
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint("state <> 'published' OR decided_at IS NOT NULL", name="published_by_decision"),
        non_empty("chapter"),
        non_empty("name"),
        non_empty("body"),
        Index("ix_comments_chapter_level_id", "chapter", "level", "id"),
        Index("ix_comments_state_id", "state", "id"),
        Index("ix_comments_parent_id", "parent_id", "id"),
        Index("ix_comments_origin_created_at", "origin", "created_at"),
        Index("ix_comments_held_created_at", "created_at", "id", sqlite_where=_HELD, postgresql_where=_HELD),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    chapter: Mapped[str] = mapped_column(String(LONGEST_CHAPTER))
    edition: Mapped[str] = mapped_column(String(8))
    level: Mapped[int]
    parent_id: Mapped[int | None]
    parent_level: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[CommentState] = mapped_column(enum_type(CommentState))
    suspicions: Mapped[list[str]] = mapped_column(JSON)
    origin: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When staff were written to about it, as it reads now."""
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    inquiry: Mapped[str | None] = mapped_column(String(20), unique=True)
    number: Mapped[int] = mapped_column(default=1)


class CommentWriter(Base):
    """The address that a writer left with a comment, which is never shown; and whether they want to hear of answers.

    `wording` is the sentence by which they asked to hear, '' if they didn't; `ended_at` when they had enough of it.
    """

    __tablename__ = "comment_writers"
    __table_args__ = (
        non_empty("email"),
        CheckConstraint("ended_at IS NULL OR wording <> ''", name="ends_what_began"),
        Index("ix_comment_writers_email_key", "email_key"),
    )

    comment_id: Mapped[int] = mapped_column(
        ForeignKey("comments.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    wording: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PublicationState(StrEnum):
    """Where a question and answer stands: it waits for the asker's word, is public, was declined, or taken back."""

    ASKED = "asked"
    PUBLISHED = "published"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class PublishedAnswer(Base):
    """A question somebody asked and the institute's answer, anonymised, for all to read under a chapter.

    It is public only with a consent on record: `consent` says how and where it was given, `consented_at` when.
    `message_id` is the reply that it was made of.
    """

    __tablename__ = "published_answers"
    __table_args__ = (
        non_empty("chapter"),
        non_empty("question"),
        non_empty("answer"),
        CheckConstraint(
            "state <> 'published' OR (consented_at IS NOT NULL AND consent <> '' AND published_at IS NOT NULL)",
            name="published_with_consent",
        ),
        Index("ix_published_answers_state_chapter", "state", "chapter", "id"),
        Index("ix_published_answers_contact_id", "contact_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey(Contact.id))
    message_id: Mapped[int | None] = mapped_column(ForeignKey(Message.id))
    chapter: Mapped[str] = mapped_column(String(LONGEST_CHAPTER))
    edition: Mapped[str] = mapped_column(String(8))
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    state: Mapped[PublicationState] = mapped_column(enum_type(PublicationState))
    consent: Mapped[str] = mapped_column(Text)
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
