"""What sets a database apart from the one that the models describe."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from tpminstitute.core.db import Base, Database


def differences(db: Database) -> list[Any]:
    """Return what alembic would change; what no model can describe is left out."""

    def described(thing: Any, _name: Any, kind: str, _reflected: bool, _other: Any) -> bool:
        gin = kind == "index" and thing.dialect_options["postgresql"]["using"] == "gin"
        return not (db.is_sqlite and gin)

    with db.engine.connect() as connection:
        beyond = _tables_of_full_text(connection) if db.is_sqlite else set()
        opts = {
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name not in beyond,
            "include_object": described,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=opts), Base.metadata))


def _tables_of_full_text(connection: Connection) -> set[str]:
    """SQLite's full-text tables, and the tables they keep themselves in."""
    rows = connection.execute(text("PRAGMA table_list")).mappings()
    return {row["name"] for row in rows if row["type"] in ("virtual", "shadow")}
