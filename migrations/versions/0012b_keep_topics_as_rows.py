"""Keep topics as rows: administrators add, rename and archive them; the shipped ones stay with their keys."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.checks import refer
from tpminstitute.core.db import UtcDateTime

revision = "0012b"
down_revision = "0012"
branch_labels = None
depends_on = None

SHIPPED = (
    ("becoming_a_tpm", "Becoming a technical program manager", "The path"),
    ("csm", "Certified Scrum Master (CSM)", "Certifications"),
    ("pmp", "Project Management Professional (PMP)", "Certifications"),
    ("cal", "Certified Agile Leadership (CAL)", "Certifications"),
    ("spc", "SAFe Program Consultant (SPC)", "Certifications"),
    ("courses", "Courses", "Other"),
    ("other", "Something else", "Other"),
)


def upgrade() -> None:
    topics = op.create_table(
        "topics",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("heading", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("key <> ''", name=op.f("ck_topics_key_not_empty")),
        sa.CheckConstraint("label <> ''", name=op.f("ck_topics_label_not_empty")),
        sa.CheckConstraint("position >= 0", name=op.f("ck_topics_position_not_negative")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_topics_number_from_one")),
        sa.CheckConstraint("key <> 'other' OR archived_at IS NULL", name=op.f("ck_topics_something_else_stays")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_topics")),
        sa.UniqueConstraint("label", name=op.f("uq_topics_label")),
    )
    labels = op.create_table(
        "topic_labels",
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("topic_key", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["topic_key"], ["topics.key"], name=op.f("fk_topic_labels_topic_key")),
        sa.PrimaryKeyConstraint("label", name=op.f("pk_topic_labels")),
    )
    op.bulk_insert(
        topics,
        [
            {"key": key, "label": label, "heading": heading, "position": place, "archived_at": None, "number": 1}
            for place, (key, label, heading) in enumerate(SHIPPED)
        ],
    )
    op.bulk_insert(labels, [{"label": label, "topic_key": key} for key, label, _ in SHIPPED])
    refer(op.get_bind(), "inquiries", "topic", "topic", "topics (key)")
