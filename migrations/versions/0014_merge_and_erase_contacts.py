"""Make room for merging contacts and undoing it, and for erasing people while counts stay true."""

import sqlalchemy as sa
from alembic import op

from tpminstitute.core.checks import allow
from tpminstitute.core.db import UtcDateTime
from tpminstitute.timeline.models import ActivityKind

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

REASONS = ("hard_bounce", "complaint", "opt_out", "by_hand")
RULES = ("quiet_contacts", "spam_inquiries", "sent_bytes", "received_bytes")

ALWAYS = {
    "activities": ("id", "at", "kind", "actor", "account_id"),
    "audit_entries": ("id", "at", "account_id", "action", "kind", "contact_id", "address", "once"),
    "consents": ("id", "change", "wording_version", "wording", "at"),
    "received_mails": ("fingerprint", "door", "received_at"),
    "step_records": ("enrollment_id", "version_id", "number", "outcome", "at", "due_at"),
}
"""Columns of facts that never change."""

UNTIL_ERASED = {
    "activities": ({"sentence": "Erased."}, "contacts.id = OLD.contact_id"),
    "consents": ({"source": "Erased."}, "contacts.id = OLD.contact_id"),
    "received_mails": (
        {"message_id": "", "sender_email": "", "subject": "", "words": "", "text": ""},
        "contacts.id = OLD.contact_id",
    ),
    "step_records": (
        {"sentence": "Erased."},
        "contacts.id = (SELECT contact_id FROM enrollments WHERE enrollments.id = OLD.enrollment_id)",
    ),
}
"""Columns that may lose what they say, to this and to nothing else, once the person they speak of was erased."""

OF_THE_LINE = (
    "NEW.subject = 'contact ' || contacts.public_id || ', erased' AND ({found}(OLD.subject, contacts.public_id) > 0 "
    "OR OLD.contact_id = contacts.id OR {found}(lower(OLD.subject), contacts.email_key) > 0 "
    "OR EXISTS (SELECT 1 FROM contact_addresses WHERE contact_addresses.contact_id = contacts.id "
    "AND {found}(lower(OLD.subject), contact_addresses.email_key) > 0))"
)
"""A line of the audit log may be turned into one that names an erased contact's shell, if it spoke of them."""


def upgrade() -> None:
    allow(op.get_bind(), "activities", "kind", ActivityKind)
    op.execute(
        "ALTER TABLE contacts ADD COLUMN merged_into_id INTEGER CONSTRAINT fk_contacts_merged_into_id "
        "REFERENCES contacts(id)"
    )
    op.add_column("contacts", sa.Column("erased_at", UtcDateTime(), nullable=True))
    _index_where("ix_contacts_merged_into_id", "contacts", ["merged_into_id"], "merged_into_id IS NOT NULL")
    _make_likeness()
    _make_merges()
    _make_erasures()
    _make_retention()
    _compare_what_changes()
    _let_erase()
    _remember_closed_addresses()


