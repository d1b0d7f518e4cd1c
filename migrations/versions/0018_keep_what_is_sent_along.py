"""Keep what visitors send along with an inquiry: what they ask about, what they read, their pathway check."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brought_along",
        sa.Column("inquiry_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("edition", sa.String(length=8), nullable=False),
        sa.Column("chapters_read", sa.JSON(), nullable=False),
        sa.Column("pathway", sa.String(length=300), nullable=False),
        sa.Column("pathway_words", sa.Text(), nullable=False),
        sa.CheckConstraint("about <> '' OR edition <> '' OR pathway <> ''", name=op.f("ck_brought_along_something")),
        sa.CheckConstraint("(pathway = '') = (pathway_words = '')", name=op.f("ck_brought_along_pathway_in_words")),
        sa.ForeignKeyConstraint(
            ["inquiry_id"], ["inquiries.id"], name=op.f("fk_brought_along_inquiry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("inquiry_id", name=op.f("pk_brought_along")),
    )
