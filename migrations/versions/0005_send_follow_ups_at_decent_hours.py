"""Send the first sequence's mails on working days from nine to five where the reader lives, not at any hour.

Runs that go on finish as they began; nobody could write a version of their own before this release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PATHWAY = "(SELECT id FROM sequences WHERE key = 'pathway')"
FIRST = f"(SELECT id FROM sequence_versions WHERE sequence_id = {PATHWAY} AND number = 1)"
SECOND = f"(SELECT id FROM sequence_versions WHERE sequence_id = {PATHWAY} AND number = 2)"


def upgrade() -> None:
    op.execute(
        sa.text(f"INSERT INTO sequence_versions (sequence_id, number, at) VALUES ({PATHWAY}, 2, CURRENT_TIMESTAMP)")
    )
    op.execute(
        sa.text(
            "INSERT INTO sequence_steps (version_id, position, number, letter_key, wait_amount, wait_unit, days, "
            "opens_minute, closes_minute, conditions, topics) "
            f"SELECT {SECOND}, position, number, letter_key, wait_amount / 24, 'days', '12345', 540, 1020, conditions, "
            f"topics FROM sequence_steps WHERE version_id = {FIRST}"
        )
    )
