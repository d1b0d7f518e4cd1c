"""Give each contact a card: one narrow row with all that lists filter and sort by, kept true by triggers."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.contacts import card_triggers, cards
from tpminstitute.core.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

HELD = (
    "apart",
    "stage_id",
    "owner_id",
    "topic",
    "source",
    "consent",
    "turn",
    "follow_ups",
    "first_seen_at",
    "last_touch_at",
    "tag_marks",
    "running_marks",
    "began_marks",
)


def upgrade() -> None:
    connection = op.get_bind()
    op.execute("ALTER TABLE contacts ADD COLUMN topic VARCHAR(40)")
    op.create_table(
        "contact_cards",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name_key", sa.String(200).with_variant(sa.String(200, "C"), "postgresql"), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_touch_at", UtcDateTime(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("topic", sa.String(40), nullable=True),
        sa.Column("source", _enum("origin", "form", "mail", "import", "by_hand"), nullable=False),
        sa.Column("consent", _enum("consent_standing", "none", "granted", "withdrawn"), nullable=False),
        sa.Column("turn", sa.String(40), nullable=False),
        sa.Column("follow_ups", _enum("follow_ups", "never", "running", "ended"), nullable=False),
        sa.Column("tag_marks", sa.BigInteger(), nullable=False),
        sa.Column("running_marks", sa.BigInteger(), nullable=False),
        sa.Column("began_marks", sa.BigInteger(), nullable=False),
        sa.Column("apart", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_cards_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact_cards")),
    )
    connection.execute(sa.text(cards.making(connection.dialect.name, "true")))
    for column in ("last_touch_at", "first_seen_at", "name_key"):
        rest = [held for held in HELD if held != column]
        op.create_index(f"ix_contact_cards_by_{column}", "contact_cards", [column, "contact_id", *rest])
    card_triggers.create(connection)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
