"""Ask the databases' own full-text indexes, newest first, each in the way that is quick on it."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import Integer, Select, cast, column, literal_column, select, table, text, tuple_, union
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import InstrumentedAttribute, Session

from tpminstitute.core.bulk import ids_of
from tpminstitute.lists.search_expressions import Expression, begins_with, for_fts5, for_tsquery, of_a_name, terms_of
from tpminstitute.lists.search_models import SearchPerson, SearchText, Source
from tpminstitute.lists.search_sought import Sought
from tpminstitute.lists.search_vocabulary import after
from tpminstitute.lists.search_words import APART

AS_DEAR = 10
"""How many rows PostgreSQL looks at one after the other in the time in which its index finds and fetches one.

The index knows no order, so that it gathers every match before the newest is known; a row that is looked at may match
or not. Which of both is quicker is reckoned from how often the words stand somewhere.
"""

LOOKED_AT = 120_000
"""Rows that are looked at one after the other at most."""

FEWEST = 2_000
"""Rows that are looked at first at least."""

SPARE, FURTHER = 1.5, 3
"""By so much more rows are looked at than should be needed, and by so much more again: words don't stand evenly."""

PHRASED = 10_000
"""Matches that are fetched to see whether words stand together, which the index doesn't know.

Of more frequent words only the newest `LOOKED_AT` rows are looked at: fetching all takes seconds.
"""

TEXTS_EACH = 3
"""Texts of each contact, up to which all that match are gathered at once when a list needs whose they are."""

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


def looks_at_newest_only(session: Session, sought: Sought) -> bool:
    """Return whether only the newest texts are looked at, as on PostgreSQL for a phrase of frequent words."""
    return session.get_bind().dialect.name != "sqlite" and _is_phrase_of_many(sought, _newest_id(session, _TEXTS))


def are_gathered(session: Session, people: Sought, texts: Sought, most: int) -> bool:
    """Return whether all that match should be so few that `gathered` finds them sooner than a walk to `most` does."""
    newest = _newest_id(session, _TEXTS)
    return (
        people.likely(_newest_id(session, _PEOPLE)) <= most
        and texts.likely(newest) <= most * TEXTS_EACH
        and not _is_phrase_of_many(texts, newest)
    )


def gathered(
    session: Session,
    name_key: str,
    people: Sought,
    texts: Sought,
    most: int,
    *,
    but_people: Collection[int],
    but_texts: Collection[tuple[Source, int]],
) -> Sequence[int]:
    """Return up to `most` ids of contacts in no order: the databases find them without a row for each match.

    They are those whose name begins with `name_key`, who are what is sought, or in whose texts it stands. Who is found
    the first way isn't looked up the second, and no text whose writer is found by their name is looked up at all.

    Parameters: `but_people`/`but_texts`, contacts and texts that are as if they weren't in the index.
    """
    named = select(SearchPerson.contact_id).where(
        SearchPerson.name_key >= name_key,
        SearchPerson.name_key < after(name_key),
        SearchPerson.contact_id.not_in(but_people),
    )
    by_name = of_a_name(people.expression)
    are_named = by_name if begins_with(name_key, people.expression) else None
    called = _matched(session, SearchPerson.contact_id, SearchPerson.words, people.expression, are_named)
    called = called.where(called.selected_columns[0].not_in(but_people))
    are_called = by_name if texts.expression == people.expression else None
    ways = [_wrote(session, texts.expression, are_called)]
    if are_called is not None and but_people:
        ways.append(_wrote(session, texts.expression, None).where(SearchText.contact_id.in_(but_people)))
    wrote = [way.where(tuple_(SearchText.source, SearchText.source_id).not_in(but_texts)) for way in ways]
    return ids_of(session, union(named, called, *wrote).limit(most))


def _wrote(session: Session, sought: Expression, but: Expression | None) -> Select[int]:
    """Return the query of whose texts those are in which stands what is sought, `but` not where that stands."""
    found = _matched(session, SearchText.id, SearchText.words, sought, but)
    if session.get_bind().dialect.name == "sqlite":
        return select(SearchText.contact_id).where(SearchText.id.in_(found))
    return found.with_only_columns(SearchText.contact_id)


def _matched(
    session: Session,
    key: InstrumentedAttribute[int],
    words: InstrumentedAttribute[str],
    sought: Expression,
    but: Expression | None = None,
) -> Select[int]:
    """Return the query of the keys of those rows among whose words is what is sought; SQLite's index knows them."""
    if session.get_bind().dialect.name == "sqlite":
        index = table(f"{words.class_.__tablename__}_index", column("rowid", Integer))
        query = for_fts5(sought) + (f" NOT {for_fts5(but)}" if but else "")
        return select(index.c.rowid).where(literal_column(index.name).bool_op("MATCH")(query))
    query = for_tsquery(sought) + (f" & !{for_tsquery(but)}" if but else "")
    return select(key).where(words.bool_op("@@")(cast(query, TSQUERY)))


def _is_phrase_of_many(sought: Sought, rows: int) -> bool:
    return sought.likely(rows) > PHRASED and any(len(term.words) > 1 for term in terms_of(sought.expression))


def _newest_id(session: Session, table: _Table) -> int:
    return session.scalar(text(f"SELECT max({table.key}) FROM {table.name}")) or 0


def _newest(session: Session, table: _Table, sought: Sought, below: int, most: int, apart: str) -> Iterator[Match]:
    if session.get_bind().dialect.name == "sqlite":
        yield from _on_sqlite(session, table, sought, below, most, apart)
        return
    query = for_tsquery(sought.expression)
    query += {"": "", "and": f" & '{APART}'", "not": f" & !'{APART}'"}[apart]
    newest = _newest_id(session, table)
    phrase_of_many = _is_phrase_of_many(sought, newest)
    rows = LOOKED_AT if phrase_of_many else 0 if apart == "and" else _rows_to_look_at(sought, newest, most)
    upper, lower = min(newest + 1, below), newest - LOOKED_AT
    while rows and most > 0 and upper > lower + 1:
        above = max(upper - rows - 1, lower)
        found = _by_looking(session, table, query, above, upper, most)
        yield from found
        most, upper, rows = most - len(found), above + 1, rows * FURTHER
    if most > 0 and not phrase_of_many:
        yield from _by_index(session, table, query, upper, most)


def _rows_to_look_at(sought: Sought, newest: int, most: int) -> int:
    """Return among how many of the newest rows there should be `most` matches, or 0 where the index is quicker."""
    likely = sought.likely(newest)
    rows = SPARE * most * newest / max(likely, 1)
    return max(int(rows), FEWEST) if rows < min(likely * AS_DEAR, LOOKED_AT) else 0


def _on_sqlite(session: Session, table: _Table, sought: Sought, below: int, most: int, apart: str) -> Iterator[Match]:
    """Ask FTS5, which walks through its matches from the newest on."""
    query = for_fts5(sought.expression)
    query += {"": "", "and": f' AND "{APART}"', "not": f' NOT "{APART}"'}[apart]
    index = f"{table.name}_index"
    found = session.execute(
        text(
            f"SELECT {table.key}, contact_id, {table.source} FROM {index} "
            f"JOIN {table.name} ON {table.key} = {index}.rowid "
            f"WHERE {index} MATCH :query AND {index}.rowid < :below ORDER BY {index}.rowid DESC LIMIT :most"
        ),
        {"query": query, "below": below, "most": most},
    )
    with closing(found):  # whoever has enough leaves the rest unread
        yield from (Match(*row) for row in found)


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
