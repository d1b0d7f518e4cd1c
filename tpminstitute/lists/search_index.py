"""Keep the search index: read what changed, and write its words down.

Triggers note each change in the transaction that makes it (migration 0009), which costs that one a row; a worker reads
the changes here a moment later. Whoever loads many rows calls `settle` afterwards instead of waiting for it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from tpminstitute.core.db import Database
from tpminstitute.lists.search_documents import Pair, Person, Written, names_of, read_people, read_texts, texts_of
from tpminstitute.lists.search_models import SearchChange, SearchPerson, SearchText, Source
from tpminstitute.lists.search_vocabulary import Counted, count_words
from tpminstitute.lists.search_words import is_counted

SMALLEST, LARGEST = 10, 1_600
"""Changes that are read in one transaction: as many as take about `AT_ONCE`."""

AT_ONCE = 0.1
"""Seconds of a transaction, in which nobody else writes to SQLite."""

_LOCK = 7205759403792793601
"""PostgreSQL's advisory lock: of two that read the same change, the one with the older state might write last."""


@dataclass
class _Written:
    """How much more often words stand in the index than before."""

    people: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    def note(self, counter: Counter[str], before: Collection[str], now: Collection[str]) -> None:
        old, new = {*filter(is_counted, before)}, {*filter(is_counted, now)}
        counter.update(new - old)
        counter.subtract(old - new)

    def counted(self) -> list[Counted]:
        words = {*self.people, *self.texts}
        return [Counted(word, self.people[word], self.texts[word]) for word in words]


