"""A letter that carries the guide to who asks for it by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

KEY, NAME = "guide-to-keep", "The guide to keep"


def upgrade() -> None:
    templates = sa.table("templates", sa.column("key"), sa.column("name"))
    op.bulk_insert(templates, [{"key": KEY, "name": NAME}])
