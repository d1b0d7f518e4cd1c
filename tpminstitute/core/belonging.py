"""Which rows belong to one row of a table: found by the schema's foreign keys, so that no table can be forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Column, ColumnElement, Table, or_, select

from tpminstitute.core.db import Base


@dataclass(frozen=True)
class Belonging:
    """A table whose rows belong to rows of `owner`, by any of `columns`; the root's own table has no owner."""

    table: Table
    owner: "Belonging | None" = None
    columns: tuple[Column[int], ...] = ()

    def of(self, root_ids: Sequence[int]) -> ColumnElement[bool]:
        """Return the condition for the rows that belong to the root's rows with these ids."""
        if self.owner is None:
            return self.table.c.id.in_(root_ids)
        if self.owner.owner is None:
            return or_(*(column.in_(root_ids) for column in self.columns))
        owners = select(next(iter(self.owner.table.primary_key))).where(self.owner.of(root_ids))
        return or_(*(column.in_(owners) for column in self.columns))


def referring(table: Table) -> Iterator[Column[int]]:
    """Yield every column of the schema that is a foreign key to `table`."""
    for other in Base.metadata.sorted_tables:
        for column in other.columns:
            if any(key.column.table is table for key in column.foreign_keys):
                yield column


def belongings(root: Table) -> list[Belonging]:
    """Return the root's table and every table whose rows belong to its rows, owners before what they own.

    A table belongs to the root if it refers to it; else to the first table, counted from the root, that it refers to
    and that belongs itself. What only is referred to, such as a plan or an account, belongs to nobody.
    """
    return _found(root, len(Base.metadata.tables))


@lru_cache(maxsize=8)
def _found(root: Table, _tables: int) -> list[Belonging]:
    """Walk through the schema, once for as many tables as there are: rooms that are loaded later bring more."""
    found = [Belonging(root)]
    known = {root}
    for owner in found:
        columns: dict[Table, list[Column[int]]] = {}
        for column in referring(owner.table):
            if column.table not in known:
                columns.setdefault(column.table, []).append(column)
        found.extend(Belonging(table, owner, tuple(theirs)) for table, theirs in columns.items())
        known.update(columns)
    return found
