"""Keep the search index: read what changed.

Triggers note each change in the transaction that makes it (migration 0009), which costs that one a row; a worker reads
the changes here a moment later. Whoever loads many rows calls `settle` afterwards instead of waiting for it.
"""

from collections.abc import Callable, Collection, Sequence
from time import monotonic

from sqlalchemy import String, delete, func, insert, literal, select, text, true, union_all
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, Note
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Inquiry, ReceivedMail
from tpminstitute.lists.search_documents import Pair, texts_of
from tpminstitute.lists.search_index import write
from tpminstitute.lists.search_models import (
    SearchChange,
    SearchNear,
    SearchPerson,
    SearchText,
    SearchWord,
    Source,
)
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.timeline.models import Activity, ActivityKind

SMALLEST, LARGEST = 10, 5_000
"""Changes that are read in one transaction: as many as take about `AT_ONCE`."""

AT_ONCE = 0.2
"""Seconds of a transaction, in which nobody else writes to SQLite."""

ALONE = 2.0
"""The same where nobody waits; it is quicker in all."""

_LOCK = 7205759403792793601
"""PostgreSQL's advisory lock: of two that read the same change, the one with the older state might write last."""

_EVERYTHING = (
    (Source.PERSON, Contact.id, Contact.first_seen_at, true()),
    (Source.INQUIRY, Inquiry.id, Inquiry.received_at, true()),
    (Source.RECEIVED, ReceivedMail.id, ReceivedMail.received_at, ReceivedMail.contact_id.is_not(None)),
    (Source.REPLY, Message.id, Message.created_at, Message.kind == MessageKind.REPLY),
    (Source.NOTE, Note.id, Note.at, true()),
    (Source.CALL, Activity.id, Activity.at, Activity.kind == ActivityKind.CALL_NOTED),
)


def settle(
    db: Database,
    *,
    seconds: float | None = None,
    at_once: float = AT_ONCE,
    tell: Callable[[int], object] = lambda _done: None,
) -> int:
    """Read every change that waits, in batches, a transaction each; returns how many were read.

    Parameters: `seconds`, after which it leaves the rest for the next time; `at_once`, about how long a transaction
    may take; `tell` is called with the number so far. On PostgreSQL it leaves everything to another that is at it.
    """
    began, done, most = monotonic(), 0, 10 * SMALLEST
    while seconds is None or monotonic() - began < seconds:
        with db.read() as session:
            if not count_waiting(session, 1):
                break
        batch_began = monotonic()
        with db.write() as session:
            read = _settle_batch(session, most)
        done += read
        if not read:
            break
        tell(done)
        took = monotonic() - batch_began
        most = max(most // 2, SMALLEST) if took > at_once else min(most * 2, LARGEST) if took < at_once / 2 else most
    return done


def refresh(session: Session, contact_ids: Collection[int]) -> None:
    """Read everything about some contacts anew in the caller's transaction, and forget what is no more.

    For whoever must know the old words gone at the end of the transaction, and can't wait for the worker.
    """
    _lock(session, wait=True)
    ids = list(contact_ids)
    known = session.execute(select(SearchText.source, SearchText.source_id).where(SearchText.contact_id.in_(ids)))
    pairs: list[Pair] = [(Source.PERSON, contact_id) for contact_id in ids]
    pairs += [*texts_of(session, ids), *((source, source_id) for source, source_id in known)]
    write(session, pairs)
    for source in Source:
        of_source = [source_id for kind, source_id in pairs if kind is source]
        session.execute(
            delete(SearchChange).where(SearchChange.source == source, SearchChange.source_id.in_(of_source))
        )


def rebuild(db: Database, tell: Callable[[int], object] = lambda _done: None) -> int:
    """Forget the whole index and read everything anew, oldest first; returns how many rows were read.

    Meanwhile the search finds what was read already. Parameters: `tell`, called with the number so far.
    """
    with db.write() as session:
        _lock(session, wait=True)
        (_forget_on_sqlite if db.is_sqlite else _forget_on_postgresql)(session)
        every = union_all(
            *(
                select(literal(source.value, String).label("source"), key.label("key"), moment.label("moment")).where(
                    which
                )
                for source, key, moment, which in _EVERYTHING
            )
        ).subquery()
        oldest_first = select(every.c.source, every.c.key).order_by(every.c.moment, every.c.key)
        session.execute(insert(SearchChange).from_select(["source", "source_id"], oldest_first))
    return settle(db, at_once=ALONE, tell=tell)


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
    write(session, dict.fromkeys((source, source_id) for _, source, source_id in changes))
    session.execute(delete(SearchChange).where(SearchChange.id.in_([change_id for change_id, _, _ in changes])))
    return len(changes)


def _forget_on_postgresql(session: Session) -> None:
    tables = (SearchPerson, SearchText, SearchWord, SearchNear, SearchChange)
    session.execute(text(f"TRUNCATE {', '.join(table.__tablename__ for table in tables)}"))


def _forget_on_sqlite(session: Session) -> None:
    """Empty the tables at once: row by row, each would be taken out of the full-text index by its words."""
    for table in (SearchPerson, SearchText):
        name = table.__tablename__
        found = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table"
        triggers = session.execute(text(found), {"table": name}).all()
        for trigger, _ in triggers:
            session.execute(text(f"DROP TRIGGER {trigger}"))
        session.execute(delete(table))
        session.execute(text(f"INSERT INTO {name}_index ({name}_index) VALUES ('delete-all')"))
        for _, made_by in triggers:
            session.connection().exec_driver_sql(made_by)
    for other in (SearchWord, SearchNear, SearchChange):
        session.execute(delete(other))
