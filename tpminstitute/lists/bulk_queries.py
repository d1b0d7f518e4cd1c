"""Whom a thing done with many contacts means: shown before, and told afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.core import clock
from tpminstitute.lists.bulk_kinds import WAYS, as_kept
from tpminstitute.lists.bulk_ways import Doing, Reasons
from tpminstitute.lists.filters import Chosen
from tpminstitute.lists.models import BulkAction, BulkChange, BulkOutcome

SHOWN = 10
"""People who are named, of each group."""

UNDOABLE = timedelta(days=1)
"""How long it can be taken back."""


@dataclass(frozen=True)
class Whom:
    """Whom is meant: those that a list holds, or some by their public ids; `among` narrows a list to what was found."""

    chosen: Chosen
    ticked: tuple[str, ...] = ()
    among: tuple[int, ...] | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """Return the conditions, for a statement about `ContactCard`."""
        if self.ticked:
            ids = select(Contact.id).where(Contact.public_id.in_(self.ticked))
            return [ContactCard.contact_id.in_(ids)]
        found = [] if self.among is None else [ContactCard.contact_id.in_(self.among)]
        return [*self.chosen.where(), *found]


@dataclass(frozen=True)
class Group:
    """Contacts of whom the same is said: how many, the names of the first, and why they are left, or ''."""

    number: int
    first: Sequence[tuple[str, str]]
    why: str


@dataclass(frozen=True)
class Preview:
    """What would happen: in words, to whom, and who is left as they are and why."""

    sentence: str
    contacts: int
    meant: Group
    left: Sequence[Group]


def preview(session: Session, whom: Whom, doing: Doing) -> Preview:
    """Return exactly what would happen; raises `Refusal` for a target that is none."""
    doing = as_kept(doing)
    way = WAYS[doing.kind]
    sentence = way.says(session, doing)
    reasons = way.left(doing.target)
    said = why_of(reasons)
    left = [_group(session, [*whom.where(), said == why], why) for why, _ in reasons]
    meant = _group(session, [*whom.where(), said == ""], "")
    groups = [group for group in left if group.number]
    return Preview(sentence, meant.number + sum(group.number for group in groups), meant, groups)


def count(session: Session, whom: Whom) -> int:
    """Return exactly how many contacts are meant."""
    return session.scalar(select(func.count()).select_from(ContactCard).where(*whom.where())) or 0


def outcomes(session: Session, action_id: int) -> dict[BulkOutcome, int]:
    """Return how many contacts of an action have which outcome."""
    of_action = BulkChange.action_id == action_id
    rows = session.execute(select(BulkChange.outcome, func.count()).where(of_action).group_by(BulkChange.outcome)).all()
    return dict(rows)


def left_of(session: Session, action_id: int) -> Sequence[Group]:
    """Return whom an action left as they are, by why, those who were kept from being undone among them."""
    told = BulkChange.action_id == action_id, BulkChange.why != ""
    whys = session.execute(select(BulkChange.why, func.count()).where(*told).group_by(BulkChange.why)).all()
    return [
        Group(number, _names(session, select(BulkChange.contact_id).where(*told, BulkChange.why == why)), why)
        for why, number in whys
    ]


def recent(session: Session) -> Sequence[BulkAction]:
    """Return the actions of the last day, newest first."""
    since = clock.now() - UNDOABLE
    return session.scalars(select(BulkAction).where(BulkAction.at > since).order_by(BulkAction.id.desc())).all()


def why_of(reasons: Reasons) -> ColumnElement[str]:
    """Return why a card is left as it is, the first reason that holds, or ''."""
    return case(*((condition, why) for why, condition in reasons), else_="")


def _group(session: Session, where: Sequence[ColumnElement[bool]], why: str) -> Group:
    number = session.scalar(select(func.count()).select_from(ContactCard).where(*where)) or 0
    return Group(number, _names(session, select(ContactCard.contact_id).where(*where)) if number else [], why)


def _names(session: Session, ids: Select[int]) -> list[tuple[str, str]]:
    column = ids.selected_columns[0]
    first = session.scalars(ids.order_by(column).limit(SHOWN)).all()
    people = select(Contact.public_id, Contact.name).where(Contact.id.in_(first)).order_by(Contact.id)
    return list(session.execute(people).all())
