"""Ask the databases' own full-text indexes, newest first, each in the way that is quick on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from tpminstitute.lists.search_expressions import for_fts5, for_tsquery
from tpminstitute.lists.search_sought import Sought
from tpminstitute.lists.search_words import APART

NEWEST = 20_000
"""Rows that PostgreSQL looks at one after the other, the newest first, before it asks its index for all that match.

Its index knows no order: it gathers every match of a frequent word before the newest is known. Among so many of the
newest rows there are enough of a frequent word's.
"""

FREQUENT = 0.005
"""The part of all rows from which on a word is frequent."""

ALL = 10**15


@dataclass(frozen=True)
class Match:
    """A row that matches: its id in the index, whose it is, and what it was made from."""

    id: int
    contact_id: int
    source: str
    source_id: int


@dataclass(frozen=True)
class _Table:
    name: str
    key: str
    source: str


_PEOPLE = _Table("search_people", "contact_id", "'person', contact_id")
_TEXTS = _Table("search_texts", "id", "source, source_id")


def people(session: Session, sought: Sought, most: int) -> Iterator[Match]:
    """Yield up to `most` contacts who are what is sought, the newest first."""
    return _newest(session, _PEOPLE, sought, ALL, most, "")


def texts(session: Session, sought: Sought, most: int, *, apart: bool, below: int = ALL) -> Iterator[Match]:
    """Yield up to `most` texts in which stands what is sought, the newest first: those `apart`, or all others.

    Parameters: `below`, an id in the index: only those before it.
    """
    return _newest(session, _TEXTS, sought, below, most, "and" if apart else "not")


def _newest(session: Session, table: _Table, sought: Sought, below: int, most: int, apart: str) -> Iterator[Match]:
    if session.get_bind().dialect.name == "sqlite":
        yield from _on_sqlite(session, table, sought, below, most, apart)
        return
    query = for_tsquery(sought.expression)
    query += {"": "", "and": f" & '{APART}'", "not": f" & !'{APART}'"}[apart]
    newest = session.scalar(text(f"SELECT max({table.key}) FROM {table.name}")) or 0
    if apart != "and" and sought.likely > newest * FREQUENT:
        above = min(newest + 1, below) - NEWEST
        found = _by_looking(session, table, query, above, below, most)
        yield from found
        most -= len(found)
        below = min(above + 1, below)
    if most > 0:
        yield from _by_index(session, table, query, below, most)


def _on_sqlite(session: Session, table: _Table, sought: Sought, below: int, most: int, apart: str) -> Iterator[Match]:
    """Ask FTS5, which walks through its matches from the newest on."""
    query = for_fts5(sought.expression)
    query += {"": "", "and": f' AND "{APART}"', "not": f' NOT "{APART}"'}[apart]
    index = f"{table.name}_index"
    rows = session.execute(
        text(
            f"SELECT {table.key}, contact_id, {table.source} FROM {index} "
            f"JOIN {table.name} ON {table.key} = {index}.rowid "
            f"WHERE {index} MATCH :query AND {index}.rowid < :below ORDER BY {index}.rowid DESC LIMIT :most"
        ),
        {"query": query, "below": below, "most": most},
    )
    yield from (Match(*row) for row in rows)


def _by_looking(session: Session, table: _Table, query: str, above: int, below: int, most: int) -> Sequence[Match]:
    """Look at the rows between two places, the newest first; the function behind @@ is one that no index answers."""
    rows = session.execute(
        text(
            f"SELECT {table.key}, contact_id, {table.source} FROM {table.name} "
            f"WHERE {table.key} > :above AND {table.key} < :below "
            f"AND ts_match_vq(words, CAST(:query AS tsquery)) ORDER BY {table.key} DESC LIMIT :most"
        ),
        {"query": query, "above": above, "below": below, "most": most},
    )
    return [Match(*row) for row in rows]


def _by_index(session: Session, table: _Table, query: str, below: int, most: int) -> Iterator[Match]:
    """Ask the index for all, and sort them; the order is one that no other index has, or that one would be walked."""
    rows = session.execute(
        text(
            f"SELECT {table.key}, contact_id, {table.source} FROM {table.name} "
            f"WHERE words @@ CAST(:query AS tsquery) AND {table.key} + 0 < :below "
            f"ORDER BY {table.key} + 0 DESC LIMIT :most"
        ),
        {"query": query, "below": below, "most": most},
    )
    yield from (Match(*row) for row in rows)
