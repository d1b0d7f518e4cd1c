"""Read the list of addresses that must not be mailed: a page of it, a search in it, all of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import idna
from sqlalchemy import ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.core.db import Database
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.mail.suppression import SENTENCES

PAGE = 50
"""Rows on one page of the list."""

CHUNK = 1000
"""Rows read at once for an export."""


@dataclass(frozen=True)
class ClosedAddress:
    """One address on the list, as staff read it; `by` is empty when nobody at the desk closed it."""

    id: int
    email_key: str
    reason: SuppressionReason
    note: str
    at: datetime
    by: str
    contact_public_id: str | None
    contact_name: str

    @property
    def sentence(self) -> str:
        """Why the address must not be mailed."""
        return SENTENCES[self.reason]


@dataclass(frozen=True)
class Page:
    """A page of the list, newest first; `older` and `newer` are the ids to go on from, if there is more."""

    rows: Sequence[ClosedAddress]
    older: int | None
    newer: int | None


def closed_page(session: Session, search: str = "", *, before: int | None = None, after: int | None = None) -> Page:
    """Return a page of the list, newest first.

    Parameters: `search`, the beginning of an address or of a domain (see `matches`); `before`/`after`, only rows
    older/newer than this id (keyset paging).
    """
    query = _rows(search).limit(PAGE + 1)
    if after is not None:
        found = session.execute(query.where(Suppression.id > after).order_by(Suppression.id)).all()
        more, rows = len(found) > PAGE, [_closed(*row) for row in reversed(found[:PAGE])]
        return Page(rows, older=rows[-1].id if rows else None, newer=rows[0].id if more else None)
    if before is not None:
        query = query.where(Suppression.id < before)
    found = session.execute(query.order_by(Suppression.id.desc())).all()
    more, rows = len(found) > PAGE, [_closed(*row) for row in found[:PAGE]]
    return Page(rows, older=rows[-1].id if more else None, newer=rows[0].id if rows and before is not None else None)


def closed_address(session: Session, suppression_id: int) -> ClosedAddress | None:
    """Return one address of the list, or None when it isn't there (any more)."""
    row = session.execute(_rows("").where(Suppression.id == suppression_id)).one_or_none()
    return None if row is None else _closed(*row)


def closed_address_of(session: Session, email_key: str) -> ClosedAddress | None:
    """Return the entry on the list that closes an address, or None when the address is open."""
    row = session.execute(_of_address(), {"key": email_key}).one_or_none()
    return None if row is None else _closed(*row)


def every_closed_address(db: Database, search: str = "") -> Iterator[ClosedAddress]:
    """Yield every address on the list, oldest first, in short transactions: a slow reader holds nothing up."""
    last = 0
    while True:
        with db.read() as session:
            query = _rows(search).where(Suppression.id > last).order_by(Suppression.id).limit(CHUNK)
            rows = [_closed(*row) for row in session.execute(query)]
        yield from rows
        if len(rows) < CHUNK:
            return
        last = rows[-1].id


def matches(search: str) -> ColumnElement[bool]:
    """Return the condition for `search`: ``ada`` begins an address or a domain, ``@exam`` a domain only."""
    text = search.strip().lower().replace("\x00", "")
    local, at, domain = text.partition("@")
    key = local + at + _ascii_domain(domain)
    if at:
        return Suppression.email_key.startswith(key, autoescape=True) if local else _in_domain(key)
    return or_(Suppression.email_key.startswith(text, autoescape=True), _in_domain(f"@{_ascii_domain(text)}"))


def _in_domain(at_domain: str) -> ColumnElement[bool]:
    return Suppression.email_key.contains(at_domain, autoescape=True)


def _ascii_domain(domain: str) -> str:
    """Return a domain as addresses are kept; the beginning of one may be no domain yet."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain


def _rows(search: str) -> Select[int, str, SuppressionReason, str, datetime, str | None, str | None, str | None]:
    query = (
        select(
            Suppression.id,
            Suppression.email_key,
            Suppression.reason,
            Suppression.note,
            Suppression.at,
            Account.name,
            Contact.public_id,
            Contact.name,
        )
        .outerjoin(Account, Account.id == Suppression.account_id)
        .outerjoin(Contact, Contact.email_key == Suppression.email_key)
    )
    return query.where(matches(search)) if search.strip() else query


@cache
def _of_address() -> Select[int, str, SuppressionReason, str, datetime, str | None, str | None, str | None]:
    return _rows("").where(Suppression.email_key == bindparam("key"))


def _closed(
    id: int,
    email_key: str,
    reason: SuppressionReason,
    note: str,
    at: datetime,
    by: str | None,
    contact_public_id: str | None,
    contact_name: str | None,
) -> ClosedAddress:
    return ClosedAddress(id, email_key, reason, note, at, by or "", contact_public_id, contact_name or "")
