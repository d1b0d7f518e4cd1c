"""Say what kind of thing the audit log's lines of the first releases named, and find a person's leads about a topic."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

FACTS = ("id", "at", "account_id", "action", "kind", "contact_id", "address", "once")
"""What never changes of a line of the audit log; its words have a guard of their own."""

SAID = {"address": "'address_closed', 'address_reopened'", "export": "'suppressions_exported'"}
"""Only these lines of the first releases said addresses, so that erasing a person looks no further."""


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute("DROP TRIGGER keep_audit_entries" + (" ON audit_entries" if on_postgresql else ""))
    for kind, actions in SAID.items():
        op.execute(f"UPDATE audit_entries SET kind = '{kind}' WHERE kind = 'other' AND action IN ({actions})")
    does = (
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        if on_postgresql
        else "BEGIN SELECT RAISE(ABORT, 'audit_entries are facts and never change'); END"
    )
    op.execute(f"CREATE TRIGGER keep_audit_entries BEFORE UPDATE OF {', '.join(FACTS)} ON audit_entries {does}")
    op.drop_index("ix_lead_cards_by_owner", "lead_cards")
    op.create_index("ix_lead_cards_by_owner", "lead_cards", ["stage_id", "owner_id", "since", "lead_id", "topic"])
