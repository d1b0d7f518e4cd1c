"""Keep saved views of the list of contacts, and what was done with many contacts at once, so that it can be undone."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0008b"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_views_name_not_empty")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_saved_views_number_from_one")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_saved_views_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_saved_views_account_id_name")),
    )
    op.create_index("ix_saved_views_shared_name", "saved_views", ["shared", "name"])
    op.create_table(
        "list_habits",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("view_id", sa.Integer(), nullable=True),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_list_habits_account_id")),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_views.id"], name=op.f("fk_list_habits_view_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_list_habits")),
    )
    op.create_table(
        "bulk_actions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", _enum("bulk_kind", "assign", "tag", "untag", "move", "stop"), nullable=False),
        sa.Column("target", sa.String(60), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("whom", sa.Text(), nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("state", _enum("bulk_state", "running", "done", "undoing", "undone"), nullable=False),
        sa.Column("undone_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("sentence <> ''", name=op.f("ck_bulk_actions_sentence_not_empty")),
        sa.CheckConstraint("whom <> ''", name=op.f("ck_bulk_actions_whom_not_empty")),
        sa.CheckConstraint("contacts >= 1", name=op.f("ck_bulk_actions_means_somebody")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_bulk_actions_account_id")),
        sa.ForeignKeyConstraint(["undone_by"], ["accounts.id"], name=op.f("fk_bulk_actions_undone_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_actions")),
    )
    op.create_index("ix_bulk_actions_at", "bulk_actions", ["at"])
    op.create_index("ix_bulk_actions_state", "bulk_actions", ["state"])
    op.create_table(
        "bulk_changes",
        sa.Column("action_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", _enum("bulk_outcome", "waiting", "done", "left", "undone", "kept"), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("outcome NOT IN ('left', 'kept') OR why <> ''", name=op.f("ck_bulk_changes_says_why_not")),
        sa.ForeignKeyConstraint(["action_id"], ["bulk_actions.id"], name=op.f("fk_bulk_changes_action_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_bulk_changes_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("action_id", "contact_id", name=op.f("pk_bulk_changes")),
    )
    op.create_index("ix_bulk_changes_action_id_outcome", "bulk_changes", ["action_id", "outcome", "contact_id"])
    op.create_index("ix_bulk_changes_contact_id", "bulk_changes", ["contact_id"])


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
