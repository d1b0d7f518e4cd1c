"""Deliver what is due: claim under a lease, recheck, send, settle (DESIGN.md 4.4).

A message is `claimed` while a worker may still give it back, and `sending` from just before its content goes out.
A worker that dies leaves `claimed` ones to be sent by the next, and `sending` ones uncertain: the institute's notice
goes again with the same Message-ID, everything else waits for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, not_, select, update
from sqlalchemy.orm import Session

from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Database
from tpminstitute.mail.models import DeliveryEventKind, Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import describe, event
from tpminstitute.mail.suppression import SENTENCES, closed_to_this_message, suppression_of
from tpminstitute.mail.transport import Answer, Connection, Transport, Unreachable
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

log = structlog.get_logger(__name__)

BATCH = 50
"""Messages claimed at once and sent over one connection."""

FIRST_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
LATER_PAUSE = timedelta(hours=8)
GIVE_UP_AFTER = timedelta(days=5)
"""RFC 5321, 4.5.4.1: the time to give up needs to be at least four to five days."""

UNCERTAIN_REASON = (
    "The connection or the worker ended between the end of the mail and the server's answer, "
    "so it may or may not have arrived."
)


@dataclass(frozen=True)
class Claimed:
    """One message under our lease, with all that sending it needs."""

    id: int
    kind: MessageKind
    contact_id: int
    sender: str
    recipient: str
    recipient_key: str
    subject: str
    content: bytes
    attempts: int
    created_at: datetime


def deliver(db: Database, transport: Transport, lease_seconds: int) -> int:
    """Send every message that is due; any number of workers may run at once.

    Parameters: `transport`, the way to the mail server; `lease_seconds`, how long a claim holds without news.
    Returns how many messages the server accepted. Raises nothing for a mail or server that fails: both are recorded.
    """
    lease = timedelta(seconds=lease_seconds)
    with db.write() as session:
        _recover_expired(session)
    accepted = 0
    while True:
        token = tokens.secret()
        with db.write() as session:
            batch = _claim(session, token, lease)
        if not batch:
            return accepted
        sent, reachable = _send_batch(db, transport, batch, token, lease)
        log.info("mails_delivered", accepted=sent, of=len(batch))
        accepted += sent
        if not reachable:
            return accepted


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after that many failed tries: minutes first, then hours."""
    return FIRST_PAUSES[attempts - 1] if attempts <= len(FIRST_PAUSES) else LATER_PAUSE


def _recover_expired(session: Session) -> None:
    """Take back what a worker held when it died."""
    expired = Message.lease_until < clock.now()
    _give_back(session, expired)
    rows = session.execute(
        select(Message.id, Message.kind, Message.contact_id, Message.subject)
        .where(Message.status == MessageStatus.SENDING, expired)
        .with_for_update(skip_locked=True)
    ).all()
    for message_id, kind, contact_id, subject in rows:
        _settle_uncertain(session, message_id, kind, contact_id, subject)


