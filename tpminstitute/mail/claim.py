"""Claim due mails under a lease, give them back, and recover what a dead worker held (DESIGN.md 4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail import settlement, throttle
from tpminstitute.mail.models import MailControl, Message, MessageKind, MessageStatus

BATCH = 50
"""Messages claimed at once and sent over one connection."""


@dataclass(frozen=True)
class Claimed:
    """One message under our lease, with all that sending it needs.

    A mail whose moment a person chose counts as created then: the days for which it is tried begin with it.
    """

    id: int
    kind: MessageKind
    contact_id: int | None
    sender: str
    recipient: str
    recipient_key: str
    recipient_domain: str
    subject: str
    content: bytes
    attempts: int
    created_at: datetime


_CREATED_AT = func.coalesce(Message.goes_at, Message.created_at).label("created_at")

_TAKE = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(Message.id.in_(bindparam("ids", expanding=True)), Message.status == MessageStatus.QUEUED)
    .values(status=MessageStatus.CLAIMED, lease_token=bindparam("token"), lease_until=bindparam("until"))
    .returning(*(_CREATED_AT if one.name == "created_at" else getattr(Message, one.name) for one in fields(Claimed)))
)
"""Made once, as all that is done for every batch."""


def waiting(session: Session, most: int) -> int:
    """Return how many mails are due, counted up to `most`; none while outgoing mail is held."""
    if session.scalar(select(MailControl.held)):
        return 0
    return (
        session.scalar(
            select(func.count()).select_from(select(Message.id).where(*throttle.DUE).limit(most).subquery()),
            {"moment": clock.now()},
        )
        or 0
    )


def claim(session: Session, settings: Settings, token: str, moment: datetime) -> Sequence[Claimed]:
    """Take the mails due at `moment` that have waited longest and that no limit holds back, under `token`'s lease."""
    if session.scalar(select(MailControl.held)):
        return []
    ids = throttle.allowed(session, settings, moment, BATCH)
    if not ids:
        return []
    until = clock.now() + timedelta(seconds=settings.lease_seconds)
    rows = session.connection().execute(_TAKE, {"ids": ids, "token": token, "until": until})
    return sorted((Claimed(*row) for row in rows), key=lambda taken: ids.index(taken.id))


def give_back(session: Session, whose: ColumnElement[bool]) -> None:
    """Put claimed messages, whose content no server has seen, back into the queue."""
    session.execute(
        update(Message)
        .where(Message.status == MessageStatus.CLAIMED, whose)
        .values(status=MessageStatus.QUEUED, lease_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def recover_expired(session: Session) -> None:
    """Take back what a worker held when it died."""
    expired = Message.lease_until < clock.now()
    give_back(session, expired)
    rows = session.execute(
        select(Message.id, Message.kind, Message.contact_id, Message.subject, _CREATED_AT)
        .where(Message.status == MessageStatus.SENDING, expired)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        settlement.uncertain(session, settlement.Subject(*row))
