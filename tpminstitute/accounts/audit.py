"""The audit log: add to it, read it page by page, newest first, also where it has millions of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit_words import kind_of
from tpminstitute.accounts.models import Account, AuditEntry
from tpminstitute.core import clock
from tpminstitute.core.db import Database

PAGE = 50
"""Entries on one page."""

CHUNK = 1000
"""Entries read at once for an export."""

SEEN = "contact_seen"

ADDRESS = "network_address"
"""Where a session's `info` holds the network address that its changes come from."""

AUDITED = "audited"
"""Where a session's `info` says that something was added to the log in it."""

OUT_OF_ORDER = timedelta(minutes=10)
"""By how much a later row may carry an earlier time: a transaction takes its time before its number is seen."""


@dataclass(frozen=True)
class Chosen:
    """Which entries: by one person (0 is the system), of one kind, about one contact, from a moment until another."""

    account_id: int | None = None
    kind: str = ""
    contact_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One line of the log; `by` is empty where nobody at the desk did it."""

    id: int
    at: datetime
    account_id: int | None
    by: str
    action: str
    subject: str
    kind: str
    contact_id: int | None
    address: str


@dataclass(frozen=True)
class Page:
    """A page of the log, newest first; `older` and `newer` are the ids to go on from, if there is more."""

    entries: Sequence[Entry]
    older: int | None
    newer: int | None


def record_audit(
    session: Session,
    action: str,
    subject: str,
    *,
    account_id: int | None,
    contact_id: int | None = None,
    kind: str = "",
) -> None:
    """Add one line to the audit log.

    Parameters: `action`, a short word such as ``mail_held``; `subject`, what it was done to, by name or id and without
    what a contact wrote or is called: the line can never be erased; `account_id`, who did it, None for the system;
    `contact_id`, whom it concerns; `kind`, what sort of thing it was done to, by default what `audit_words` knows.
    """
    session.add(AuditEntry(**_row(session, action, subject, account_id, contact_id, kind), once=None))
    session.info[AUDITED] = True


def is_audited(session: Session) -> bool:
    """Return whether something was added to the log in this session already."""
    return bool(session.info.get(AUDITED))


_SEEN_IN = select(AuditEntry.id).where(AuditEntry.once == bindparam("hour"))


def saw_contact(session: Session, account_id: int, contact_id: int) -> bool:
    """Return whether it is on record in this hour already that an account saw a contact; costs one look by key."""
    return session.scalar(_SEEN_IN, {"hour": _hour(account_id, contact_id)}) is not None


def record_seen(session: Session, account_id: int, contact_id: int) -> None:
    """Note that an account saw a contact, once an hour at most."""
    rows = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = _row(session, SEEN, "", account_id, contact_id, "contact")
    session.execute(
        rows(AuditEntry)
        .values(**values, once=_hour(account_id, contact_id))
        .on_conflict_do_nothing(index_elements=["once"])
    )


def record_each(session: Session, action: str, contact_ids: Sequence[int], *, account_id: int | None) -> None:
    """Add one line for each of many contacts that the same was done to, in one statement."""
    if contact_ids:
        rows = [_row(session, action, "", account_id, contact_id, "contact") for contact_id in contact_ids]
        session.execute(insert(AuditEntry), rows)
        session.info[AUDITED] = True


def page_of(session: Session, chosen: Chosen, *, before: int | None = None, after: int | None = None) -> Page:
    """Return a page of the entries that were chosen, newest first.

    Parameters: `before`/`after`, only entries older/newer than this id (keyset paging).
    """
    query = _chosen(session, chosen).limit(PAGE + 1)
    if after is not None:
        found = session.execute(query.where(AuditEntry.id > after).order_by(AuditEntry.id)).all()
        entries = [_entry(*row) for row in reversed(found[:PAGE])]
        return Page(
            entries,
            older=entries[-1].id if entries else None,
            newer=entries[0].id if len(found) > PAGE else None,
        )
    if before is not None:
        query = query.where(AuditEntry.id < before)
    found = session.execute(query.order_by(AuditEntry.id.desc())).all()
    entries = [_entry(*row) for row in found[:PAGE]]
    return Page(
        entries,
        older=entries[-1].id if len(found) > PAGE else None,
        newer=entries[0].id if entries and before is not None else None,
    )


def every_entry(db: Database, chosen: Chosen) -> Iterator[Sequence[Entry]]:
    """Yield all entries that were chosen in chunks, newest first, in short transactions."""
    last: int | None = None
    while True:
        with db.read() as session:
            query = _chosen(session, chosen).order_by(AuditEntry.id.desc()).limit(CHUNK)
            if last is not None:
                query = query.where(AuditEntry.id < last)
            entries = [_entry(*row) for row in session.execute(query)]
        yield entries
        if len(entries) < CHUNK:
            return
        last = entries[-1].id


def _row(
    session: Session, action: str, subject: str, account_id: int | None, contact_id: int | None, kind: str
) -> dict[str, object]:
    return {
        "at": clock.now(),
        "account_id": account_id,
        "action": action,
        "subject": subject,
        "kind": kind or kind_of(action),
        "contact_id": contact_id,
        "address": session.info.get(ADDRESS, ""),
    }


def _hour(account_id: int, contact_id: int) -> str:
    return f"seen:{account_id}:{contact_id}:{clock.now():%Y%m%d%H}"


def _chosen(
    session: Session, chosen: Chosen
) -> Select[int, datetime, int | None, str | None, str, str, str, int | None, str]:
    return (
        select(
            AuditEntry.id,
            AuditEntry.at,
            AuditEntry.account_id,
            Account.name,
            AuditEntry.action,
            AuditEntry.subject,
            AuditEntry.kind,
            AuditEntry.contact_id,
            AuditEntry.address,
        )
        .outerjoin(Account, Account.id == AuditEntry.account_id)
        .where(*_conditions(session, chosen))
    )


def _conditions(session: Session, chosen: Chosen) -> Iterator[ColumnElement[bool]]:
    """Yield what an entry must fulfil; dates become a range of ids as well, since the log is walked by id."""
    if chosen.account_id is not None:
        yield AuditEntry.account_id.is_(None) if not chosen.account_id else AuditEntry.account_id == chosen.account_id
    if chosen.kind:
        yield AuditEntry.kind == chosen.kind
    if chosen.contact_id is not None:
        yield AuditEntry.contact_id == chosen.contact_id
    if chosen.since is not None:
        yield AuditEntry.at >= chosen.since
        earlier = select(AuditEntry.id).where(AuditEntry.at < chosen.since - OUT_OF_ORDER)
        first = session.scalar(earlier.order_by(AuditEntry.at.desc()).limit(1))
        if first is not None:
            yield AuditEntry.id > first
    if chosen.until is not None:
        yield AuditEntry.at < chosen.until
        later = select(AuditEntry.id).where(AuditEntry.at >= chosen.until + OUT_OF_ORDER)
        last = session.scalar(later.order_by(AuditEntry.at).limit(1))
        if last is not None:
            yield AuditEntry.id < last


def _entry(
    id: int,
    at: datetime,
    account_id: int | None,
    by: str | None,
    action: str,
    subject: str,
    kind: str,
    contact_id: int | None,
    address: str,
) -> Entry:
    return Entry(id, at, account_id, by or "", action, subject, kind, contact_id, address)
