"""Keep the versions of the pathway check's table, and what an inquiry with a pathway causes."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

NEVER = "a version of the pathway check never changes"


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "pathway_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_pathway_versions_number_from_one")),
        sa.CheckConstraint("text <> ''", name=op.f("ck_pathway_versions_text_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_pathway_versions_account_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pathway_versions")),
    )
    does = (
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        if on_postgresql
        else f"BEGIN SELECT RAISE(ABORT, '{NEVER}'); END"
    )
    op.execute(f"CREATE TRIGGER keep_pathway_versions BEFORE UPDATE ON pathway_versions {does}")
    for column in (
        "pathway_background VARCHAR(40) CONSTRAINT ck_brought_along_background "
        "CHECK (pathway_background IN ('new', 'engineering', 'project_management'))",
        "pathway_letter JSON CONSTRAINT ck_brought_along_letter_of_a_pathway "
        "CHECK (pathway_letter IS NULL OR pathway <> '')",
    ):
        op.execute(f"ALTER TABLE brought_along ADD COLUMN {column}")
    templates = sa.table("templates", sa.column("key"), sa.column("name"))
    op.bulk_insert(templates, [{"key": "pathway-check", "name": "Pathway, by mail"}])
