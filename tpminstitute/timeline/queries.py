"""Read a contact's timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.timeline.models import Activity, Actor

NEWEST = 200
"""Facts shown of one contact."""


@dataclass(frozen=True)
class Entry:
    """One fact as staff read it."""

    at: datetime
    sentence: str
    actor: str


def timeline_of(session: Session, contact_id: int) -> Sequence[Entry]:
    """Return the contact's newest facts, newest first."""
    rows = session.execute(
        select(Activity.at, Activity.sentence, Activity.actor, Account.name)
        .outerjoin(Account, Account.id == Activity.account_id)
        .where(Activity.contact_id == contact_id)
        .order_by(Activity.id.desc())
        .limit(NEWEST)
    )
    return [Entry(at, sentence, _actor(actor, name)) for at, sentence, actor, name in rows]


def _actor(actor: Actor, account_name: str | None) -> str:
    return account_name or {Actor.VISITOR: "Visitor", Actor.SYSTEM: "Automatic"}.get(actor, "Staff")
