"""Read reminders: those that are to come, those that are done, and those about one contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.core.db import UtcDateTime
from tpminstitute.pipeline.models import Reminder

PAGE = 50
"""Reminders on one page of a list."""

OF_CONTACT = 20
"""Open reminders that a contact's page shows."""

_Holder = aliased(Account)
_Doer = aliased(Account)


@dataclass(frozen=True)
class Place:
    """A reminder's place in a list: the moment that it is sorted by, and its id."""

    at: datetime
    id: int


@dataclass(frozen=True)
class Line:
    """A reminder as a line of a list; `done_by` is '' for one that is open."""

    id: int
    public_id: str
    contact_public_id: str
    contact_name: str
    for_id: int
    for_name: str
    text: str
    due_at: datetime
    done_at: datetime | None
    done_by: str
    number: int


@dataclass(frozen=True)
class Page:
    """A page of reminders, and the place to go on from, if there are more."""

    lines: Sequence[Line]
    next: Place | None


def open_page(session: Session, *, for_id: int | None = None, after: Place | None = None) -> Page:
    """Return a page of open reminders, the first that is due first; `for_id` narrows it to one account's."""
    query = _lines().where(Reminder.done_at.is_(None)).order_by(Reminder.due_at, Reminder.id)
    if after is not None:
        at = literal(after.at, UtcDateTime)
        query = query.where(Reminder.due_at >= at, or_(Reminder.due_at > at, Reminder.id > after.id))
    found = _found(session, query, for_id)
    return Page(found[:PAGE], Place(found[PAGE - 1].due_at, found[PAGE - 1].id) if len(found) > PAGE else None)


def done_page(session: Session, *, for_id: int | None = None, before: Place | None = None) -> Page:
    """Return a page of the reminders that are done, the newest first."""
    query = _lines().where(Reminder.done_at.is_not(None)).order_by(Reminder.done_at.desc(), Reminder.id.desc())
    if before is not None:
        at = literal(before.at, UtcDateTime)
        query = query.where(Reminder.done_at <= at, or_(Reminder.done_at < at, Reminder.id < before.id))
    found = _found(session, query, for_id)
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Page(found[:PAGE], Place(last.done_at, last.id) if last and last.done_at else None)


def of_contact(session: Session, contact_id: int) -> Sequence[Line]:
    """Return a contact's open reminders, the first that is due first, at most `OF_CONTACT`."""
    return [Line(*row) for row in session.execute(_of_one_contact(), {"contact": contact_id})]


def one(session: Session, public_id: str) -> Line | None:
    """Return one reminder as a line, open or done, or None when there is none."""
    row = session.execute(_lines().where(Reminder.public_id == public_id)).one_or_none()
    return None if row is None else Line(*row)


def some(session: Session, ids: Sequence[int]) -> Sequence[Line]:
    """Return reminders by their ids, in any order."""
    return [Line(*row) for row in session.execute(_lines().where(Reminder.id.in_(ids)))]


@cache
def _of_one_contact() -> Select[*tuple[Any, ...]]:
    theirs = _lines().where(Reminder.contact_id == bindparam("contact"), Reminder.done_at.is_(None))
    return theirs.order_by(Reminder.due_at, Reminder.id).limit(OF_CONTACT)


def _lines() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Reminder.id,
            Reminder.public_id,
            Contact.public_id,
            Contact.name,
            Reminder.for_id,
            _Holder.name,
            Reminder.text,
            Reminder.due_at,
            Reminder.done_at,
            func.coalesce(_Doer.name, ""),
            Reminder.number,
        )
        .join(Contact, Contact.id == Reminder.contact_id)
        .join(_Holder, _Holder.id == Reminder.for_id)
        .outerjoin(_Doer, _Doer.id == Reminder.done_by_id)
    )


def _found(session: Session, query: Select[*tuple[Any, ...]], for_id: int | None) -> list[Line]:
    if for_id is not None:
        query = query.where(Reminder.for_id == for_id)
    return [Line(*row) for row in session.execute(query.limit(PAGE + 1))]
