"""Pages of a list of contacts, by keyset, with a count that stops where nobody needs to know more exactly.

Every index of the cards holds all that they are filtered by, so a list is walked in its own order without a look at a
row, and even a combination that nobody meets costs one pass over an index. What other tables have to answer for certain
(tags, runs) is looked up only for cards with the mark. Where such a filter means few, the list begins with these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, bindparam, func, literal, select, tuple_
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import ContactCard
from tpminstitute.contacts.name_keys import LONGEST
from tpminstitute.core.bulk import one_of
from tpminstitute.lists.filters import Chosen, Order, probed

PAGE = 50
"""Rows on a page."""

COUNTED = 10_000
"""A list with more is said to hold more than that."""

FEW = 5_000
"""Fewer contacts than these are looked up one by one; that is quicker than a walk in the list's order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"(?P<contact_id>[0-9]{1,9})-(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """A contact's place in a list: what it is sorted by, and the contact."""

    value: datetime | str
    contact_id: int


@dataclass(frozen=True)
class Page:
    """The ids of a page's contacts in their order; `next` and `previous` are places to go on from, if there is more."""

    ids: Sequence[int]
    next: Place | None
    previous: Place | None


@dataclass(frozen=True)
class Count:
    """How many a list holds; `more` when it holds more than that."""

    number: int
    more: bool


def page_of(
    session: Session,
    chosen: Chosen,
    order: Order,
    *,
    after: Place | None = None,
    before: Place | None = None,
    among: Sequence[int] | None = None,
) -> Page:
    """Return a page of the contacts that are meant.

    Parameters: `after`/`before`, only what comes further down/up the list than this place; `among`, only these
    contacts, such as a search found.
    """
    backwards = before is not None and after is None
    place = before if backwards else after
    rising = order.rising is not backwards
    query = _planned(session, chosen, among).add_columns(order.column)
    if place is not None:
        query = query.where(_beyond(order, place, rising))
    by = (order.column, ContactCard.contact_id)
    query = query.order_by(*(by if rising else [column.desc() for column in by])).limit(PAGE + 1)
    found = session.execute(query).all()
    rows, more = found[:PAGE], len(found) > PAGE
    places = [Place(value, contact_id) for contact_id, value in (reversed(rows) if backwards else rows)]
    if not places:
        return Page([], None, None)
    onward, back = (True, more) if backwards else (more, after is not None)
    ids = [place.contact_id for place in places]
    return Page(ids, places[-1] if onward else None, places[0] if back else None)


def count_of(session: Session, chosen: Chosen, order: Order, among: Sequence[int] | None = None) -> Count:
    """Return how many contacts are meant, counted as far as `COUNTED`."""
    query = _planned(session, chosen, among).with_only_columns(literal(1)).limit(COUNTED + 1)
    number = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return Count(min(number, COUNTED), number > COUNTED)


def _planned(session: Session, chosen: Chosen, among: Sequence[int] | None) -> Select[int]:
    """Return the query of the ids, by the way that fits how many each filter means."""
    query = select(ContactCard.contact_id).where(*chosen.on_card())
    elsewhere = chosen.elsewhere()
    first: ColumnElement[bool] | None = None
    if among is not None:
        first = one_of(session, ContactCard.contact_id, among)
    else:
        rarest = _rarest(session, elsewhere)
        if rarest is not None:
            elsewhere.remove(rarest)
            first = ContactCard.contact_id.in_(rarest)
    query = query.where(*map(probed, elsewhere), *chosen.without())
    return query if first is None else query.where(first)


def _rarest(session: Session, conditions: Sequence[Select[int]]) -> Select[int] | None:
    """Return the condition that the fewest contacts meet, or None where all are met by many."""
    sizes = [(_size(session, condition), condition) for condition in conditions]
    size, rarest = min(sizes, key=lambda sized: sized[0], default=(FEW, None))
    return rarest if size < FEW else None


def _size(session: Session, condition: Select[int]) -> int:
    few = condition.with_only_columns(literal(1)).limit(FEW).subquery()
    return session.scalar(select(func.count()).select_from(few)) or 0


def _beyond(order: Order, place: Place, rising: bool) -> ColumnElement[bool]:
    """Return the condition for what comes after a place; both databases find it in the index by the pair."""
    pair = tuple_(order.column, ContactCard.contact_id)
    value = bindparam(None, place.value, type_=order.column.type)
    there = tuple_(value, literal(place.contact_id))
    return pair > there if rising else pair < there


def written(place: Place) -> str:
    """Return a place as it stands in an address."""
    if isinstance(place.value, datetime):
        return f"{place.contact_id}-{(place.value - _EPOCH) // timedelta(microseconds=1)}"
    return f"{place.contact_id}-{place.value}"


def read_place(order: Order, text: str) -> Place | None:
    """Return the place that an address names, or None for what can't be one in that order."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    contact_id, value = int(found["contact_id"]), found["value"]
    if order in (Order.NAME, Order.NAME_BACK):
        return Place(value, contact_id) if len(value) <= LONGEST and "\0" not in value else None
    if not re.fullmatch(r"[0-9]{1,17}", value):
        return None
    return Place(_EPOCH + timedelta(microseconds=int(value)), contact_id)
