"""A source of things that need a person, and how it is asked: whose, after which place, how many."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, or_, select
from sqlalchemy.orm import Session

from tpminstitute.core.db import UtcDateTime
from tpminstitute.inbox.queries import COUNTED
from tpminstitute.institute.promise import Promise
from tpminstitute.today.items import EVERYBODYS, Item, Place, Whose


@dataclass(frozen=True)
class Asked:
    """What is asked of a source: whose items, after which place, how many at most; `until` is the end of the day."""

    whose: Whose
    promise: Promise
    until: datetime
    after: Place | None = None
    most: int = COUNTED


@dataclass(frozen=True)
class Source:
    """One kind of things that need a person.

    `told` are the words for one and for several of them in a sentence. `moment` and `id` are the columns that they are
    sorted by: since when each waits, or, where `has_times` says so, when it is due. `waiting` selects the ids of all
    that are asked for, `items` reads some of them by their ids.
    """

    key: str
    label: str
    told: tuple[str, str]
    moment: Any
    id: Any
    waiting: Callable[[Asked], Select[int]]
    items: Callable[[Session, Asked, Sequence[int]], Iterable[Item]]
    has_times: bool = False


def look(session: Session, source: Source, asked: Asked) -> tuple[list[Item], int]:
    """Return the items that are asked for, those with the oldest promise first, and how many there are in all.

    They are counted up to `COUNTED`. Whose list it is, is looked up for each item that is walked over, so that list and
    count take one walk together.
    """
    ids = source.waiting(asked).order_by(source.moment, source.id)
    if asked.after is None and asked.whose != EVERYBODYS:
        found = session.scalars(ids.limit(COUNTED)).all()
        return _read(session, source, asked, found[: asked.most]), len(found)
    if asked.after is not None:
        at = literal(asked.after.moment, UtcDateTime)
        ids = ids.where(source.moment >= at, or_(source.moment > at, source.id > asked.after.id))
    return _read(session, source, asked, session.scalars(ids.limit(asked.most)).all()), count(session, source, asked)


def count(session: Session, source: Source, asked: Asked) -> int:
    """Return how many items there are in all, counted up to `COUNTED`."""
    ids = source.waiting(asked).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(ids)) or 0


def _read(session: Session, source: Source, asked: Asked, ids: Sequence[int]) -> list[Item]:
    found = source.items(session, asked, ids) if ids else ()
    return sorted(found, key=lambda item: (item.moment, item.id))
