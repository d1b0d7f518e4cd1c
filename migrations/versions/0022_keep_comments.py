"""Keep comments on the guide, who of their writers hears of answers, and answers that were published."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.checks import allow, reword
from tpminstitute.core.db import UtcDateTime
from tpminstitute.mail.models import MessageKind
from tpminstitute.timeline.models import ActivityKind

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

HELD = sa.text("state = 'held'")


def upgrade() -> None:
    _make_comments()
    _make_writers()
    _make_published_answers()
    allow(op.get_bind(), "activities", "kind", ActivityKind)
    _write_to_writers()


def _make_comments() -> None:
    op.create_table(
        "comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("form_key", sa.String(length=64), nullable=False),
        sa.Column("chapter", sa.String(length=120), nullable=False),
        sa.Column("edition", sa.String(length=8), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("parent_level", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("suspicions", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("edited_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("inquiry", sa.String(length=20), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(level = 1 AND parent_id IS NULL AND parent_level IS NULL) "
            "OR (level = 2 AND parent_id IS NOT NULL AND parent_level = 1)",
            name=op.f("ck_comments_two_deep"),
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_comments_number_from_one")),
        sa.CheckConstraint(
            "state <> 'published' OR decided_at IS NOT NULL", name=op.f("ck_comments_published_by_decision")
        ),
        sa.CheckConstraint("chapter <> ''", name=op.f("ck_comments_chapter_not_empty")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_comments_name_not_empty")),
        sa.CheckConstraint("body <> ''", name=op.f("ck_comments_body_not_empty")),
        sa.CheckConstraint(
            "state IN ('held', 'suspected', 'published', 'refused', 'removed')", name=op.f("ck_comments_comment_state")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id", "parent_level", "chapter"],
            ["comments.id", "comments.level", "comments.chapter"],
            name=op.f("fk_comments_parent"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_comments_account_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["accounts.id"], name=op.f("fk_comments_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("id", "level", "chapter", name=op.f("uq_comments_id_level_chapter")),
        sa.UniqueConstraint("public_id", name=op.f("uq_comments_public_id")),
        sa.UniqueConstraint("form_key", name=op.f("uq_comments_form_key")),
        sa.UniqueConstraint("inquiry", name=op.f("uq_comments_inquiry")),
        sqlite_autoincrement=True,
    )
    for name, columns, where in (
        ("ix_comments_chapter_level_id", ["chapter", "level", "id"], None),
        ("ix_comments_state_id", ["state", "id"], None),
        ("ix_comments_parent_id", ["parent_id", "id"], None),
        ("ix_comments_origin_created_at", ["origin", "created_at"], None),
        ("ix_comments_held_created_at", ["created_at", "id"], HELD),
    ):
        op.create_index(name, "comments", columns, sqlite_where=where, postgresql_where=where)


def _make_writers() -> None:
    op.create_table(
        "comment_writers",
        sa.Column("comment_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("email <> ''", name=op.f("ck_comment_writers_email_not_empty")),
        sa.CheckConstraint("ended_at IS NULL OR wording <> ''", name=op.f("ck_comment_writers_ends_what_began")),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_comment_writers_comment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_comment_writers")),
        sa.UniqueConstraint("public_id", name=op.f("uq_comment_writers_public_id")),
    )
    op.create_index("ix_comment_writers_email_key", "comment_writers", ["email_key"])


def _make_published_answers() -> None:
    op.create_table(
        "published_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("chapter", sa.String(length=120), nullable=False),
        sa.Column("edition", sa.String(length=8), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("consent", sa.Text(), nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("chapter <> ''", name=op.f("ck_published_answers_chapter_not_empty")),
        sa.CheckConstraint("question <> ''", name=op.f("ck_published_answers_question_not_empty")),
        sa.CheckConstraint("answer <> ''", name=op.f("ck_published_answers_answer_not_empty")),
        sa.CheckConstraint(
            "state <> 'published' OR (consented_at IS NOT NULL AND consent <> '' AND published_at IS NOT NULL)",
            name=op.f("ck_published_answers_published_with_consent"),
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'published', 'declined', 'withdrawn')",
            name=op.f("ck_published_answers_publication_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_published_answers_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_published_answers_contact_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_published_answers_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_published_answers")),
        sa.UniqueConstraint("public_id", name=op.f("uq_published_answers_public_id")),
    )
    op.create_index("ix_published_answers_state_chapter", "published_answers", ["state", "chapter", "id"])
    op.create_index("ix_published_answers_contact_id", "published_answers", ["contact_id"])


def _write_to_writers() -> None:
    """A mail to who commented on the guide is about no contact."""
    connection = op.get_bind()
    allow(connection, "messages", "kind", MessageKind)
    reword(connection, "messages", "about_somebody", "contact_id IS NOT NULL OR kind IN ('staff', 'comment_answer')")
