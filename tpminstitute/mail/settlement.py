"""Settle a mail: write down what became of it, if our lease on it still holds.

The statements of the way every mail goes are made once: building them anew for each mail would cost more than
running them. They write down several mails at once: what every mail costs is mostly its statements' way there and back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    not_,
    select,
    update,
)
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.bulk import ForEach, Given
from tpminstitute.core.db import UtcDateTime
from tpminstitute.mail.models import (
    DeliveryEvent,
    DeliveryEventKind,
    MailControl,
    Message,
    MessageKind,
    MessageStatus,
)
from tpminstitute.mail.outbox import describe, event
from tpminstitute.mail.suppression import SENTENCES, closed_to_this_message, suppression_of
from tpminstitute.mail.transport import Answer
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record, record_each

log = structlog.get_logger(__name__)

FIRST_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 240))
LATER_PAUSE = timedelta(hours=8)
GIVE_UP_AFTER = timedelta(days=5)
"""RFC 5321, 4.5.4.1: the time to give up needs to be at least four to five days."""

SENT_AGAIN = (MessageKind.NOTICE, MessageKind.STAFF)
"""What is rather read twice than never: it may have arrived, and goes once more with the same Message-ID."""

UNCERTAIN_REASON = (
    "The connection or the worker ended between the end of the mail and the server's answer, "
    "so it may or may not have arrived."
)


class Subject(NamedTuple):
    """The mail that something is written down about."""

    id: int
    kind: MessageKind
    contact_id: int | None
    subject: str
    created_at: datetime


class Leased(NamedTuple):
    """A mail, and the token of the lease that we hold it under."""

    mail: Subject
    token: str


def _ours(given: Given) -> ColumnElement[bool]:
    return and_(Message.id == given["id"], Message.lease_token == given["token"])


_BEGIN = ForEach(
    lambda given: (
        update(Message.__table__)  # type: ignore[arg-type]
        .where(
            _ours(given),
            Message.status == MessageStatus.CLAIMED,
            not_(closed_to_this_message()),
            not_(exists().where(MailControl.held)),
        )
        .values(status=MessageStatus.SENDING, lease_until=bindparam("until"))
    ),
    id=Integer,
    token=String,
)
_ACCEPT = ForEach(
    lambda given: (
        update(Message.__table__)  # type: ignore[arg-type]
        .where(_ours(given))
        .values(status=MessageStatus.SENT, reason="", sent_at=bindparam("now"), lease_token=None, lease_until=None)
    ),
    id=Integer,
    token=String,
)
_NOTE = ForEach(
    lambda given: insert(DeliveryEvent.__table__).from_select(  # type: ignore[arg-type]
        ["message_id", "at", "kind", "code", "text"],
        select(
            given["id"],
            bindparam("now", type_=UtcDateTime()),
            literal(DeliveryEventKind.ACCEPTED, DeliveryEvent.kind.type),
            given["code"],
            given["text"],
        ),
    ),
    id=Integer,
    code=Integer,
    text=String,
)


def begin_sending(session: Session, mails: Sequence[Leased], until: datetime) -> bool:
    """Just before DATA: still ours, not cancelled, not suppressed, not held? Then say in the row that it is sending.

    Parameters: `until`, when the lease ends that begins here.
    Returns whether that was so of every one of the mails; if it was not, the row of one that was has changed.
    """
    return _BEGIN.run(session.connection(), [(mail.id, token) for mail, token in mails], until=until) == len(mails)


def accepted(session: Session, mails: Sequence[Leased], answers: Sequence[Answer]) -> bool:
    """Settle mails that the server took; `answers` are in the order of the mails.

    Returns whether the leases on all of them still held; if not, nothing but the rows of those that did has changed.
    """
    now, connection = clock.now(), session.connection()
    if _ACCEPT.run(connection, [(mail.id, token) for mail, token in mails], now=now) != len(mails):
        return False
    said = [(mail.id, answer.code, answer.text) for (mail, _), answer in zip(mails, answers, strict=True)]
    _NOTE.run(connection, said, now=now)
    sentences = [
        (mail.contact_id, f"{describe(mail.kind, mail.subject)} was sent.")
        for mail, _ in mails
        if mail.kind is not MessageKind.TEST and mail.contact_id is not None
    ]
    record_each(session, ActivityKind.MAIL_SENT, sentences)
    return True


def failed(session: Session, message: Subject, token: str, answer: Answer, reason: str) -> None:
    """Settle a mail that will not be tried again."""
    if _change(session, message.id, token, status=MessageStatus.FAILED, reason=reason):
        session.add(event(message.id, answer.kind, answer.text, answer.code))
        sentence = f"{describe(message.kind, message.subject)} could not be sent. {reason}"
        _tell(session, message, ActivityKind.MAIL_NOT_SENT, sentence)


def deferred(session: Session, message: Subject, token: str, answer: Answer, attempts: int) -> None:
    """Let a mail wait and try it again later; `attempts` counts the one that just failed."""
    due = clock.now() + pause_after(attempts)
    values = {"status": MessageStatus.QUEUED, "attempts": attempts, "due_at": due, "reason": answer.text}
    if _change(session, message.id, token, **values):  # type: ignore[arg-type]
        session.add(event(message.id, answer.kind, answer.text, answer.code))


def unknown(session: Session, message: Subject, token: str) -> None:
    """Settle a mail whose answer never came, if it is still ours."""
    if _change(session, message.id, token, status=MessageStatus.QUEUED):
        uncertain(session, message)


def uncertain(session: Session, message: Subject) -> None:
    """Decide about a mail that may have arrived and whose row nobody else can change meanwhile.

    What goes to the institute's own people goes again, until it is given up as every mail is; others wait for a person.
    """
    attempts = 1 + session.scalars(select(Message.attempts).where(Message.id == message.id)).one()
    values: dict[str, object] = {"status": MessageStatus.UNCERTAIN, "reason": UNCERTAIN_REASON}
    then = "It waits for a person to decide."
    if message.kind in SENT_AGAIN and given_up(message.created_at):
        values = {"status": MessageStatus.FAILED, "reason": given_up_reason(attempts, UNCERTAIN_REASON)}
        then = f"After {attempts} tries over {GIVE_UP_AFTER.days} days it is not sent again by itself."
    elif message.kind in SENT_AGAIN:
        values = {"status": MessageStatus.QUEUED, "reason": ""}
        then = "It is sent again with the same Message-ID."
        if attempts > 1:  # each try may be one more copy: the first goes at once, the others take their time
            values["due_at"] = clock.now() + pause_after(attempts - 1)
    session.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(attempts=attempts, lease_token=None, lease_until=None, **values)
    )
    session.add(event(message.id, DeliveryEventKind.UNCERTAIN, f"{UNCERTAIN_REASON} {then}"))
    sentence = f"{describe(message.kind, message.subject)}: {UNCERTAIN_REASON} {then}"
    _tell(session, message, ActivityKind.MAIL_UNCERTAIN, sentence)


def not_begun(session: Session, message: Subject, token: str, recipient_key: str) -> None:
    """Settle a mail that was found not to be sent just before its content: suppressed, or held back for a while."""
    suppressed = session.scalar(select(Message.id).where(_held_by(message.id, token), closed_to_this_message()))
    if suppressed is None:
        _change(session, message.id, token, quietly=True, status=MessageStatus.QUEUED)
        return
    suppression = suppression_of(session, recipient_key)
    reason = SENTENCES[suppression.reason] if suppression else "The address is closed."
    if _change(session, message.id, token, status=MessageStatus.SUPPRESSED, reason=reason):
        sentence = f"{describe(message.kind, message.subject)} was not sent. {reason}"
        _tell(session, message, ActivityKind.MAIL_NOT_SENT, sentence)


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after that many failed tries: minutes first, then hours."""
    return FIRST_PAUSES[attempts - 1] if attempts <= len(FIRST_PAUSES) else LATER_PAUSE


