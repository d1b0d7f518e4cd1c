"""Read a contact's timeline."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

NEWEST = 200
"""Facts shown of one contact."""

NEWS = (
    ActivityKind.MAIL_NOT_SENT,
    ActivityKind.MAIL_UNCERTAIN,
    ActivityKind.MAIL_BOUNCED,
    ActivityKind.MAIL_COMPLAINED_OF,
    ActivityKind.STRANGER_WROTE,
    ActivityKind.AUTOMATIC_MAIL_RECEIVED,
    ActivityKind.FOLLOW_UP_DRAFTED,
)
"""What happens by itself, and is news to whoever has the contact open."""


@dataclass(frozen=True)
class Entry:
    """One fact as staff read it."""

    id: int
    at: datetime
    kind: ActivityKind
    sentence: str
    actor: str


_FACTS = (
    select(Activity.id, Activity.at, Activity.kind, Activity.sentence, Activity.actor, Account.name)
    .outerjoin(Account, Account.id == Activity.account_id)
    .where(Activity.contact_id == bindparam("contact"))
    .order_by(Activity.id.desc())
)
_CHOSEN = _FACTS.where(Activity.id.in_(bindparam("ids", expanding=True)))


def timeline_of(session: Session, contact_id: int, ids: Collection[int] | None = None) -> Sequence[Entry]:
    """Return facts about a contact, newest first: those that have one of `ids`, the newest by default."""
    if ids is None:
        found = session.execute(_FACTS.limit(NEWEST), {"contact": contact_id})
    else:
        found = session.execute(_CHOSEN, {"contact": contact_id, "ids": ids})
    return [
        Entry(fact_id, at, kind, sentence, _actor(actor, name)) for fact_id, at, kind, sentence, actor, name in found
    ]


_NEWEST = select(Activity.id).where(Activity.contact_id == bindparam("contact")).order_by(Activity.id.desc()).limit(1)


def newest_fact(session: Session, contact_id: int) -> int:
    """Return the id of the newest fact about a contact, 0 before there is any."""
    return session.scalar(_NEWEST, {"contact": contact_id}) or 0


def count_news(session: Session, contact_id: int, account_id: int, after: int) -> int:
    """Return how many facts about a contact are newer than the fact `after` and news to a staff member.

    What they did themselves is none, nor what merely follows from something else by itself.
    """
    news = or_(
        Activity.actor == Actor.VISITOR,
        and_(Activity.actor == Actor.STAFF, Activity.account_id != account_id),
        Activity.kind.in_(NEWS),
    )
    newer = (Activity.contact_id == contact_id, Activity.id > after)
    return session.scalar(select(func.count()).select_from(Activity).where(*newer, news)) or 0


def _actor(actor: Actor, account_name: str | None) -> str:
    return account_name or {Actor.VISITOR: "Visitor", Actor.SYSTEM: "Automatic"}.get(actor, "Staff")
