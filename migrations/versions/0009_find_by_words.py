"""Find people by any word: the search index, triggers that tell it what changed, and as its first work all there is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from tpminstitute.core.errors import SettingsError

revision = "0009"
down_revision = "0008b"
branch_labels = None
depends_on = None

BY_BYTES = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WORDS = sa.Text().with_variant(TSVECTOR(), "postgresql")
SOURCES = ("person", "inquiry", "received", "reply", "note", "call")

PERSON = "person"
CHANGED = (
    # table, source, the columns that are read, and which rows are read at all (by {row})
    ("contacts", PERSON, ("name", "email", "phone_typed", "phone_e164", "public_id"), ""),
    ("contact_addresses", PERSON, ("contact_id", "email", "email_key"), ""),
    ("contact_tags", PERSON, ("contact_id", "tag"), ""),
    ("inquiries", "inquiry", ("contact_id", "name", "phone_typed", "phone_e164", "message", "state"), ""),
    ("received_mails", "received", ("contact_id", "inquiry_id", "kind", "writer", "subject", "words"), ""),
    ("messages", "reply", ("contact_id", "status"), "{row}.kind = 'reply'"),
    ("notes", "note", ("contact_id", "body"), ""),
    ("activities", "call", ("contact_id",), "{row}.kind = 'call_noted'"),
)
"""What the index is made from."""

EVERYTHING = (
    ("person", "contacts", "first_seen_at", ""),
    ("inquiry", "inquiries", "received_at", ""),
    ("received", "received_mails", "received_at", "WHERE contact_id IS NOT NULL"),
    ("reply", "messages", "created_at", "WHERE kind = 'reply'"),
    ("note", "notes", "at", ""),
    ("call", "activities", "at", "WHERE kind = 'call_noted'"),
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        _insist_on_fts5()
    _make_tables()
    if sqlite:
        _index_on_sqlite("search_people", "contact_id")
        _index_on_sqlite("search_texts", "id")
    else:
        for table in ("search_people", "search_texts"):
            op.create_index(f"ix_{table}_words", table, ["words"], postgresql_using="gin")
        _make_functions()
    for table, source, columns, which in CHANGED:
        key = "contact_id" if source == PERSON and table != "contacts" else "id"
        (_tell_on_sqlite if sqlite else _tell_on_postgresql)(table, source, key, columns, which)
    every = " UNION ALL ".join(
        f"SELECT '{source}' AS source, id, {moment} AS moment FROM {table} {which}"
        for source, table, moment, which in EVERYTHING
    )
    op.execute(
        f"INSERT INTO search_changes (source, source_id) SELECT source, id FROM ({every}) AS every ORDER BY moment"
    )


def _insist_on_fts5() -> None:
    try:
        op.execute("CREATE VIRTUAL TABLE temp.search_probe USING fts5(words)")
    except sa.exc.OperationalError:
        raise SettingsError(
            "This Python's SQLite was built without FTS5, which the search needs. Nothing was changed. "
            "Use a Python whose SQLite has it, install pysqlite3, or set DATABASE_URL to PostgreSQL."
        ) from None
    op.execute("DROP TABLE temp.search_probe")


def _source() -> sa.Enum:
    return sa.Enum(*SOURCES, name="source", native_enum=False, create_constraint=True, length=40)


def _make_tables() -> None:
    op.create_table(
        "search_people",
        sa.Column("contact_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name_key", BY_BYTES, nullable=False),
        sa.Column("words", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_search_people")),
    )
    op.create_index("ix_search_people_name_key", "search_people", ["name_key", "contact_id"], unique=False)
    op.create_table(
        "search_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("source", _source(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("words", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_texts")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_search_texts_source_source_id")),
    )
    op.create_index("ix_search_texts_contact_id", "search_texts", ["contact_id"], unique=False)
    op.create_table(
        "search_words",
        sa.Column("word", BY_BYTES, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.CheckConstraint("people >= 0 AND texts >= 0", name=op.f("ck_search_words_counts_not_negative")),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.create_table(
        "search_nears",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("word", BY_BYTES, nullable=False),
        sa.PrimaryKeyConstraint("key", "word", name=op.f("pk_search_nears")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", _source(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_changes")),
    )


def _index_on_sqlite(table: str, key: str) -> None:
    """Give `table` a full-text index over its words, which come folded and apart, and keep it by triggers.

    The documents stay in the table itself (sqlite.org/fts5.html, 4.4.3), and no ranking asks how long they are.
    """
    index = f"{table}_index"
    op.execute(
        f"CREATE VIRTUAL TABLE {index} USING fts5(words, content='{table}', content_rowid='{key}', columnsize=0, "
        """tokenize="ascii tokenchars '@#~'")"""
    )
    add = f"INSERT INTO {index} (rowid, words) VALUES (new.{key}, new.words)"
    take = f"INSERT INTO {index} ({index}, rowid, words) VALUES ('delete', old.{key}, old.words)"
    op.execute(f"CREATE TRIGGER index_added_{table} AFTER INSERT ON {table} BEGIN {add}; END")
    op.execute(f"CREATE TRIGGER index_deleted_{table} AFTER DELETE ON {table} BEGIN {take}; END")
    op.execute(f"CREATE TRIGGER index_changed_{table} AFTER UPDATE OF words ON {table} BEGIN {take}; {add}; END")


def _tell_on_sqlite(table: str, source: str, key: str, columns: tuple[str, ...], which: str) -> None:
    def note(row: str) -> str:
        return f"INSERT INTO search_changes (source, source_id) VALUES ('{source}', {row}.{key})"

    def trigger(name: str, what: str, row: str, when: str, does: str) -> None:
        when = " AND ".join(part for part in (which.format(row=row), when) if part)
        condition = f" WHEN {when}" if when else ""
        op.execute(f"CREATE TRIGGER search_{name}_{table} AFTER {what} ON {table}{condition} BEGIN {does}; END")

    changed = _differs(columns, "IS NOT")
    moved = f"{note('old')}; {note('new')}" if key == "contact_id" else note("new")
    trigger("added", "INSERT", "new", "", note("new"))
    trigger("deleted", "DELETE", "old", "", note("old"))
    trigger("changed", f"UPDATE OF {', '.join(columns)}", "new", changed, moved)


def _differs(columns: tuple[str, ...], operator: str) -> str:
    """Return the condition that a row changed in what is read of it."""
    read = {"status": "({row}.status = 'cancelled')", "state": "({row}.state IN ('suspected', 'spam'))"}
    of = [read.get(column, f"{{row}}.{column}") for column in columns]
    pairs = [f"{one.format(row='old')} {operator} {one.format(row='new')}" for one in of]
    return f"({' OR '.join(pairs)})"


def _make_functions() -> None:
    note = "INSERT INTO search_changes (source, source_id) VALUES (TG_ARGV[0], {row})"
    for name, key in (("id", "id"), ("contact", "contact_id")):
        op.execute(
            f"CREATE FUNCTION note_search_change_by_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP <> 'INSERT' THEN {note.format(row=f'OLD.{key}')}; END IF; "
            f"IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.{key} <> OLD.{key}) "
            f"THEN {note.format(row=f'NEW.{key}')}; END IF; RETURN NULL; END $$"
        )


def _tell_on_postgresql(table: str, source: str, key: str, columns: tuple[str, ...], which: str) -> None:
    does = f"EXECUTE FUNCTION note_search_change_by_{'id' if key == 'id' else 'contact'}('{source}')"

    def trigger(name: str, what: str, row: str, when: str) -> None:
        when = " AND ".join(part for part in (which.format(row=row), when) if part)
        condition = f" WHEN ({when})" if when else ""
        op.execute(f"CREATE TRIGGER search_{name}_{table} AFTER {what} ON {table} FOR EACH ROW{condition} {does}")

    trigger("added", "INSERT", "new", "")
    trigger("deleted", "DELETE", "old", "")
    trigger("changed", f"UPDATE OF {', '.join(columns)}", "new", _differs(columns, "IS DISTINCT FROM"))
