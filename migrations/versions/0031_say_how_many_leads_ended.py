"""Keep with a move of many contacts how their leads ended."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bulk_actions", sa.Column("ending", sa.JSON(), server_default="{}", nullable=False))
