"""Compare everybody once more, little by little: the same rare name is a hint by itself now."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO uncompared_contacts (contact_id) SELECT id FROM contacts "
        "WHERE merged_into_id IS NULL AND erased_at IS NULL ON CONFLICT DO NOTHING"
    )
