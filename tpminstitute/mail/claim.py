"""Claim due mails under a lease, give them back, and recover what a dead worker held (DESIGN.md 4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail import settlement, throttle
from tpminstitute.mail.models import MailControl, Message, MessageKind, MessageStatus

BATCH = 50
"""Messages claimed at once and sent over one connection."""


@dataclass(frozen=True)
class Claimed:
    """One message under our lease, with all that sending it needs."""

    id: int
    kind: MessageKind
    contact_id: int
    sender: str
    recipient: str
    recipient_key: str
    recipient_domain: str
    subject: str
    content: bytes
    attempts: int
    created_at: datetime


def due_by(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a row of `messages` is due at `moment`."""
    return Message.status == MessageStatus.QUEUED, Message.due_at <= moment


def waiting(session: Session, most: int) -> int:
    """Return how many mails are due, counted up to `most`; none while outgoing mail is held."""
    if session.scalar(select(MailControl.held)):
        return 0
    return (
        session.scalar(
            select(func.count()).select_from(select(Message.id).where(*due_by(clock.now())).limit(most).subquery())
        )
        or 0
    )


def claim(session: Session, settings: Settings, token: str, moment: datetime) -> Sequence[Claimed]:
    """Take the mails due at `moment` that have waited longest and that no limit holds back, under `token`'s lease."""
    if session.scalar(select(MailControl.held)):
        return []
    ids = throttle.allowed(session, settings, due_by(moment), BATCH)
    if not ids:
        return []
    session.execute(
        update(Message)
        .where(Message.id.in_(ids), Message.status == MessageStatus.QUEUED)
        .values(
            status=MessageStatus.CLAIMED,
            lease_token=token,
            lease_until=clock.now() + timedelta(seconds=settings.lease_seconds),
        )
        .execution_options(synchronize_session=False)
    )
    columns = [getattr(Message, column.name) for column in fields(Claimed)]
    rows = session.execute(select(*columns).where(Message.lease_token == token).order_by(Message.due_at, Message.id))
    return [Claimed(*row) for row in rows]


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
        select(Message.id, Message.kind, Message.contact_id, Message.subject, Message.created_at)
        .where(Message.status == MessageStatus.SENDING, expired)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        settlement.uncertain(session, settlement.Subject(*row))
