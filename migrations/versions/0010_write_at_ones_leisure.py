"""Keep what staff write as they write it: drafts, replies that go later, removed notes; and who looks."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TURNS = ("institute", "visitor", "nobody")


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN goes_at " + _moment())
    op.execute(
        "ALTER TABLE notes ADD COLUMN changed_by_id INTEGER CONSTRAINT fk_notes_changed_by_id REFERENCES accounts(id)"
    )
    _removed_notes()
    _presences()
    _replies()


def _moment() -> str:
    return UtcDateTime().compile(dialect=op.get_bind().dialect)


def _removed_notes() -> None:
    op.create_table(
        "removed_notes",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("body <> ''", name=op.f("ck_removed_notes_body_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_removed_notes_account_id")),
        sa.ForeignKeyConstraint(["changed_by_id"], ["accounts.id"], name=op.f("fk_removed_notes_changed_by_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_removed_notes_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_notes")),
    )
    op.create_index(op.f("ix_removed_notes_contact_id"), "removed_notes", ["contact_id"], unique=False)
    op.create_index(op.f("ix_removed_notes_removed_at"), "removed_notes", ["removed_at"], unique=False)


def _presences() -> None:
    op.create_table(
        "presences",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_presences_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_presences_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", "account_id", name=op.f("pk_presences")),
    )
    op.create_index(op.f("ix_presences_at"), "presences", ["at"], unique=False)


def _replies() -> None:
    op.create_table(
        "reply_drafts",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("nonce", sa.String(length=60), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_reply_drafts_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_reply_drafts_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", "account_id", name=op.f("pk_reply_drafts")),
    )
    op.create_table(
        "desk_replies",
        sa.Column("message_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("nonce", sa.String(length=60), nullable=False),
        sa.Column("turn", sa.Enum(*TURNS, name="turn", native_enum=False, length=40), nullable=True),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("handled", sa.JSON(), nullable=False),
        sa.Column("paused", sa.JSON(), nullable=False),
        sa.CheckConstraint("turn IN ('institute', 'visitor', 'nobody')", name=op.f("ck_desk_replies_turn")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_desk_replies_account_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_desk_replies_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_desk_replies")),
    )
    op.create_index(op.f("ix_desk_replies_nonce"), "desk_replies", ["nonce"], unique=False)