def settle(db: Database, *, seconds: float | None = None, tell: Callable[[int], object] = lambda _done: None) -> int:
    """Read every change that waits, in batches, a transaction each; returns how many were read.

    Parameters: `seconds`, after which it leaves the rest for the next time; `tell` is called with the number so far.
    """
    began, done, most = monotonic(), 0, 10 * SMALLEST
    while seconds is None or monotonic() - began < seconds:
        batch_began = monotonic()
        with db.write() as session:
            read = _settle_batch(session, most)
        done += read
        if not read:
            break
        tell(done)
        took = monotonic() - batch_began
        most = max(most // 2, SMALLEST) if took > AT_ONCE else min(most * 2, LARGEST) if took < AT_ONCE / 2 else most
    return done


def refresh(session: Session, contact_ids: Collection[int]) -> None:
    """Read everything about some contacts anew in the caller's transaction, and forget what is no more.

    For whoever must know the old words gone at the end of the transaction, and needn't wait for the worker.
    """
    _lock(session, wait=True)
    ids = list(contact_ids)
    known = session.execute(
        select(SearchText.source, SearchText.source_id).where(SearchText.contact_id.in_(ids))
    )
    pairs: list[Pair] = [(Source.PERSON, contact_id) for contact_id in ids]
    pairs += [*texts_of(session, ids), *((source, source_id) for source, source_id in known)]
    _read(session, pairs)
    for source in Source:
        of_source = [source_id for kind, source_id in pairs if kind is source]
        session.execute(
            delete(SearchChange).where(SearchChange.source == source, SearchChange.source_id.in_(of_source))
        )


def waiting(session: Session, most: int) -> Sequence[Pair]:
    """Return up to `most` changes that the index has yet to read, each once, newest first."""
    newest = select(SearchChange).order_by(SearchChange.id.desc()).limit(most).subquery()
    rows = session.execute(select(newest.c.source, newest.c.source_id).distinct())
    return [(source, source_id) for source, source_id in rows]


def count_waiting(session: Session, most: int) -> int:
    """Return how many changes wait, `most` at most."""
    some = select(SearchChange.id).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _lock(session: Session, *, wait: bool) -> bool:
    """Return whether this transaction is the only one that writes to the index."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    if wait:
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        return True
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}))


def _settle_batch(session: Session, most: int) -> int:
    if not _lock(session, wait=False):
        return 0
    query = select(SearchChange.id, SearchChange.source, SearchChange.source_id).order_by(SearchChange.id).limit(most)
    changes = session.execute(query).all()
    _read(session, dict.fromkeys((source, source_id) for _, source, source_id in changes))
    session.execute(delete(SearchChange).where(SearchChange.id.in_([change_id for change_id, _, _ in changes])))
    return len(changes)


def _read(session: Session, pairs: Iterable[Pair]) -> None:
    pairs = list(dict.fromkeys(pairs))
    written = _Written()
    ids = [contact_id for source, contact_id in pairs if source is Source.PERSON]
    renamed = _write_people(session, ids, written) if ids else []
    texts = [pair for pair in pairs if pair[0] is not Source.PERSON]
    if renamed:
        texts = list(dict.fromkeys((*texts, *texts_of(session, renamed))))
    if texts:
        _write_texts(session, texts, written)
    count_words(session, written.counted())


def _write_people(session: Session, ids: Sequence[int], written: _Written) -> list[int]:
    """Write down who some contacts are; returns those who have another name than before, since it is in their texts."""
    before = {
        contact_id: (name_key, words.split())
        for contact_id, name_key, words in session.execute(
            select(SearchPerson.contact_id, SearchPerson.name_key, _as_list(session, SearchPerson.words)).where(
                SearchPerson.contact_id.in_(ids)
            )
        )
    }
    people = {person.id: person for person in read_people(session, ids)}
    now = {contact_id: people[contact_id].words() if contact_id in people else [] for contact_id in ids}
    for contact_id in ids:
        written.note(written.people, before.get(contact_id, ("", []))[1], now[contact_id])

    def row(person: Person) -> dict[str, Any]:
        return {
            "given_id": person.id,
            "name_key": person.name_key,
            "words": _as_document(session, now[person.id]),
        }

    _delete(session, SearchPerson, SearchPerson.contact_id, [id for id in before if id not in people])
    old = [row(person) for person in people.values() if person.id in before]
    new = [row(person) for person in people.values() if person.id not in before]
    if old:
        where = SearchPerson.contact_id == bindparam("given_id")
        values = {"name_key": bindparam("name_key"), "words": bindparam("words")}
        session.connection().execute(update(SearchPerson).where(where).values(values), old)
    if new:
        session.connection().execute(insert(SearchPerson).values(contact_id=bindparam("given_id")), new)
    return [id for id, (name_key, _) in before.items() if id in people and people[id].name_key != name_key]


def _write_texts(session: Session, pairs: Sequence[Pair], written: _Written) -> None:
    before: dict[Pair, tuple[int, list[str]]] = {}
    for source in Source:
        ids = [source_id for kind, source_id in pairs if kind is source]
        query = select(SearchText.source_id, SearchText.id, _as_list(session, SearchText.words))
        if ids:
            for source_id, row_id, words in session.execute(
                query.where(SearchText.source == source, SearchText.source_id.in_(ids))
            ):
                before[source, source_id] = (row_id, words.split())
    order = {pair: place for place, pair in enumerate(pairs)}
    texts = sorted(read_texts(session, pairs), key=lambda one: order[one.source, one.source_id])
    names = names_of(session, {one.contact_id for one in texts})
    now = {(one.source, one.source_id): one.words(names.get(one.contact_id, "")) for one in texts}
    for pair in pairs:
        written.note(written.texts, before.get(pair, (0, []))[1], now.get(pair, []))

    def row(one: Written) -> dict[str, Any]:
        pair = (one.source, one.source_id)
        document = _as_document(session, now[pair])
        if pair in before:
            return {"given_id": before[pair][0], "contact_id": one.contact_id, "words": document}
        return {"source": one.source, "source_id": one.source_id, "contact_id": one.contact_id, "words": document}

    _delete(session, SearchText, SearchText.id, [row_id for pair, (row_id, _) in before.items() if pair not in now])
    rows = [row(one) for one in texts]
    old, new = [row for row in rows if "given_id" in row], [row for row in rows if "given_id" not in row]
    if old:
        where = SearchText.id == bindparam("given_id")
        values = {"contact_id": bindparam("contact_id"), "words": bindparam("words")}
        session.connection().execute(update(SearchText).where(where).values(values), old)
    if new:
        session.connection().execute(insert(SearchText), new)


def _delete(session: Session, model: Any, column: Any, ids: Sequence[int]) -> None:
    if ids:
        session.execute(delete(model).where(column.in_(ids)).execution_options(synchronize_session=False))


def _as_document(session: Session, words: Sequence[str]) -> str:
    """Return words as the database keeps them: apart, or with their positions."""
    if session.get_bind().dialect.name == "sqlite":
        return " ".join(words)
    return " ".join(f"'{word}':{place}" for place, word in enumerate(words, start=1))


def _as_list(session: Session, column: Any) -> Any:
    """Return the words of a document as one text, in whatever order."""
    if session.get_bind().dialect.name == "sqlite":
        return column
    return func.array_to_string(func.tsvector_to_array(column), " ")
