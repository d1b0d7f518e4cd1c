"""Many rows at once: the tables lay down what each row costs, take the rows, and take it up again, in one transaction.

A million histories are ten million rows; with every index, trigger and foreign key at work row by row they would take
hours. What the triggers keep is made anew afterwards, and the foreign keys are checked as a whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

_CACHE_KIB = 1_000_000
"""SQLite's page cache while it loads; keys that come in no order would else be read from the disk again and again."""

_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(CAST(:tables AS regclass[]))
  AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
"""
_FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conrelid = ANY(CAST(:tables AS regclass[]))
"""


@contextmanager
def unburdened(session: Session, tables: Sequence[str]) -> Iterator[None]:
    """Take indexes, triggers and foreign keys off `tables`, and put them on again after the block."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        statements = _unburden_sqlite(connection, tables)
    else:
        statements = _unburden_postgres(connection, tables)
    yield
    for statement in statements:
        connection.exec_driver_sql(statement)


def _unburden_sqlite(connection: Connection, tables: Sequence[str]) -> list[str]:
    """Drop what can be made again by its text; returns the texts. SQLite's keys are unchecked where they are off."""
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    listed = ", ".join(f"'{table}'" for table in tables)
    found = connection.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL "
        f"AND tbl_name IN ({listed}) ORDER BY type"
    ).all()
    for kind, name, _ in found:
        connection.exec_driver_sql(f"DROP {kind} {name}")
    return [sql for _, _, sql in found]


def _unburden_postgres(connection: Connection, tables: Sequence[str]) -> list[str]:
    given = {"tables": list(tables)}
    indexes = connection.execute(text(_INDEXES), given).all()
    keys = connection.execute(text(_FOREIGN_KEYS), given).all()
    statements = [definition for _, definition in indexes]
    statements += [f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in keys]
    statements += [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables]
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table, name, _ in keys:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        connection.exec_driver_sql(f"DROP INDEX {name}")
    connection.exec_driver_sql("SET LOCAL TimeZone = 'UTC'")
    connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
    return statements


def write(session: Session, tables: Mapping[str, str], rows: Mapping[str, Sequence[tuple[Any, ...]]]) -> None:
    """Write rows of several tables, in the order of `tables`, which names their columns."""
    driver: Any = session.connection().connection.driver_connection
    postgres = session.get_bind().dialect.name == "postgresql"
    for table, columns in tables.items():
        if not rows.get(table):
            continue
        names = columns.split()
        if postgres:
            with driver.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                copy.write("".join(map(_line, rows[table])))
        else:
            marks = ", ".join("?" * len(names))
            driver.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows[table])


def _line(row: tuple[Any, ...]) -> str:
    return "\t".join(map(_field, row)) + "\n"


def _field(value: object) -> str:
    """Return a value as COPY's text format wants it (postgresql.org/docs/current/sql-copy.html)."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def last_ids(session: Session, tables: Mapping[str, str]) -> dict[str, int]:
    """Return the highest id of each table that numbers its rows."""
    return {
        table: session.execute(text(f"SELECT coalesce(max(id), 0) FROM {table}")).scalar_one()
        for table, columns in tables.items()
        if columns.startswith("id ")
    }


def keep_counting(session: Session, ids: Mapping[str, int]) -> None:
    """Let each table go on numbering after `ids`; SQLite does so by itself."""
    if session.get_bind().dialect.name == "postgresql":
        for table, last in ids.items():
            session.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest({last}, 1), {last} > 0)")
            )


def know(session: Session, tables: Iterable[str]) -> None:
    """Let PostgreSQL's planner see what these tables hold now, in the transaction that wrote it.

    Without that it takes them for small and walks through a table's whole primary key to find one contact's newest row,
    and a million cards never come to an end. SQLite plans by the indexes that there are.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ANALYZE {', '.join(tables)}"))
