"""Keep how much of an inquiry's message the page itself wrote, so that nothing is learned from it."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inquiries", sa.Column("page_wrote", sa.Integer(), server_default="0", nullable=False))