def _make_likeness() -> None:
    op.create_table(
        "likeness_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_likeness_keys_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "contact_id", name=op.f("pk_likeness_keys")),
    )
    op.create_index("ix_likeness_keys_contact_id", "likeness_keys", ["contact_id"])
    op.create_table(
        "uncompared_contacts",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_uncompared_contacts_contact_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_uncompared_contacts")),
    )
    op.create_table(
        "duplicate_pairs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("low_id", sa.Integer(), nullable=False),
        sa.Column("high_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("strength", sa.Integer(), nullable=False),
        sa.Column("state", _enum("pair_state", "open", "dismissed"), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("low_id < high_id", name=op.f("ck_duplicate_pairs_low_before_high")),
        sa.CheckConstraint(
            "strength BETWEEN 1 AND 100", name=op.f("ck_duplicate_pairs_strength_from_one_to_a_hundred")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL)", name=op.f("ck_duplicate_pairs_decided_at_a_time")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_duplicate_pairs_account_id")),
        sa.ForeignKeyConstraint(
            ["high_id"], ["contacts.id"], name=op.f("fk_duplicate_pairs_high_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["low_id"], ["contacts.id"], name=op.f("fk_duplicate_pairs_low_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pairs")),
    )
    op.create_index("uq_duplicate_pairs_low_id_high_id", "duplicate_pairs", ["low_id", "high_id"], unique=True)
    op.create_index("ix_duplicate_pairs_high_id", "duplicate_pairs", ["high_id"])
    op.create_index("ix_duplicate_pairs_state_strength_id", "duplicate_pairs", ["state", "strength", "id"])


def _make_merges() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("merged_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("contact_id <> merged_id", name=op.f("ck_merges_two_contacts")),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_by_id IS NULL)", name=op.f("ck_merges_undone_by_somebody")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_merges_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_merges_contact_id")),
        sa.ForeignKeyConstraint(["merged_id"], ["contacts.id"], name=op.f("fk_merges_merged_id")),
        sa.ForeignKeyConstraint(["undone_by_id"], ["accounts.id"], name=op.f("fk_merges_undone_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    _index_where("uq_merges_one_standing", "merges", ["merged_id"], "undone_at IS NULL", unique=True)
    op.create_index("ix_merges_contact_id_id", "merges", ["contact_id", "id"])
    op.create_table(
        "merged_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("merge_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("change", _enum("row_change", "changed", "added", "removed"), nullable=False),
        sa.Column("row_key", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.CheckConstraint("table_name <> ''", name=op.f("ck_merged_rows_table_name_not_empty")),
        sa.ForeignKeyConstraint(["merge_id"], ["merges.id"], name=op.f("fk_merged_rows_merge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_rows")),
    )
    op.create_index("ix_merged_rows_merge_id_id", "merged_rows", ["merge_id", "id"])


def _make_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("rule", _enum("rule_kind", *RULES), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.CheckConstraint("account_id IS NULL OR rule IS NULL", name=op.f("ck_erasures_by_somebody_or_a_rule")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_erasures_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_erasures_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_erasures_contact_id")),
    )
    op.create_table(
        "erased_addresses",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reason", _enum("suppression_reason", *REASONS), nullable=False),
        sa.Column("withdrew", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased_addresses")),
    )


def _make_retention() -> None:
    op.create_table(
        "retention_rules",
        sa.Column("kind", _enum("rule_kind", *RULES), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("length BETWEEN 1 AND 3650", name=op.f("ck_retention_rules_length_sensible")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_retention_rules_account_id")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_retention_rules")),
    )
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", _enum("rule_kind", *RULES), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.CheckConstraint("gone >= 0", name=op.f("ck_retention_runs_gone_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
    )
    op.create_index("ix_retention_runs_at", "retention_runs", ["at"])


def _compare_what_changes() -> None:
    """Whoever is new, or has another name, address or phone number, waits to be compared with the others."""
    note = "INSERT INTO uncompared_contacts (contact_id) VALUES ({0}) ON CONFLICT DO NOTHING"
    changes = (
        ("contacts", "new_contact", "AFTER INSERT", "NEW.id"),
        ("contacts", "changed_contact", "AFTER UPDATE OF name, email_key, phone_typed, phone_e164", "NEW.id"),
        ("contact_addresses", "new_address", "AFTER INSERT", "NEW.contact_id"),
        ("contact_addresses", "moved_address", "AFTER UPDATE OF contact_id", "NEW.contact_id"),
        ("contact_addresses", "lost_address", "AFTER DELETE", "OLD.contact_id"),
    )
    for table, what, when, contact in changes:
        _trigger(table, f"compare_{what}", when, note.format(contact))
    op.execute("INSERT INTO uncompared_contacts (contact_id) SELECT id FROM contacts")


def _let_erase() -> None:
    for table, columns in ALWAYS.items():
        _drop_trigger(f"keep_{table}", table)
        _refuse(table, f"keep_{table}", f"BEFORE UPDATE OF {', '.join(columns)}", "")
    for table, (columns, theirs) in UNTIL_ERASED.items():
        to_nothing = " AND ".join(f"NEW.{column} = '{nothing}'" for column, nothing in columns.items())
        erased = f"EXISTS (SELECT 1 FROM contacts WHERE contacts.erased_at IS NOT NULL AND {theirs})"
        when = f"BEFORE UPDATE OF {', '.join(columns)}"
        _refuse(table, f"keep_words_of_{table}", when, f"NOT ({to_nothing} AND {erased})")
    found = OF_THE_LINE.format(found="strpos" if _on_postgresql() else "instr")
    unless = f"NOT EXISTS (SELECT 1 FROM contacts WHERE contacts.erased_at IS NOT NULL AND {found})"
    _refuse("audit_entries", "keep_words_of_audit_entries", "BEFORE UPDATE OF subject", unless)


def _remember_closed_addresses() -> None:
    """An address that was erased, and comes again, is closed as it was."""
    digest = (
        "encode(sha256(convert_to(NEW.email_key, 'UTF8')), 'hex')" if _on_postgresql() else "sha256_hex(NEW.email_key)"
    )
    closed = (
        "INSERT INTO suppressions (email_key, reason, note, at) SELECT NEW.email_key, reason, "
        f"'It was closed before the person was erased.', at FROM erased_addresses WHERE digest = {digest} "
        "ON CONFLICT DO NOTHING"
    )
    withdrawn = (
        "INSERT INTO consents (contact_id, change, wording_version, wording, source, at) SELECT {0}, 'withdrawn', '', "
        f"'', 'before the person was erased', at FROM erased_addresses WHERE digest = {digest} AND withdrew"
    )
    forget = f"DELETE FROM erased_addresses WHERE digest = {digest}"
    for table, whose in (("contacts", "NEW.id"), ("contact_addresses", "NEW.contact_id")):
        does = "; ".join((closed, withdrawn.format(whose), forget))
        _trigger(table, f"close_again_new_{table}", "AFTER INSERT", does)
        _trigger(table, f"close_again_changed_{table}", "AFTER UPDATE OF email_key", does)


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _trigger(table: str, name: str, when: str, does: str) -> None:
    if not _on_postgresql():
        op.execute(f"CREATE TRIGGER {name} {when} ON {table} BEGIN {does}; END")
        return
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN NULL; END $$")
    op.execute(f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _refuse(table: str, name: str, when: str, unless: str) -> None:
    """Make the database refuse a change of `table`; `unless` is the condition under which it does, '' for always."""
    if not _on_postgresql():
        condition = f" WHEN {unless}" if unless else ""
        op.execute(
            f"CREATE TRIGGER {name} {when} ON {table}{condition} "
            f"BEGIN SELECT RAISE(ABORT, '{table} are facts and never change'); END"
        )
        return
    function = "refuse_change"
    if unless:
        function = name
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {unless} THEN "
            "RAISE EXCEPTION '% are facts and never change', TG_TABLE_NAME; END IF; RETURN NEW; END $$"
        )
    op.execute(f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()")


def _drop_trigger(name: str, table: str) -> None:
    op.execute(f"DROP TRIGGER {name} ON {table}" if _on_postgresql() else f"DROP TRIGGER {name}")


def _index_where(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
