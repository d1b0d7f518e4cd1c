"""Let people see what is held about them, and ask to be erased."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.contacts.models import ZoneSource
from tpminstitute.core.checks import allow, release, reword
from tpminstitute.core.db import UtcDateTime
from tpminstitute.mail.models import MessageKind
from tpminstitute.timeline.models import ActivityKind

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

PROVED = "account_id IS NOT NULL OR proved_at IS NOT NULL"
ABOUT = "contact_id IS NOT NULL OR kind IN ('staff', 'comment_answer', 'own_data')"
OPEN = sa.text("cancelled_at IS NULL AND done_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "erasure_wishes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("due_at >= asked_at", name=op.f("ck_erasure_wishes_due_after_it_was_asked")),
        sa.CheckConstraint("cancelled_at IS NULL OR done_at IS NULL", name=op.f("ck_erasure_wishes_ends_one_way")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_erasure_wishes_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_wishes")),
    )
    where = {"sqlite_where": OPEN, "postgresql_where": OPEN}
    op.create_index("ix_erasure_wishes_open", "erasure_wishes", ["contact_id"], unique=True, **where)
    op.create_index("ix_erasure_wishes_open_due_at", "erasure_wishes", ["due_at"], **where)
    op.create_table(
        "voided_links",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("before", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_voided_links_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_voided_links")),
    )
    op.create_table(
        "writer_erasures",
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("nonce", sa.String(length=20), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("email <> ''", name=op.f("ck_writer_erasures_email_not_empty")),
        sa.CheckConstraint("due_at >= asked_at", name=op.f("ck_writer_erasures_due_after_it_was_asked")),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_writer_erasures")),
        sa.UniqueConstraint("nonce", name=op.f("uq_writer_erasures_nonce")),
    )
    op.create_index("ix_writer_erasures_due_at", "writer_erasures", ["due_at"])
    op.create_table(
        "address_wishes",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nonce", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("proved_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("email <> ''", name=op.f("ck_address_wishes_email_not_empty")),
        sa.CheckConstraint("email_key <> ''", name=op.f("ck_address_wishes_email_key_not_empty")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_address_wishes_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_address_wishes")),
        sa.UniqueConstraint("nonce", name=op.f("uq_address_wishes_nonce")),
    )
    op.create_index("ix_address_wishes_email_key", "address_wishes", ["email_key"])
    op.add_column("contact_addresses", sa.Column("proved_at", UtcDateTime(), nullable=True))
    release(op.get_bind(), "contact_addresses", "account_id", PROVED, "confirmed_somehow")
    reword(op.get_bind(), "messages", "about_somebody", ABOUT)
    allow(op.get_bind(), "messages", "kind", MessageKind)
    allow(op.get_bind(), "contacts", "time_zone_source", ZoneSource)
    allow(op.get_bind(), "activities", "kind", ActivityKind)
