"""Count by time: what reports look up in a period is found without reading everything before it."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_inquiries_received_at", "inquiries", ["received_at", "state", "topic"], unique=False)
    op.create_index("ix_leads_opened_at", "leads", ["opened_at", "stage_id"], unique=False)
    op.create_index("ix_leads_closed_at", "leads", ["closed_at", "stage_id"], unique=False)
    op.create_index("ix_enrollments_started_at", "enrollments", ["started_at"], unique=False)
    op.execute("CREATE INDEX ix_activities_staff_at ON activities (at, account_id, kind) WHERE account_id IS NOT NULL")
