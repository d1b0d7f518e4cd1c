"""Let staff come in safely, and know who did what: second factors, invitations, and a wider audit log."""

from alembic import op

from tpminstitute.core.checks import allow, release
from tpminstitute.mail.models import MessageKind

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _write_to_staff()


def _write_to_staff() -> None:
    """A mail to the institute's own people is about no contact."""
    connection = op.get_bind()
    allow(connection, "messages", "kind", MessageKind)
    release(connection, "messages", "contact_id", "contact_id IS NOT NULL OR kind = 'staff'", "about_somebody")
