"""Keep the next steps of a pathway that was brought along, so that follow-ups can name them."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE brought_along ADD COLUMN pathway_says JSON CONSTRAINT ck_brought_along_says_of_a_pathway "
        "CHECK (pathway_says IS NULL OR pathway <> '')"
    )