def _give_back(session: Session, whose: ColumnElement[bool]) -> None:
    """Put claimed messages, whose content no server has seen, back into the queue."""
    session.execute(
        update(Message)
        .where(Message.status == MessageStatus.CLAIMED, whose)
        .values(status=MessageStatus.QUEUED, lease_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def _claim(session: Session, token: str, lease: timedelta) -> Sequence[Claimed]:
    now = clock.now()
    due = session.scalars(
        select(Message.id)
        .where(Message.status == MessageStatus.QUEUED, Message.due_at <= now)
        .order_by(Message.due_at, Message.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(
        update(Message)
        .where(Message.id.in_(due), Message.status == MessageStatus.QUEUED)
        .values(status=MessageStatus.CLAIMED, lease_token=token, lease_until=now + lease)
        .execution_options(synchronize_session=False)
    )
    columns = [getattr(Message, name) for name in Claimed.__dataclass_fields__]
    rows = session.execute(select(*columns).where(Message.lease_token == token).order_by(Message.due_at, Message.id))
    return [Claimed(*row) for row in rows]


def _send_batch(
    db: Database, transport: Transport, batch: Sequence[Claimed], token: str, lease: timedelta
) -> tuple[int, bool]:
    """Send a batch over one connection; returns how many were accepted and whether the server could be reached.

    When the connection breaks on one message, that one waits and the ones behind it go on over a new connection.
    """
    left = list(batch)
    accepted = 0
    try:
        with transport.open() as connection:
            while left:
                answer = _send(db, connection, left.pop(0), token, lease)
                accepted += answer is not None and answer.accepted
                if answer is not None and answer.connection_lost:
                    break
    except Unreachable as problem:
        log.warning("mail_server_unreachable", reason=str(problem), waiting=len(left))
        with db.write() as session:
            for message in left:
                _defer(session, message, token, Answer(DeliveryEventKind.UNREACHABLE, str(problem)))
        return accepted, False
    if left:
        with db.write() as session:
            _give_back(session, Message.lease_token == token)
    return accepted, True


def _send(db: Database, connection: Connection, message: Claimed, token: str, lease: timedelta) -> Answer | None:
    """Send one message and settle it; returns None when it was not ours to send any more."""
    answer = connection.offer(message.sender, message.recipient, message.content)
    if answer.accepted:
        with db.write() as session:
            if not _begin_sending(session, message, token, lease):
                return None
        answer = connection.hand_over(message.content)
    with db.write() as session:
        _settle(session, message, token, answer)
    return answer


def _begin_sending(session: Session, message: Claimed, token: str, lease: timedelta) -> bool:
    """Just before DATA: still ours, not cancelled, not suppressed? Then say so in the row."""
    begun = session.execute(
        update(Message)
        .where(
            _held_by(message.id, token),
            Message.status == MessageStatus.CLAIMED,
            not_(closed_to_this_message()),
        )
        .values(status=MessageStatus.SENDING, lease_until=clock.now() + lease)
        .execution_options(synchronize_session=False)
        .returning(Message.id)
    ).one_or_none()
    if begun is None:
        _settle_suppressed(session, message, token)
    return begun is not None


def _settle(session: Session, message: Claimed, token: str, answer: Answer) -> None:
    match answer.kind:
        case DeliveryEventKind.ACCEPTED:
            _settle_accepted(session, message, token, answer)
        case DeliveryEventKind.REFUSED:
            _settle_failed(session, message, token, answer, f"The mail server refused it: {answer.text}")
        case DeliveryEventKind.UNCERTAIN:
            if _change(session, message.id, token, status=MessageStatus.QUEUED):
                _settle_uncertain(session, message.id, message.kind, message.contact_id, message.subject)
        case _:
            _defer(session, message, token, answer)


def _settle_accepted(session: Session, message: Claimed, token: str, answer: Answer) -> None:
    if not _change(session, message.id, token, status=MessageStatus.SENT, reason="", sent_at=clock.now()):
        return
    session.add(event(message.id, answer.kind, answer.text, answer.code))
    record(
        session,
        message.contact_id,
        ActivityKind.MAIL_SENT,
        f"{describe(message.kind, message.subject)} was sent.",
    )


def _settle_failed(session: Session, message: Claimed, token: str, answer: Answer, reason: str) -> None:
    if not _change(session, message.id, token, status=MessageStatus.FAILED, reason=reason):
        return
    session.add(event(message.id, answer.kind, answer.text, answer.code))
    sentence = f"{describe(message.kind, message.subject)} could not be sent. {reason}"
    record(session, message.contact_id, ActivityKind.MAIL_NOT_SENT, sentence)


def _settle_suppressed(session: Session, message: Claimed, token: str) -> None:
    suppression = suppression_of(session, message.recipient_key)
    reason = SENTENCES[suppression.reason] if suppression else "The address is closed."
    if _change(session, message.id, token, status=MessageStatus.SUPPRESSED, reason=reason):
        sentence = f"{describe(message.kind, message.subject)} was not sent. {reason}"
        record(session, message.contact_id, ActivityKind.MAIL_NOT_SENT, sentence)


def _settle_uncertain(session: Session, message_id: int, kind: MessageKind, contact_id: int, subject: str) -> None:
    again = kind is MessageKind.NOTICE
    session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(
            status=MessageStatus.QUEUED if again else MessageStatus.UNCERTAIN,
            reason="" if again else UNCERTAIN_REASON,
            attempts=Message.attempts + 1,
            lease_token=None,
            lease_until=None,
        )
    )
    then = "It is sent again with the same Message-ID." if again else "It waits for a person to decide."
    session.add(event(message_id, DeliveryEventKind.UNCERTAIN, f"{UNCERTAIN_REASON} {then}"))
    sentence = f"{describe(kind, subject)}: {UNCERTAIN_REASON} {then}"
    record(session, contact_id, ActivityKind.MAIL_UNCERTAIN, sentence)


def _defer(session: Session, message: Claimed, token: str, answer: Answer) -> None:
    """Wait and try again, or give up after days."""
    now, attempts = clock.now(), message.attempts + 1
    if now - message.created_at > GIVE_UP_AFTER:
        reason = f"Given up after {attempts} tries over {GIVE_UP_AFTER.days} days: {answer.text}"
        _settle_failed(session, message, token, answer, reason)
        return
    due = now + pause_after(attempts)
    if _change(
        session,
        message.id,
        token,
        status=MessageStatus.QUEUED,
        attempts=attempts,
        due_at=due,
        reason=answer.text,
    ):
        session.add(event(message.id, answer.kind, answer.text, answer.code))


def _change(session: Session, message_id: int, token: str, **values: object) -> bool:
    """Settle a message if our lease on it still holds; a worker that lost it changes nothing."""
    changed = session.execute(
        update(Message)
        .where(_held_by(message_id, token))
        .values(lease_token=None, lease_until=None, **values)
        .returning(Message.id)
    ).one_or_none()
    if changed is None:
        log.warning("lease_lost", message=message_id)
    return changed is not None


def _held_by(message_id: int, token: str) -> ColumnElement[bool]:
    return and_(Message.id == message_id, Message.lease_token == token)
