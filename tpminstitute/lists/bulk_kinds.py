"""What can be done with many contacts at once: whom it would leave as they are, how it is done, and how it is undone.

Each kind works on a batch whose rows are held. `before` is what has to be known to take it back, as JSON.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from tpminstitute.contacts import tags
from tpminstitute.contacts.models import Contact, ContactCard, ContactTag, FollowUps
from tpminstitute.contacts.owners import possible_owners
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.lists.filters import probed
from tpminstitute.lists.models import BulkAction, BulkKind
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.taking_back import let_go_on, standing_of

Before = dict[str, Any]
Reasons = Sequence[tuple[str, ColumnElement[bool]]]
"""Why somebody is left as they are, in order, each with the condition on their card."""

NOBODY = "nobody"


@dataclass(frozen=True)
class Doing:
    """One thing to do: `target` is an account's id or `NOBODY`, a tag, or a stage's id."""

    kind: BulkKind
    target: str = ""


def as_kept(doing: Doing) -> Doing:
    """Return a thing to do with its target as it is kept; raises `Refusal` for a tag that can't be."""
    tagging = doing.kind in (BulkKind.TAG, BulkKind.UNTAG)
    return Doing(doing.kind, tags.normal(doing.target)) if tagging else doing


@dataclass(frozen=True)
class Way:
    """How a kind of thing is done: `says` in words (raises `Refusal` for a target that is none), `left` whom it leaves,
    `do` it for some contacts, returning what was there before, and `undo` it, returning why not by contact.
    """

    says: Callable[[Session, str], str]
    left: Callable[[str], Reasons]
    do: Callable[[Session, BulkAction, Collection[int]], Mapping[int, Before]]
    undo: Callable[[Session, BulkAction, Mapping[int, Before]], Mapping[int, str]]


def reason_of(action: BulkAction) -> str:
    """Return the reason that a run stopped by an action carries; no other has the same."""
    return f"They were stopped by hand, together with others (number {action.id})."


# --- who looks after them ---------------------------------------------------------------------------------------


def _assign_says(session: Session, target: str) -> str:
    if target == NOBODY:
        return "Nobody looks after them any more."
    able = {str(account.id): account.name for account in possible_owners(session)}
    if target not in able:
        raise Refusal("Choose who looks after them: an account that is open and may act. Nothing was changed.")
    return f"{able[target]} looks after them."


def _assign_left(target: str) -> Reasons:
    owner = _owner(target)
    if owner is None:
        return [("Nobody looks after them as it is.", ContactCard.owner_id.is_(None))]
    return [("The same person looks after them already.", ContactCard.owner_id == owner)]


def _assign(session: Session, action: BulkAction, ids: Collection[int]) -> dict[int, Before]:
    owners = session.execute(select(Contact.id, Contact.owner_id).where(Contact.id.in_(ids)))
    before = {contact_id: {"owner": owner} for contact_id, owner in owners}
    session.execute(
        update(Contact).where(Contact.id.in_(ids)).values(owner_id=_owner(action.target)), execution_options=_QUIETLY
    )
    return before


def _assign_back(session: Session, action: BulkAction, befores: Mapping[int, Before]) -> dict[int, str]:
    kept: dict[int, str] = {}
    now = dict(session.execute(select(Contact.id, Contact.owner_id).where(Contact.id.in_(befores))).all())
    able = {account.id for account in possible_owners(session)}
    groups: dict[int | None, list[int]] = defaultdict(list)
    for contact_id, before in befores.items():
        if now.get(contact_id) != _owner(action.target):
            kept[contact_id] = "Somebody else was put in since."
        elif before["owner"] is not None and before["owner"] not in able:
            kept[contact_id] = "Who looked after them before can’t any more."
        else:
            groups[before["owner"]].append(contact_id)
    for owner, ids in groups.items():
        _look_after(session, ids, owner)
    return kept


