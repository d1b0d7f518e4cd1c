"""Weigh what comes in: a score on each inquiry, and what screening remembers to find it."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("inquiries", sa.Column("score", sa.Integer(), nullable=True))
    op.create_table(
        "screening_arrivals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_arrivals")),
    )
    op.create_index("ix_screening_arrivals_key_at", "screening_arrivals", ["key", "at"])
    op.create_index(op.f("ix_screening_arrivals_at"), "screening_arrivals", ["at"])
    op.create_table(
        "screening_texts",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sender", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", "sender", name=op.f("pk_screening_texts")),
    )
    op.create_index(op.f("ix_screening_texts_at"), "screening_texts", ["at"])
    op.create_table(
        "screening_words",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spam", sa.Integer(), nullable=False),
        sa.Column("honest", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("spam >= 0 AND honest >= 0", name=op.f("ck_screening_words_counts_not_negative")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_screening_words")),
    )
    op.create_index(op.f("ix_screening_words_at"), "screening_words", ["at"])
    op.create_table(
        "screening_lessons",
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column(
            "judgement",
            sa.Enum("spam", "honest", name="judgement", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("subject <> ''", name=op.f("ck_screening_lessons_subject_not_empty")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_screening_lessons")),
    )
    op.create_index(op.f("ix_screening_lessons_at"), "screening_lessons", ["at"])
