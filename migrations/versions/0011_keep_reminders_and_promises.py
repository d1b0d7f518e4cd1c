"""Keep reminders, warnings of promises at risk, what staff want to be told by mail, and their calendars' addresses."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = sa.text("done_at IS NULL")
DONE = sa.text("done_at IS NOT NULL")
WAITING = sa.text("status = 'waiting'")
OUR_TURN = sa.text("turn = 'institute'")
UNDECIDED = sa.text("status IN ('failed', 'uncertain')")


def upgrade() -> None:
    _make_reminders()
    op.create_table(
        "promise_warnings",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_promise_warnings_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_promise_warnings")),
    )
    op.create_table(
        "staff_news",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=40), nullable=False),
        sa.Column("digested_on", sa.Date(), nullable=True),
        sa.CheckConstraint("digest IN ('own', 'everything', 'never')", name=op.f("ck_staff_news_digest")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_staff_news_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_staff_news")),
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("courses", sa.Boolean(), nullable=False),
        sa.Column("holidays", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_calendar_feeds_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_calendar_feeds_secret_digest")),
    )
    op.create_index(
        "ix_follow_up_drafts_waiting_made_at",
        "follow_up_drafts",
        ["made_at", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    for name, table, columns, where in (
        ("ix_contact_cards_waiting_owner_id", "contact_cards", ["owner_id", "contact_id"], OUR_TURN),
        ("ix_messages_undecided_due_at", "messages", ["due_at", "id"], UNDECIDED),
    ):
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _make_reminders() -> None:
    op.create_table(
        "reminders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("for_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("(done_at IS NULL) = (done_by_id IS NULL)", name=op.f("ck_reminders_done_by_somebody")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_reminders_number_from_one")),
        sa.CheckConstraint("text <> ''", name=op.f("ck_reminders_text_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_reminders_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_reminders_contact_id")),
        sa.ForeignKeyConstraint(["done_by_id"], ["accounts.id"], name=op.f("fk_reminders_done_by_id")),
        sa.ForeignKeyConstraint(["for_id"], ["accounts.id"], name=op.f("fk_reminders_for_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reminders_public_id")),
    )
    for name, columns, where in (
        ("ix_reminders_open_for_id_due_at", ["for_id", "due_at", "id"], OPEN),
        ("ix_reminders_open_due_at", ["due_at", "id"], OPEN),
        ("ix_reminders_done_at", ["done_at", "id"], DONE),
    ):
        op.create_index(name, "reminders", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_reminders_contact_id_id", "reminders", ["contact_id", "id"])