def _look_after(session: Session, ids: Collection[int], owner: int | None) -> None:
    change = update(Contact).where(Contact.id.in_(ids)).values(owner_id=owner)
    session.execute(change, execution_options=_QUIETLY)


def _owner(target: str) -> int | None:
    return None if target == NOBODY else int(target)


# --- tags -------------------------------------------------------------------------------------------------------


def _tagged(tag: str) -> ColumnElement[bool]:
    return probed(select(ContactTag.contact_id).where(ContactTag.tag == tag))


def _tag_says(session: Session, target: str) -> str:
    return f"Put the tag “{target}” on them."


def _tag_left(target: str) -> Reasons:
    full = select(ContactTag.contact_id).group_by(ContactTag.contact_id).having(func.count() >= tags.MOST)
    return [
        ("They have the tag already.", _tagged(target)),
        (f"They have {tags.MOST} tags, and can’t have more.", ContactCard.contact_id.in_(full)),
    ]


def _tag(session: Session, action: BulkAction, ids: Collection[int]) -> dict[int, Before]:
    at = clock.now()
    row = {"tag": action.target, "account_id": action.account_id, "at": at}
    session.execute(insert(ContactTag), [{"contact_id": contact_id, **row} for contact_id in ids])
    return {contact_id: {"at": at.isoformat()} for contact_id in ids}


def _tag_back(session: Session, action: BulkAction, befores: Mapping[int, Before]) -> dict[int, str]:
    moments = {datetime.fromisoformat(before["at"]) for before in befores.values()}
    ours = (ContactTag.contact_id.in_(befores), ContactTag.tag == action.target, ContactTag.at.in_(moments))
    gone = set(
        session.scalars(delete(ContactTag).where(*ours).returning(ContactTag.contact_id), execution_options=_QUIETLY)
    )
    return dict.fromkeys(befores.keys() - gone, "The tag was taken off by hand since.")


def _untag_says(session: Session, target: str) -> str:
    return f"Take the tag “{target}” off them."


def _untag_left(target: str) -> Reasons:
    return [("They don’t have the tag.", ~_tagged(target))]


def _untag(session: Session, action: BulkAction, ids: Collection[int]) -> dict[int, Before]:
    theirs = (ContactTag.contact_id.in_(ids), ContactTag.tag == action.target)
    columns = (ContactTag.contact_id, ContactTag.account_id, ContactTag.at)
    rows = session.execute(delete(ContactTag).where(*theirs).returning(*columns), execution_options=_QUIETLY)
    return {contact_id: {"account": account, "at": at.isoformat()} for contact_id, account, at in rows}


def _untag_back(session: Session, action: BulkAction, befores: Mapping[int, Before]) -> dict[int, str]:
    again = set(
        session.scalars(
            select(ContactTag.contact_id).where(ContactTag.contact_id.in_(befores), ContactTag.tag == action.target)
        )
    )
    rows = [
        {
            "contact_id": contact_id,
            "tag": action.target,
            "account_id": before["account"],
            "at": datetime.fromisoformat(before["at"]),
        }
        for contact_id, before in befores.items()
        if contact_id not in again
    ]
    if rows:
        session.execute(insert(ContactTag), rows)
    return dict.fromkeys(again, "The tag was put on by hand since.")


# --- stages and follow-ups --------------------------------------------------------------------------------------


def _move_says(session: Session, target: str) -> str:
    stage = session.get(Stage, int(target)) if target.isascii() and target.isdigit() and len(target) < 10 else None
    if stage is None:
        raise Refusal("Choose the stage that they move to. Nothing was changed.")
    also = (
        "" if stage.outcome is Outcome.OPEN else f" Their leads are {stage.outcome.value}, and their follow-ups stop."
    )
    return f"Move their leads to “{stage.name}”.{also}"


