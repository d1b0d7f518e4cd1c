"""Bring contacts in from files: imports, their rows, and the problems of these."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.db import UtcDateTime

revision = "0013"
down_revision = "0012c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_imports()
    _add_rows()
    _add_problems()


def _add_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            _one_of("import_state", "choosing", "checking", "checked", "running", "done", "reverting", "reverted"),
            nullable=False,
        ),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("readable_bytes", sa.BigInteger(), nullable=True),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.Column("read_line", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done_line", sa.Integer(), nullable=False),
        sa.Column("checked", sa.JSON(), nullable=False),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("undone", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("reverted_at", UtcDateTime(), nullable=True),
        sa.Column("tidied_at", UtcDateTime(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("lease_token", sa.String(length=43), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.CheckConstraint("file_name <> ''", name=op.f("ck_imports_file_name_not_empty")),
        sa.CheckConstraint("size > 0", name=op.f("ck_imports_not_empty")),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (lease_until IS NULL)", name=op.f("ck_imports_leased_until_a_time")
        ),
        sa.CheckConstraint("read_bytes >= 0 AND done_line >= 0", name=op.f("ck_imports_goes_forward")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_imports_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("public_id", name=op.f("uq_imports_public_id")),
    )
    op.create_index(op.f("ix_imports_state"), "imports", ["state"], unique=False)
    op.create_index(op.f("ix_imports_created_at"), "imports", ["created_at"], unique=False)


def _add_rows() -> None:
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("outcome", _one_of("row_outcome", "added", "changed", "same", "skipped", "left_out"), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.CheckConstraint("email_key <> ''", name=op.f("ck_import_rows_email_key_not_empty")),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome <> 'changed' OR before IS NOT NULL",
            name=op.f("ck_import_rows_changed_from_something"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_import_rows_contact_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_rows_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_rows")),
    )
    op.create_index("ix_import_rows_import_id_email_key", "import_rows", ["import_id", "email_key"], unique=True)
    op.create_index(op.f("ix_import_rows_contact_id"), "import_rows", ["contact_id"], unique=False)


def _add_problems() -> None:
    op.create_table(
        "import_problems",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("phase", _one_of("phase", "read", "check", "run", "revert"), nullable=False),
        sa.Column("kind", _one_of("problem_kind", "left_out", "skipped", "in_part"), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.CheckConstraint("sentence <> ''", name=op.f("ck_import_problems_sentence_not_empty")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_problems_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_problems")),
    )
    op.create_index(op.f("ix_import_problems_email_key"), "import_problems", ["email_key"], unique=False)
    op.create_index(
        "ix_import_problems_import_id_line_id", "import_problems", ["import_id", "line", "id"], unique=False
    )


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
