"""Say how leads end: stages and reasons that administrators edit, the course of a won lead, and cards for the board."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime
from tpminstitute.pipeline import lead_triggers

revision = "0012c"
down_revision = "0012b"
branch_labels = None
depends_on = None

REASONS = (
    "Chose another course",
    "Too expensive",
    "No time now",
    "Doesn't fit their goals",
    "No answer any more",
    "Another reason",
)


def upgrade() -> None:
    connection = op.get_bind()
    moment = "TIMESTAMP WITH TIME ZONE" if connection.dialect.name == "postgresql" else "DATETIME"
    op.execute(f"ALTER TABLE stages ADD COLUMN archived_at {moment}")
    op.execute(
        "ALTER TABLE stages ADD COLUMN number INTEGER DEFAULT 1 NOT NULL "
        "CONSTRAINT ck_stages_number_from_one CHECK (number >= 1)"
    )
    op.execute(f"ALTER TABLE leads ADD COLUMN moved_at {moment}")
    op.create_table(
        "stage_names",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["stage_id"], ["stages.id"], name=op.f("fk_stage_names_stage_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stage_names")),
    )
    op.execute("INSERT INTO stage_names (name, stage_id) SELECT name, id FROM stages")
    reasons = op.create_table(
        "lost_reasons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_lost_reasons_name_not_empty")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_lost_reasons_position_not_negative")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_lost_reasons_number_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_reasons")),
        sa.UniqueConstraint("name", name=op.f("uq_lost_reasons_name")),
    )
    rows = [{"name": name, "position": place, "number": 1} for place, name in enumerate(REASONS)]
    op.bulk_insert(reasons, rows)
    op.create_table(
        "lead_endings",
        sa.Column("lead_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lost_reason_id", sa.Integer(), nullable=True),
        sa.Column("course_date_id", sa.Integer(), nullable=True),
        sa.Column("course", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("(lost_reason_id IS NULL) <> (course = '')", name=op.f("ck_lead_endings_one_of_both")),
        sa.CheckConstraint("course_date_id IS NULL OR course <> ''", name=op.f("ck_lead_endings_a_date_has_a_course")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_endings_lead_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["lost_reason_id"], ["lost_reasons.id"], name=op.f("fk_lead_endings_lost_reason_id")),
        sa.ForeignKeyConstraint(
            ["course_date_id"],
            ["course_dates.id"],
            name=op.f("fk_lead_endings_course_date_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_lead_endings")),
    )
    op.create_table(
        "lead_cards",
        sa.Column("lead_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("topic", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_lead_cards_lead_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_lead_cards")),
    )
    op.create_index("ix_lead_cards_contact_id", "lead_cards", ["contact_id"], unique=False)
    op.create_index("ix_lead_cards_by_stage", "lead_cards", ["stage_id", "since", "lead_id"], unique=False)
    op.create_index("ix_lead_cards_by_owner", "lead_cards", ["stage_id", "owner_id", "since", "lead_id"], unique=False)
    op.create_index("ix_lead_cards_by_topic", "lead_cards", ["stage_id", "topic", "since", "lead_id"], unique=False)
    lead_triggers.create(connection)
