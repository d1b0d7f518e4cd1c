"""What a merge changed: the rows of both contacts before and after it, compared."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Date, LargeBinary, Table, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core.belonging import belongings
from tpminstitute.core.db import Base, UtcDateTime
from tpminstitute.mail.models import Suppression
from tpminstitute.merging.models import MergedRow, RowChange
from tpminstitute.merging.ways import WAYS, Way

Values = dict[str, Any]
Image = dict[str, dict[tuple[Any, ...], Values]]
"""Rows by their table and key, their values as JSON keeps them. Bytes are left out: a merge changes none."""

_FACTS = "activities"
"""What a merge writes on the timeline happened, and stays when it is undone."""


def image_of(session: Session, contact_ids: Sequence[int], email_keys: Iterable[str]) -> Image:
    """Return every row that belongs to these contacts, and what is said of these addresses."""
    session.flush()
    contacts, suppressions = Contact.__table__, Suppression.__table__
    assert isinstance(contacts, Table)
    assert isinstance(suppressions, Table)
    image: Image = {}
    for found in belongings(contacts):
        if _is_theirs(found.table.name):
            image[found.table.name] = _rows(session, found.table, found.of(contact_ids))
    image["suppressions"] = _rows(session, suppressions, suppressions.c.email_key.in_(list(email_keys)))
    return image


def differences(before: Image, after: Image) -> list[MergedRow]:
    """Return what changed from one image to the other, but for facts that were added."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, {}), after.get(table, {})
        for key in sorted(old.keys() | new.keys(), key=repr):
            row = _difference(table, key, old.get(key), new.get(key))
            if row is not None:
                found.append(row)
    return found


def _difference(table: str, key: tuple[Any, ...], old: Values | None, new: Values | None) -> MergedRow | None:
    if old is None:
        return None if table == _FACTS else _row(table, RowChange.ADDED, key, None, new)
    if new is None:
        return _row(table, RowChange.REMOVED, key, old, None)
    changed = [name for name in old if old[name] != new[name]]
    if not changed:
        return None
    return _row(
        table, RowChange.CHANGED, key, {name: old[name] for name in changed}, {name: new[name] for name in changed}
    )


def _row(table: str, change: RowChange, key: tuple[Any, ...], before: Values | None, after: Values | None) -> MergedRow:
    return MergedRow(table_name=table, change=change, row_key=list(key), before=before, after=after)


def as_kept(value: Any) -> Any:
    """Return a column's value as JSON keeps it."""
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date | datetime) else value


def as_stored(table: Table, values: Mapping[str, Any]) -> Values:
    """Return values that JSON kept as the table's columns take them."""
    return {name: _stored(table.c[name].type, value) for name, value in values.items()}


def _stored(kind: object, value: Any) -> Any:
    if isinstance(value, str) and isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(value, str) and isinstance(kind, Date) else value


def table_named(name: str) -> Table:
    """Return the table with that name."""
    return Base.metadata.tables[name]


def _is_theirs(name: str) -> bool:
    """Return whether a table's rows are a contact's own, and not a record of merges or made from others."""
    return name == "contacts" or (name != "merged_rows" and WAYS.get(name, Way.MOVES) is Way.MOVES)


def _rows(session: Session, table: Table, which: Any) -> dict[tuple[Any, ...], Values]:
    columns = [column for column in table.columns if not isinstance(column.type, LargeBinary)]
    keys = [column.name for column in table.primary_key]
    rows = session.connection().execute(select(*columns).where(which)).mappings()
    kept = ({name: as_kept(value) for name, value in row.items()} for row in rows)
    return {tuple(row[name] for name in keys): row for row in kept}
