"""Let administrators set things: what they saved instead of the operator's settings, and how staff sign."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_settings",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_settings_name_not_empty")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_saved_settings_number_from_one")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_saved_settings_account_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_saved_settings")),
    )
    versions = op.create_table(
        "desk_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_desk_versions_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_versions")),
    )
    op.bulk_insert(versions, [{"id": 1, "number": 1}])
    op.create_table(
        "signatures",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("text <> ''", name=op.f("ck_signatures_text_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_signatures_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_signatures")),
    )