def _move_left(target: str) -> Reasons:
    closed = select(Stage.id).where(Stage.outcome != Outcome.OPEN)
    opens = select(Stage.id).where(Stage.id == int(target), Stage.outcome == Outcome.OPEN).exists()
    beside = ContactCard.stage_id.in_(closed) & probed(select(Lead.contact_id).where(Lead.closed_at.is_(None)))
    return [
        ("They have no lead.", ContactCard.stage_id.is_(None)),
        ("Their lead stands there already.", ContactCard.stage_id == int(target)),
        (
            "An earlier lead of theirs is open, and there is one at a time.",
            beside & opens,
        ),
    ]


def _move(session: Session, action: BulkAction, ids: Collection[int]) -> dict[int, Before]:
    newest = select(func.max(Lead.id)).where(Lead.contact_id.in_(ids)).group_by(Lead.contact_id)
    leads = session.scalars(select(Lead).where(Lead.id.in_(newest)).execution_options(populate_existing=True)).all()
    stage = session.get_one(Stage, int(action.target))
    runs = standing_of(session, ids) if stage.outcome is not Outcome.OPEN else {}
    before = {
        lead.contact_id: {
            "lead": lead.id,
            "stage": lead.stage_id,
            "closed_at": lead.closed_at and lead.closed_at.isoformat(),
            "runs": runs.get(lead.contact_id, []),
        }
        for lead in leads
    }
    for lead in leads:
        lead.stage_id = stage.id
        lead.closed_at = None if stage.outcome is Outcome.OPEN else lead.closed_at or clock.now()
    session.flush()
    for contact_id in runs:
        stop_for_contact(session, contact_id, reason_of(action))
    return before


def _move_back(session: Session, action: BulkAction, befores: Mapping[int, Before]) -> dict[int, str]:
    kept: dict[int, str] = {}
    for contact_id, before in befores.items():
        lead = session.get(Lead, before["lead"], populate_existing=True)
        newest = session.scalar(select(func.max(Lead.id)).where(Lead.contact_id == contact_id))
        if lead is None or lead.contact_id != contact_id or lead.stage_id != int(action.target):
            kept[contact_id] = "The lead was moved since."
        elif lead.id != newest:
            kept[contact_id] = "Another lead was opened since."
        elif session.get(Stage, before["stage"]) is None:
            kept[contact_id] = "The stage where the lead stood is gone."
        elif before["runs"] and not let_go_on(session, before["runs"], reason_of(action)):
            kept[contact_id] = "Their follow-ups changed since."
        else:
            closed_at = before["closed_at"]
            lead.stage_id = before["stage"]
            lead.closed_at = datetime.fromisoformat(closed_at) if closed_at else None
            session.flush()
    return kept


def _stop_says(session: Session, target: str) -> str:
    return "Stop their follow-ups."


def _stop_left(target: str) -> Reasons:
    return [("No follow-ups are running for them.", ContactCard.follow_ups != FollowUps.RUNNING)]


def _stop(session: Session, action: BulkAction, ids: Collection[int]) -> dict[int, Before]:
    runs = standing_of(session, ids)
    for contact_id in runs:
        stop_for_contact(session, contact_id, reason_of(action))
    return {contact_id: {"runs": standing} for contact_id, standing in runs.items()}


def _stop_back(session: Session, action: BulkAction, befores: Mapping[int, Before]) -> dict[int, str]:
    return {
        contact_id: "Their follow-ups changed since."
        for contact_id, before in befores.items()
        if not let_go_on(session, before["runs"], reason_of(action))
    }


_QUIETLY = {"synchronize_session": False}

WAYS = {
    BulkKind.ASSIGN: Way(_assign_says, _assign_left, _assign, _assign_back),
    BulkKind.TAG: Way(_tag_says, _tag_left, _tag, _tag_back),
    BulkKind.UNTAG: Way(_untag_says, _untag_left, _untag, _untag_back),
    BulkKind.MOVE: Way(_move_says, _move_left, _move, _move_back),
    BulkKind.STOP: Way(_stop_says, _stop_left, _stop, _stop_back),
}
