"""Tell the search index who was merged into another contact, came back, or was erased."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    head = "CREATE TRIGGER search_gone_contacts AFTER UPDATE OF merged_into_id, erased_at ON contacts"
    if op.get_bind().dialect.name == "sqlite":
        note = "INSERT INTO search_changes (source, source_id) VALUES ('person', new.id)"
        op.execute(f"{head} BEGIN {note}; END")
    else:
        op.execute(f"{head} FOR EACH ROW EXECUTE FUNCTION note_search_change_by_id('person')")
