"""Let a rule of retention be about comments that were refused."""

from alembic import op

from tpminstitute.core.checks import allow
from tpminstitute.privacy.models import RuleKind

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("retention_rules", "kind"), ("retention_runs", "kind"), ("erasures", "rule")):
        allow(op.get_bind(), table, column, RuleKind)
