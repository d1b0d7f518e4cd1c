"""Change what a table refuses, in a migration, without rebuilding it: a rebuilt table would lose its triggers."""

import re
from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Connection, text


def allow(connection: Connection, table: str, column: str, kind: type[StrEnum]) -> None:
    """Make `column` of `table` accept every value that `kind` has now.

    On SQLite the constraint's text is replaced in the schema itself, which is the documented way for a change that
    touches no row (sqlite.org/lang_altertable.html, 7): a rebuilt table would lose its triggers on the way, and would
    take as long as it has rows. Raises `LookupError` when the table has no such constraint.
    """
    name = f"ck_{table}_{_snake(kind.__name__)}"
    check = f"{column} IN ({_quoted(member.value for member in kind)})"
    if connection.dialect.name == "sqlite":
        constraint = rf"CONSTRAINT {name} CHECK \(\w+ IN \([^)]*\)\)"
        _replace_in_schema(connection, table, constraint, f"CONSTRAINT {name} CHECK ({check})")
        return
    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check})"))


def require(connection: Connection, table: str, column: str) -> None:
    """Make `column` of `table` refuse NULL; every row has a value already.

    Raises `LookupError` when the table has no such column, or one that is required already.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(text(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"))
        return
    _replace_in_schema(connection, table, rf"(\b{column} \w+)(?! NOT NULL)\b", r"\1 NOT NULL")


def release(connection: Connection, table: str, column: str, check: str, named: str) -> None:
    """Let `column` of `table` be NULL in the rows that fulfil `check`, a condition such as ``a IS NOT NULL OR b = 1``.

    Parameters: `named`, what the constraint is called after ``ck_<table>_``.
    Raises `LookupError` when the table has no such column, or one that may be NULL already.
    """
    constraint = f"CONSTRAINT ck_{table}_{named} CHECK ({check})"
    if connection.dialect.name == "sqlite":
        _replace_in_schema(connection, table, rf"(\b{column} \w+) NOT NULL\b", rf"\1 {constraint}")
        return
    connection.execute(text(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"))
    connection.execute(text(f"ALTER TABLE {table} ADD {constraint}"))


def reword(connection: Connection, table: str, named: str, check: str) -> None:
    """Let the constraint of a table that is called `named` after ``ck_<table>_`` say `check` instead.

    Every row fulfils it already; what it said holds no brackets but those of a list of values. Raises `LookupError`
    when the table has no such constraint.
    """
    name = f"ck_{table}_{named}"
    if connection.dialect.name == "sqlite":
        old = rf"CONSTRAINT {name} CHECK \((?:[^()]|\([^()]*\))*\)"
        _replace_in_schema(connection, table, old, f"CONSTRAINT {name} CHECK ({check})")
        return
    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check})"))


def refer(connection: Connection, table: str, column: str, check: str, target: str) -> None:
    """Let `column` of `table` refer to `target`, such as ``topics (key)``, in place of a CHECK of fixed values.

    Parameters: `check`, the name of that CHECK without its table's. Every value must stand in the target already.
    Raises `LookupError` when the table has no such constraint.
    """
    old, new = f"ck_{table}_{check}", f"fk_{table}_{column}"
    reference = f"CONSTRAINT {new} FOREIGN KEY({column}) REFERENCES {target}"
    if connection.dialect.name == "sqlite":
        _replace_in_schema(connection, table, rf"CONSTRAINT {old} CHECK \(\w+ IN \([^)]*\)\)", reference)
        return
    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {old}"))
    connection.execute(text(f"ALTER TABLE {table} ADD {reference}"))


def _replace_in_schema(connection: Connection, table: str, pattern: str, by: str) -> None:
    where = text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :table")
    old = str(connection.execute(where, {"table": table}).scalar_one())
    new, replaced = re.subn(pattern, by, old)
    if replaced != 1:
        raise LookupError(f"The table {table} has nothing like {pattern}.")
    change = text("UPDATE sqlite_schema SET sql = :new WHERE type = 'table' AND name = :table")
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.execute(change, {"new": new, "table": table})
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _quoted(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
