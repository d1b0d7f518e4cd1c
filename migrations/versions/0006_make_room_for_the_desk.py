"""Make room for the desk: who looks after a contact, notes about them, and the facts that its tools will record."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.checks import allow
from tpminstitute.core.db import UtcDateTime
from tpminstitute.timeline.models import ActivityKind

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow(op.get_bind(), "activities", "kind", ActivityKind)
    op.execute(
        "ALTER TABLE contacts ADD COLUMN owner_id INTEGER CONSTRAINT fk_contacts_owner_id REFERENCES accounts(id)"
    )
    op.execute(
        "ALTER TABLE contacts ADD COLUMN number INTEGER DEFAULT 1 NOT NULL "
        "CONSTRAINT ck_contacts_number_from_one CHECK (number >= 1)"
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("body <> ''", name=op.f("ck_notes_body_not_empty")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_notes_number_from_one")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notes_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_notes_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_contact_id_id", "notes", ["contact_id", "id"], unique=False)
