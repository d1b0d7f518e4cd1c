"""Pages of a list of contacts, by keyset, with a count that stops where nobody needs to know more exactly.

Every index of the cards holds all that they are filtered by, so a list is walked in its own order without a look at a
row, and even a combination that nobody meets costs one pass over an index. What other tables have to answer for certain
(tags, runs) is looked up only for cards with the mark. Where such filters together mean few, or a search found these,
the list begins with them: their cards are read once, for the page and for the count.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, exists, func, literal, select, tuple_
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import ContactCard
from tpminstitute.contacts.name_keys import LONGEST
from tpminstitute.core.bulk import ids_of, one_of
from tpminstitute.lists.filters import Chosen, Order, probed

PAGE = 50
"""Rows on a page."""

COUNTED = 10_000
"""A list with more is said to hold more than that."""

FEW = 25_000
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


@dataclass(frozen=True)
class Listed:
    """A page of a list, and how many the whole list holds."""

    page: Page
    count: Count


@dataclass(frozen=True)
class _Turn:
    """How a page is turned to: the order, the place that it begins at, and whether it is turned back."""

    order: Order
    place: Place | None
    backwards: bool

    def page(
        self, query: Select[Any], value: SQLColumnExpression[Any], contact_id: SQLColumnExpression[int]
    ) -> Select[Any]:
        """Return the query of this page and one contact more, by the columns that the list goes by."""
        rising = self.order.rising is not self.backwards
        by = (value, contact_id)
        if self.place is not None:  # both databases find what comes after it in an index by the pair
            there = tuple_(literal(self.place.value, self.order.column.type), literal(self.place.contact_id))
            query = query.where(tuple_(*by) > there if rising else tuple_(*by) < there)
        return query.order_by(*(by if rising else [column.desc() for column in by])).limit(PAGE + 1)

    def read(self, found: Sequence[tuple[int, datetime | str]]) -> Page:
        """Return the page that its rows make."""
        rows, more = found[:PAGE], len(found) > PAGE
        places = [Place(value, contact_id) for contact_id, value in (reversed(rows) if self.backwards else rows)]
        if not places:
            return Page([], None, None)
        onward, back = (True, more) if self.backwards else (more, self.place is not None)
        ids = [place.contact_id for place in places]
        return Page(ids, places[-1] if onward else None, places[0] if back else None)


def listed(
    session: Session,
    chosen: Chosen,
    order: Order,
    *,
    after: Place | None = None,
    before: Place | None = None,
    among: Sequence[int] | None = None,
) -> Listed:
    """Return a page of the contacts that are meant, and their number as far as `COUNTED`.

    Parameters: `after`/`before`, only what comes further down/up the list than this place; `among`, only these
    contacts, such as a search found, `COUNTED` at most.
    """
    turn = _Turn(order, after or before, backwards=after is None and before is not None)
    elsewhere = chosen.elsewhere()
    if among is None:
        among = _few(session, elsewhere)
        elsewhere = elsewhere if among is None else []
    meant = select(ContactCard.contact_id, order.column).where(
        *chosen.on_card(), *map(probed, elsewhere), *chosen.without()
    )
    return _of_all(session, meant, turn) if among is None else _of_few(session, meant, turn, among)


def _of_all(session: Session, meant: Select[Any], turn: _Turn) -> Listed:
    """Walk through the list in its order; where all are on the page nobody has to count."""
    found = session.execute(turn.page(meant, turn.order.column, ContactCard.contact_id)).all()
    page = turn.read([(contact_id, value) for contact_id, value in found])
    if turn.place is None and page.next is None:
        return Listed(page, Count(len(page.ids), more=False))
    counted = meant.with_only_columns(literal(1)).limit(COUNTED + 1).subquery()
    number = session.scalar(select(func.count()).select_from(counted)) or 0
    return Listed(page, _count(number))


def _of_few(session: Session, meant: Select[Any], turn: _Turn, among: Sequence[int]) -> Listed:
    """Look the cards of some contacts up, once for the page and the count."""
    cards = meant.where(one_of(session, ContactCard.contact_id, among)).cte("cards").prefix_with("MATERIALIZED")
    number = select(func.count()).select_from(cards).scalar_subquery()
    contact_id, value = cards.c.contact_id, cards.c[turn.order.column.key]
    found = session.execute(turn.page(select(contact_id, value, number), value, contact_id)).all()
    if not found and turn.place is not None:  # a place beyond the end says nothing of how many there are
        return Listed(Page([], None, None), _count(session.scalar(select(number)) or 0))
    page = turn.read([(each, by) for each, by, _ in found])
    return Listed(page, _count(found[0][2] if found else 0))


def _count(number: int) -> Count:
    return Count(min(number, COUNTED), number > COUNTED)


def _few(session: Session, conditions: Sequence[Select[int]]) -> Sequence[int] | None:
    """Return the ids that meet all of some conditions, or None where they are many or there is no condition."""
    if not conditions:
        return None
    by_size = sorted(conditions, key=lambda one: _size(session, one)) if len(conditions) > 1 else conditions
    rarest, *others = by_size
    found = ids_of(session, rarest.where(*(_also(rarest, other) for other in others)).limit(FEW))
    return found if len(found) < FEW else None


def _size(session: Session, condition: Select[int]) -> int:
    some = condition.with_only_columns(literal(1)).limit(FEW).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _also(ids: Select[int], others: Select[int]) -> ColumnElement[bool]:
    """Return whether an id of one query is among those of another, which an index holds in their order."""
    other = others.subquery()
    return exists().where(other.c[0] == ids.selected_columns[0])


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
