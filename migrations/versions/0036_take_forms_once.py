"""Know which forms of the desk were taken, so that one that is sent twice acts once."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "taken_forms",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("led_to", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_taken_forms")),
    )
