"""The filters of a list of contacts: what was chosen, and the query that it stands for.

`Chosen` is what an address, a saved view, a bulk action and an export say alike: `lists.asking` reads one from the
parameters of an address and writes it back, `lists.wording` says it in words, `Chosen.ids` is the query.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_ as or_bits
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, false, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from tpminstitute.contacts.marks import sequence_mark, tag_mark
from tpminstitute.contacts.models import ConsentStanding, ContactCard, ContactTag, FollowUps, Origin
from tpminstitute.core import clock, zones
from tpminstitute.inbox.models import Turn
from tpminstitute.pipeline.models import Outcome, Stage
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus

NOBODY = 0
"""Stands for no owner, and for no lead, among ids that count from one."""

ME = -1
"""Stands for whoever looks, among owners: a shared view then shows each their own."""


class Order(StrEnum):
    """How a list is sorted."""

    TOUCHED_LAST = "touched"
    TOUCHED_FIRST = "untouched"
    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    NAME_BACK = "name_back"

    @property
    def column(self) -> InstrumentedAttribute[Any]:
        """The column of the card that it goes by."""
        if self in (Order.NAME, Order.NAME_BACK):
            return ContactCard.name_key
        if self in (Order.NEWEST, Order.OLDEST):
            return ContactCard.first_seen_at
        return ContactCard.last_touch_at

    @property
    def rising(self) -> bool:
        """Whether the smallest comes first."""
        return self in (Order.TOUCHED_FIRST, Order.OLDEST, Order.NAME)


@dataclass(frozen=True)
class Chosen:
    """What was chosen; what is empty or None doesn't narrow the list, and all the others hold together.

    Of several stages, outcomes, owners, topics, sources, standings of consent, turns and follow-ups, one is enough; of
    several tags each must be there. `NOBODY` among stages is who has no lead, among owners who has none, and `ME` is
    the account `me`. Stages and outcomes are one filter. Days are those of `zone`, both ends included. `quiet_days`:
    nobody touched them for so many days. `running`, `began` and `never_began` are sequences. `apart` shows those of
    whom only suspected inquiries or spam are known; otherwise they are left out. `unread` says what could not be
    understood: nobody is listed then, since a list that is wider than somebody meant does harm.
    """

    zone: ZoneInfo
    me: int | None = None
    stages: tuple[int, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    owners: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sources: tuple[Origin, ...] = ()
    consents: tuple[ConsentStanding, ...] = ()
    turns: tuple[Turn, ...] = ()
    follow_ups: tuple[FollowUps, ...] = ()
    running: int | None = None
    began: int | None = None
    never_began: int | None = None
    seen_from: date | None = None
    seen_until: date | None = None
    touched_from: date | None = None
    touched_until: date | None = None
    quiet_days: int | None = None
    apart: bool = False
    unread: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether anything was chosen."""
        chosen = [getattr(self, each.name) for each in fields(self) if each.name not in ("zone", "me")]
        return any(chosen) or self.quiet_days == 0  # which is chosen, too

    def on_card(self) -> list[ColumnElement[bool]]:
        """Return the conditions that a contact's card answers by itself."""
        found: list[ColumnElement[bool]] = [ContactCard.apart.is_(self.apart)]
        if self.unread or (self.never_began is not None and self.never_began in (self.began, self.running)):
            found.append(false())
        if self.stages or self.outcomes:
            found.append(self._stands())
        if self.owners:
            owners = [self.me if owner == ME else owner for owner in self.owners]
            found.append(_one_of(ContactCard.owner_id, owners))
        for column, values in (
            (ContactCard.topic, self.topics),
            (ContactCard.source, self.sources),
            (ContactCard.consent, self.consents),
            (ContactCard.turn, tuple(turn.value for turn in self.turns)),
            (ContactCard.follow_ups, self.follow_ups),
        ):
            if values:
                found.append(column.in_(values))
        return found + self._marked() + self._in_time()

    def elsewhere(self) -> list[Select[int]]:
        """Return, for each condition that another table answers for certain, the ids of the contacts that meet it."""
        found = [select(ContactTag.contact_id).where(ContactTag.tag == tag) for tag in self.tags]
        if self.running is not None:
            now = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)
            found.append(_runs(self.running).where(Enrollment.status.in_(now)))
        if self.began is not None:
            found.append(_runs(self.began))
        return found

    def without(self) -> list[ColumnElement[bool]]:
        """Return the conditions that exclude; most cards answer them by themselves."""
        if self.never_began is None:
            return []
        unmarked = ContactCard.began_marks.bitwise_and(sequence_mark(self.never_began)) == 0
        return [or_(unmarked, ~probed(_runs(self.never_began)))]

    def where(self) -> list[ColumnElement[bool]]:
        """Return all conditions, for a statement about `ContactCard`."""
        return [*self.on_card(), *map(probed, self.elsewhere()), *self.without()]

    def ids(self) -> Select[int]:
        """Return the query of the ids of all contacts that are meant, in the order of their ids."""
        return select(ContactCard.contact_id).where(*self.where()).order_by(ContactCard.contact_id)

    def _marked(self) -> list[ColumnElement[bool]]:
        """Return what the marks on a card say; who has them may still not be meant."""
        tags = reduce(or_bits, map(tag_mark, self.tags), 0)
        running = sequence_mark(self.running) if self.running is not None else 0
        began = sequence_mark(self.began) if self.began is not None else 0
        wanted = (
            (ContactCard.tag_marks, tags),
            (ContactCard.running_marks, running),
            (ContactCard.began_marks, began),
        )
        return [column.bitwise_and(marks) == marks for column, marks in wanted if marks]

    def _stands(self) -> ColumnElement[bool]:
        stands = []
        if self.stages:
            stands.append(_one_of(ContactCard.stage_id, self.stages))
        if self.outcomes:
            stands.append(ContactCard.stage_id.in_(select(Stage.id).where(Stage.outcome.in_(self.outcomes))))
        return or_(*stands)

    def _in_time(self) -> list[ColumnElement[bool]]:
        found = []
        for column, first, last in (
            (ContactCard.first_seen_at, self.seen_from, self.seen_until),
            (ContactCard.last_touch_at, self.touched_from, self.touched_until),
        ):
            if first is not None:
                found.append(column >= _midnight(first, self.zone))
            if last is not None:
                found.append(column < _midnight(last + timedelta(days=1), self.zone))
        if self.quiet_days is not None:
            found.append(ContactCard.last_touch_at < clock.now() - timedelta(days=self.quiet_days))
        return found


def probed(ids: Select[int]) -> ColumnElement[bool]:
    """Return whether a card's contact is among `ids`, as a look-up card by card.

    A scalar subquery: planners turn an EXISTS into a join, and then leave the order in which the list is walked.
    """
    column = ids.selected_columns[0]
    one = ids.with_only_columns(literal(1)).where(column == ContactCard.contact_id).limit(1)
    return func.coalesce(one.correlate(ContactCard).scalar_subquery(), 0) == 1


def _runs(sequence_id: int) -> Select[int]:
    return select(Enrollment.contact_id).where(Enrollment.sequence_id == sequence_id)


def _one_of(column: InstrumentedAttribute[int | None], ids: Sequence[int | None]) -> ColumnElement[bool]:
    known = [one for one in ids if one != NOBODY]
    return or_(column.in_(known), column.is_(None)) if NOBODY in ids else column.in_(known)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return zones.moment(zones.existing(datetime.combine(day, time()), zone), zone).astimezone(UTC)
