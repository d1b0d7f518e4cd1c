"""Today: everything that needs a person in one list, the oldest promise first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.institute.promise import Promise, promise_of
from tpminstitute.sequences.holidays import days_off
from tpminstitute.today.items import EVERYBODYS, Item, Place, Whose
from tpminstitute.today.source import Asked, Source, count, look
from tpminstitute.today.sources import SOURCES

PAGE = 50
"""Things that one page shows."""

_TICK = timedelta(microseconds=1)
_RANK = {source.key: rank for rank, source in enumerate(SOURCES)}


class Urgency(StrEnum):
    """How a promise stands."""

    BROKEN = "broken"
    AT_RISK = "at_risk"
    FINE = "fine"


@dataclass(frozen=True)
class Spot:
    """A place in the whole list: that of an item, by its source and its place there."""

    source: str
    place: Place


@dataclass(frozen=True)
class Today:
    """A page of what needs a person; `owners` are names by account id, `next` the spot to go on from, if there is more.

    `counts` says how many there are of each source, at most `COUNTED`.
    """

    items: Sequence[Item]
    owners: Mapping[int, str]
    counts: Mapping[str, int]
    next: Spot | None
    promise: Promise
    now: datetime

    def urgency(self, item: Item) -> Urgency:
        """Return how the promise of an item stands."""
        if item.due <= self.now:
            return Urgency.BROKEN
        return Urgency.AT_RISK if self.promise.is_at_risk(item.due, self.now) else Urgency.FINE


def today(
    session: Session,
    settings: Settings,
    whose: Whose = EVERYBODYS,
    *,
    only: str | None = None,
    after: Spot | None = None,
    most: int = PAGE,
) -> Today:
    """Return what needs a person, the oldest promise first.

    Parameters: `whose`, everybody's by default; `only`, the key of the one source that is asked for; `after`, only what
    stands further down than this spot; `most`, how many.
    """
    promise, now = promise_in(session, settings), clock.now()
    asked = Asked(whose, promise, end_of_day(settings, now), most=most + 1)
    found: list[Item] = []
    counts = {}
    for source in SOURCES:
        if only in (None, source.key):
            after_it = replace(asked, after=_beginning(source, after, promise))
            some, counts[source.key] = look(session, source, after_it)
            found += some
        else:
            counts[source.key] = count(session, source, asked)
    found.sort(key=lambda item: _order(item, promise))
    items = found[:most]
    last = items[-1] if len(found) > most else None
    return Today(
        items=items,
        owners=_names(session, items),
        counts=counts,
        next=Spot(last.source, Place(last.moment, last.id)) if last else None,
        promise=promise,
        now=now,
    )


def promise_in(session: Session, settings: Settings) -> Promise:
    """Return the promise that holds, with the holidays of the institute."""
    return promise_of(settings, days_off(session))


def end_of_day(settings: Settings, now: datetime) -> datetime:
    """Return the moment, in UTC, at which the institute's day ends."""
    zone = settings.institute_zone
    tomorrow = datetime.combine(zones.local(now, zone).date() + timedelta(days=1), time())
    return zones.moment(zones.existing(tomorrow, zone), zone) - _TICK


def _order(item: Item, promise: Promise) -> tuple[datetime, int, datetime, int]:
    """Where an item stands: by since when it waits, or would have to wait for the promise to be due when it is."""
    rank = _RANK[item.source]
    since = promise.as_if_since(item.moment) if SOURCES[rank].has_times else item.moment
    return since, rank, item.moment, item.id


def _beginning(source: Source, after: Spot | None, promise: Promise) -> Place | None:
    """Return the place after which the items of `source` stand further down the whole list than `after`."""
    if after is None:
        return None
    if after.source == source.key:
        return after.place
    rank = _RANK[after.source]
    since = promise.as_if_since(after.place.moment) if SOURCES[rank].has_times else after.place.moment
    if _RANK[source.key] < rank:  # among equals it comes first, so those stand above
        since += _TICK
    return Place(promise.due_at(since) if source.has_times else since, -1)


def _names(session: Session, items: Sequence[Item]) -> dict[int, str]:
    ids = {item.owner_id for item in items} - {None}
    return dict(session.execute(select(Account.id, Account.name).where(Account.id.in_(ids))).all()) if ids else {}
