"""What can be done with many contacts: whom it would leave as they are, how it is done, and how it is undone."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.colleagues import colleagues
from tpminstitute.contacts import tags
from tpminstitute.contacts.models import Contact, ContactCard, ContactTag, FollowUps
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.lists import bulk_moves
from tpminstitute.lists.bulk_ways import NOBODY, Before, Doing, Reasons, Way, reason_of
from tpminstitute.lists.filters import probed
from tpminstitute.lists.models import BulkAction, BulkKind
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.taking_back import let_go_on, standing_of


def as_kept(doing: Doing) -> Doing:
    """Return a thing to do with its target as it is kept; raises `Refusal` for a tag that can't be."""
    tagging = doing.kind in (BulkKind.TAG, BulkKind.UNTAG)
    return replace(doing, target=tags.normal(doing.target)) if tagging else doing


# --- who looks after them ---------------------------------------------------------------------------------------


def _assign_says(session: Session, doing: Doing) -> str:
    if doing.target == NOBODY:
        return "Nobody looks after them any more."
    able = {str(account.id): account.name for account in colleagues(session)}
    if doing.target not in able:
        raise Refusal("Choose who looks after them: an account that is open and may act. Nothing was changed.")
    return f"{able[doing.target]} looks after them."


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
    able = {account.id for account in colleagues(session)}
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


def _tag_says(session: Session, doing: Doing) -> str:
    return f"Put the tag “{doing.target}” on them."


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


def _untag_says(session: Session, doing: Doing) -> str:
    return f"Take the tag “{doing.target}” off them."


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


# --- follow-ups --------------------------------------------------------------------------------------------------


def _stop_says(session: Session, doing: Doing) -> str:
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
    BulkKind.MOVE: bulk_moves.WAY,
    BulkKind.STOP: Way(_stop_says, _stop_left, _stop, _stop_back),
}
