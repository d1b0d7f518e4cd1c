"""Imports: the file that was brought, its rows as they were read, what each did, and what was wrong with them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, UtcDateTime, enum_type, non_empty


class ImportState(StrEnum):
    """How far an import is."""

    CHOOSING = "choosing"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    REVERTING = "reverting"
    REVERTED = "reverted"


AT_WORK = (ImportState.CHECKING, ImportState.RUNNING, ImportState.REVERTING)
"""What a worker goes on with."""


class RowOutcome(StrEnum):
    """What an import did with a row."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"
    SKIPPED = "skipped"
    LEFT_OUT = "left_out"


class Phase(StrEnum):
    """When something was found about a row: as it was read, in the dry run, as it was imported, as it was reverted."""

    READ = "read"
    CHECK = "check"
    RUN = "run"
    REVERT = "revert"


class ProblemKind(StrEnum):
    """What a problem means for its row: it isn't taken in, it is left as it is, or it is taken in but for something."""

    LEFT_OUT = "left_out"
    SKIPPED = "skipped"
    IN_PART = "in_part"


class Import(Base):
    """One file that was brought, and all that came of it."""

    __tablename__ = "imports"
    __table_args__ = (
        non_empty("file_name"),
        CheckConstraint("size > 0", name="not_empty"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="leased_until_a_time"),
        CheckConstraint("read_bytes >= 0 AND done_line >= 0", name="goes_forward"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    file_name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState), index=True)
    choices: Mapped[dict[str, Any]] = mapped_column(JSON)
    """How the file is read and what its columns are (`choices.as_json`)."""
    readable_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """The size of the file as it was written anew to be read; None before that."""
    read_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    read_line: Mapped[int] = mapped_column(default=1)
    rows: Mapped[int] = mapped_column(default=0)
    done_line: Mapped[int] = mapped_column(default=0)
    """The line of the last row that was imported, or was reverted."""
    checked: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    done: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    undone: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it last went on."""
    run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reverted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tidied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the file and its rows were removed; from then on nothing can be reverted."""
    trouble: Mapped[str] = mapped_column(Text, default="")
    """What keeps it from going on, as a sentence; '' for nothing."""
    lease_token: Mapped[str | None] = mapped_column(String(43))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ImportRow(Base):
    """One row that can be imported, as it was read; then what it did, so that it can be undone."""

    __tablename__ = "import_rows"
    __table_args__ = (
        Index("ix_import_rows_import_id_email_key", "import_id", "email_key", unique=True),
        non_empty("email_key"),
        CheckConstraint("outcome IS NULL OR outcome <> 'changed' OR before IS NOT NULL", name="changed_from_something"),
    )

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    email_key: Mapped[str] = mapped_column(String(320))
    cells: Mapped[list[str]] = mapped_column(JSON)
    told: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the cells say of a contact (`values.RowReader`)."""
    outcome: Mapped[RowOutcome | None] = mapped_column(enum_type(RowOutcome))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What was changed, each with what it was and what it became."""


class ImportProblem(Base):
    """A row with something wrong, as it stands in the file, and what is wrong."""

    __tablename__ = "import_problems"
    __table_args__ = (Index("ix_import_problems_import_id_line_id", "import_id", "line", "id"), non_empty("sentence"))

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    phase: Mapped[Phase] = mapped_column(enum_type(Phase))
    kind: Mapped[ProblemKind] = mapped_column(enum_type(ProblemKind))
    line: Mapped[int]
    email_key: Mapped[str | None] = mapped_column(String(320), index=True)
    """Whose row it is, as far as it could be read."""
    sentence: Mapped[str] = mapped_column(Text)
    cells: Mapped[list[str]] = mapped_column(JSON)
