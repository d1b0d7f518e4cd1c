"""Statements that are made once, and do the same for many rows at once."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, any_, bindparam, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.types import TypeEngine

Given = Mapping[str, ColumnElement[Any]]
"""What stands for each row's values in the statement, by name."""


class ForEach:
    """A statement for each of some rows.

    PostgreSQL is given all values at once, as arrays, and runs one statement: one for each row costs a multiple there,
    on both sides. SQLite, which is no server, is quicker with a statement a row.
    """

    def __init__(self, make: Callable[[Given], UpdateBase], **columns: type[TypeEngine[Any]]) -> None:
        """Make the statement, for each database, by `make` of the `columns` that each row gives, with their types."""
        self._columns = columns
        arrays = [bindparam(_given(name), type_=ARRAY(kind)) for name, kind in columns.items()]
        rows = func.unnest(*arrays).table_valued(*(column(name, kind) for name, kind in columns.items()), name="given")
        self._in_arrays = make(dict(rows.render_derived().c.items()))
        self._one_by_one = make({name: bindparam(_given(name), type_=kind) for name, kind in columns.items()})

    def run(self, connection: Connection, rows: Sequence[tuple[Any, ...]], **same: object) -> int:
        """Run it for `rows`, whose values are in the order of the columns; `same` are parameters that all have alike.

        Returns how many rows of the table were changed.
        """
        names = [_given(name) for name in self._columns]
        if connection.dialect.name == "postgresql":
            arrays = zip(*rows, strict=True)
            values = {name: list(array) for name, array in zip(names, arrays, strict=True)}
            return connection.execute(self._in_arrays, values | same).rowcount
        each = [dict(zip(names, row, strict=True)) | same for row in rows]
        return connection.execute(self._one_by_one, each).rowcount


def one_of(
    session: Session, of: InstrumentedAttribute[Any] | ColumnElement[Any], values: Iterable[int | str | None]
) -> ColumnElement[bool]:
    """Return whether a column holds one of `values`, as a single parameter: a thousand cost more than the statement."""
    some = [value for value in values if value is not None]
    if session.get_bind().dialect.name == "postgresql":
        return of == any_(literal(some, ARRAY(of.type)))
    each = func.json_each(json.dumps(some)).table_valued(column("value", of.type))
    return of.in_(select(each.c.value))


def counting(queries: Iterable[SelectBase]) -> Select[*tuple[int, ...]]:
    """Return one statement that counts the rows of each of some queries; they say themselves how far is counted."""
    return select(*(select(func.count()).select_from(query.subquery()).scalar_subquery() for query in queries))


def ids_of(session: Session, query: SelectBase) -> Sequence[int]:
    """Return the ids that a query finds, as a single value: thousands of rows cost more than finding them."""
    (found,) = query.subquery().c
    if session.get_bind().dialect.name == "postgresql":
        return session.scalar(select(func.array_agg(found))) or []
    ids: list[int] = json.loads(session.scalar(select(func.json_group_array(found))) or "[]")
    return ids


def _given(name: str) -> str:
    """Return the name of a parameter, which must differ from those of a table's columns."""
    return f"given_{name}"
