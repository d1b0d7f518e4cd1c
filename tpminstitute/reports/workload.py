"""What each person of the staff did in a period, and what lies with them now."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.inbox.models import Conversation, Turn
from tpminstitute.reports.periods import Period
from tpminstitute.timeline.models import Activity, ActivityKind

DOINGS = {
    "Answers": (ActivityKind.STAFF_REPLIED, ActivityKind.REPLY_SCHEDULED, ActivityKind.STAFF_MAIL_FILED),
    "Calls": (ActivityKind.CALL_NOTED,),
    "Notes": (ActivityKind.NOTE_ADDED,),
    "Leads moved": (ActivityKind.LEAD_MOVED,),
    "Closed without an answer": (ActivityKind.CONVERSATION_CLOSED,),
    "Drafts decided": (ActivityKind.FOLLOW_UP_DECIDED,),
}
"""What is counted, and the facts of the timeline that count for it."""

TAKEN_BACK = {"Answers": ActivityKind.REPLY_TAKEN_BACK}
"""The facts that take one of them back; a reply that was held back and then sent counts once by that."""


@dataclass(frozen=True)
class Load:
    """One person: what they did, by the names of `DOINGS`; how many contacts are theirs, and how many of them wait."""

    name: str
    active: bool
    done: dict[str, int]
    contacts: int
    waiting: int


def workload(session: Session, chosen: Period) -> list[Load]:
    """Return what everybody did in a period and has now, by name; a closed account only if it did something."""
    kinds = [kind for counted in DOINGS.values() for kind in counted] + list(TAKEN_BACK.values())
    facts = session.execute(
        select(Activity.account_id, Activity.kind, func.count())
        .where(
            Activity.account_id.is_not(None),
            Activity.at >= chosen.begins,
            Activity.at < chosen.ends,
            Activity.kind.in_(kinds),
        )
        .group_by(Activity.account_id, Activity.kind)
    )
    counted = {(account_id, kind): number for account_id, kind, number in facts}
    theirs, waiting = _owned(session), _owned_and_waiting(session)
    loads = [
        Load(
            account.name,
            account.active,
            {name: _done(counted, account.id, name) for name in DOINGS},
            theirs[account.id],
            waiting[account.id],
        )
        for account in session.scalars(select(Account).order_by(Account.name, Account.id))
    ]
    return [load for load in loads if load.active or any(load.done.values()) or load.contacts]


def _done(counted: Mapping[tuple[int | None, ActivityKind], int], account_id: int, name: str) -> int:
    """Return how often somebody did a thing, without what was taken back, which a colleague may have done."""
    did = sum(counted.get((account_id, kind), 0) for kind in DOINGS[name])
    undone = counted.get((account_id, TAKEN_BACK[name]), 0) if name in TAKEN_BACK else 0
    return max(did - undone, 0)


def _owned(session: Session) -> Counter[int | None]:
    rows = session.execute(
        select(Contact.owner_id, func.count()).where(Contact.owner_id.is_not(None)).group_by(Contact.owner_id)
    )
    return Counter(dict(rows.all()))


def _owned_and_waiting(session: Session) -> Counter[int | None]:
    rows = session.execute(
        select(Contact.owner_id, func.count())
        .join(Conversation, Conversation.contact_id == Contact.id)
        .where(Contact.owner_id.is_not(None), Conversation.turn == Turn.INSTITUTE)
        .group_by(Contact.owner_id)
    )
    return Counter(dict(rows.all()))
