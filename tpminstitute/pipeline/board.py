"""The board: leads by stage, the newest in each first, by pages; quick with a million of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, func, select, tuple_
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.pipeline.models import Lead, LeadCard, LeadEnding, LostReason, Stage
from tpminstitute.pipeline.stages import leads_in

PAGE = 20
"""Leads of a column on one page."""


@dataclass(frozen=True)
class BoardFilter:
    """Whose leads, and about what: None is everybody's and about anything, `unowned` are those of nobody.

    `unread` says what was asked for and can't be read; there is no lead then.
    """

    owner_id: int | None = None
    unowned: bool = False
    topic: str | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """One lead on the board: whose it is, about what, since when it is in its stage, and whose turn it is.

    `ended` is the course that was won or the reason it was lost for, None for an open one.
    """

    lead_id: int
    public_id: str
    name: str
    topic: str | None
    owner: str | None
    since: datetime
    turn: str
    ended: str | None


@dataclass(frozen=True)
class Place:
    """Where a page of a column ends: the moment and the lead."""

    since: datetime
    lead_id: int


@dataclass(frozen=True)
class Column:
    """A stage with a page of its leads, how many there are (at most `stages.COUNTED` and one), and the oldest's age."""

    stage: Stage
    cards: Sequence[Card]
    count: int
    oldest: datetime | None
    more: Place | None


def column_of(session: Session, stage: Stage, chosen: BoardFilter, after: Place | None = None) -> Column:
    """Return a column of the board, its leads after a place on, those that came last first."""
    which = _which(stage.id, chosen)
    page = select(LeadCard.lead_id, LeadCard.contact_id, LeadCard.since, LeadCard.topic).where(*which)
    if after is not None:
        page = page.where(tuple_(LeadCard.since, LeadCard.lead_id) < tuple_(after.since, after.lead_id))
    found = page.order_by(LeadCard.since.desc(), LeadCard.lead_id.desc()).limit(PAGE + 1).subquery()
    rows = session.execute(
        select(
            found.c.lead_id,
            Contact.public_id,
            Contact.name,
            found.c.topic,
            Account.name,
            found.c.since,
            func.coalesce(ContactCard.turn, "nobody"),
            func.coalesce(LostReason.name, LeadEnding.course),
        )
        .join(Contact, Contact.id == found.c.contact_id)
        .outerjoin(Account, Account.id == Contact.owner_id)
        .outerjoin(ContactCard, ContactCard.contact_id == Contact.id)
        .outerjoin(LeadEnding, LeadEnding.lead_id == found.c.lead_id)
        .outerjoin(LostReason, LostReason.id == LeadEnding.lost_reason_id)
        .order_by(found.c.since.desc(), found.c.lead_id.desc())
    ).all()
    cards = [Card(*row) for row in rows[:PAGE]]
    more = Place(cards[-1].since, cards[-1].lead_id) if len(rows) > PAGE else None
    oldest = session.scalar(select(func.min(LeadCard.since)).where(*which))
    return Column(stage, cards, leads_in(session, *which), oldest, more)


def contact_of_lead(session: Session, lead_id: int) -> Contact | None:
    """Return whose lead it is, or None when there is no such lead."""
    return session.scalar(select(Contact).join(Lead, Lead.contact_id == Contact.id).where(Lead.id == lead_id))


def _which(stage_id: int, chosen: BoardFilter) -> list[ColumnElement[bool]]:
    which = [LeadCard.stage_id == stage_id]
    if chosen.unowned:
        which.append(LeadCard.owner_id.is_(None))
    elif chosen.owner_id is not None:
        which.append(LeadCard.owner_id == chosen.owner_id)
    if chosen.topic is not None:
        which.append(LeadCard.topic == chosen.topic)
    if chosen.unread:
        which.append(false())
    return which