def given_up(created_at: datetime) -> bool:
    """Return whether a mail that was written at `created_at` has been tried for long enough."""
    return clock.now() - created_at > GIVE_UP_AFTER


def given_up_reason(attempts: int, last: str) -> str:
    """Return why a mail is not tried again; `last` says what became of the last try."""
    return f"Given up after {attempts} tries over {GIVE_UP_AFTER.days} days: {last}"


def _tell(session: Session, message: Subject, kind: ActivityKind, sentence: str) -> None:
    """Write on the contact's timeline; a test mail to a colleague is none of the contact's business."""
    if message.kind is not MessageKind.TEST and message.contact_id is not None:
        record(session, message.contact_id, kind, sentence)


def _change(session: Session, message_id: int, token: str, *, quietly: bool = False, **values: object) -> bool:
    changed = session.execute(
        update(Message)
        .where(_held_by(message_id, token))
        .values(lease_token=None, lease_until=None, **values)
        .returning(Message.id)
    ).one_or_none()
    if changed is None and not quietly:
        lease_lost(message_id)
    return changed is not None


def lease_lost(message_id: int) -> None:
    """Say in the log that a mail was not ours any more when there was something to settle."""
    log.warning("lease_lost", message=message_id)


def _held_by(message_id: int, token: str) -> ColumnElement[bool]:
    return and_(Message.id == message_id, Message.lease_token == token)
