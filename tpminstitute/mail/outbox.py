"""Queue mails and cancel them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock, jobs
from tpminstitute.core.config import Settings
from tpminstitute.mail.compose import Address, ComposeError, compose, new_message_id
from tpminstitute.mail.letters import Letter
from tpminstitute.mail.models import DeliveryEvent, DeliveryEventKind, Message, MessageKind, MessageStatus

LABELS = {
    MessageKind.NOTICE: "Notice to the institute",
    MessageKind.ACKNOWLEDGEMENT: "Acknowledgement",
    MessageKind.FOLLOW_UP: "Follow-up",
    MessageKind.TEST: "Test",
    MessageKind.REPLY: "Reply",
    MessageKind.STAFF: "Mail to staff",
    MessageKind.COMMENT_ANSWER: "Word of an answer to a comment",
    MessageKind.PUBLICATION: "Question whether to publish",
    MessageKind.OWN_DATA: "Mail about their own data",
}

UNSENT = (MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.HELD)
"""Where a mail stands as long as no server has been offered its content."""


_MESSAGE = insert(Message.__table__).inline()  # type: ignore[arg-type]
"""Made once, on the table: a tick writes a thousand at once."""


@dataclass(frozen=True)
class Order:
    """A mail that is owed: to whom, why, and which letter.

    `sender_name` is who writes, the institute by default; `despite_closed` says that a person was told that the
    address is closed, and wants this one mail to go nevertheless. Only a mail to staff or to who commented may have no
    `contact_id`.
    `goes_at` is a moment that a person chose for it; `rests` how long it can be taken back before it goes.
    """

    kind: MessageKind
    contact_id: int | None
    cause: str
    dedupe_key: str
    recipient: Address
    recipient_key: str
    letter: Letter
    reply_to: Address | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sender_name: str = ""
    despite_closed: bool = False
    goes_at: datetime | None = None
    rests: timedelta = timedelta(0)


def queue(session: Session, settings: Settings, order: Order) -> bool:
    """Write a mail to the outbox, its bytes and Message-ID made now, and ask for its delivery.

    Returns False when the same mail (`dedupe_key`) was queued before; then nothing is written.
    """
    dialect = session.get_bind().dialect.name
    insert_or_ignore = postgresql.insert if dialect == "postgresql" else sqlite.insert
    written = session.execute(
        insert_or_ignore(Message)
        .values(**_row(settings, order))
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Message.id)
    ).scalar_one_or_none()
    jobs.hint(session, jobs.Job.DELIVER)
    return written is not None


def queue_each(session: Session, settings: Settings, orders: Sequence[Order]) -> None:
    """Write many mails to the outbox; the caller has seen, under lock, that none of them was queued before."""
    if orders:
        session.connection().execute(_MESSAGE, [_row(settings, order) for order in orders])
        jobs.hint(session, jobs.Job.DELIVER)


def _row(settings: Settings, order: Order) -> dict[str, Any]:
    message_id = new_message_id(settings.mail_from.rpartition("@")[2])
    now = clock.now()
    content, problem = _composed(settings, order, message_id)
    return {
        "kind": order.kind,
        "contact_id": order.contact_id,
        "cause": order.cause,
        "dedupe_key": order.dedupe_key,
        "message_id": message_id,
        "sender": settings.mail_from,
        "recipient": order.recipient.email,
        "recipient_key": order.recipient_key,
        "recipient_domain": order.recipient_key.rpartition("@")[2],
        "subject": order.letter.subject,
        "content": content,
        "status": MessageStatus.FAILED if problem else MessageStatus.QUEUED,
        "reason": problem,
        "due_at": order.goes_at or now + order.rests,
        "created_at": now,
        "attempts": 0,
        "despite_closed": order.despite_closed,
        "goes_at": order.goes_at,
    }


def _composed(settings: Settings, order: Order, message_id: str) -> tuple[bytes, str]:
    """Return a mail's bytes, or why there are none: what caused it is stored in any case."""
    try:
        content = compose(
            order.letter,
            sender=Address(order.sender_name or settings.institute_name, settings.mail_from),
            recipient=order.recipient,
            message_id=message_id,
            date=order.goes_at or clock.now(),
            reply_to=order.reply_to,
            headers=order.headers,
        )
    except ComposeError as problem:
        return b"", str(problem)
    return content, ""


def cancel(session: Session, cause: str, reason: str, only: Collection[str] | None = None) -> int:
    """Cancel the mails of `cause` that no server has been offered yet; returns how many.

    Parameters: `only`, the dedupe keys of those that are meant; all by default.
    A worker that holds one of them under its lease finds out before it sends the content.
    """
    cancelled = session.execute(
        update(Message)
        .where(
            Message.cause == cause,
            Message.status.in_(UNSENT),
            true() if only is None else Message.dedupe_key.in_(only),
        )
        .values(status=MessageStatus.CANCELLED, reason=reason, lease_token=None, lease_until=None)
        .returning(Message.id)
    ).all()
    return len(cancelled)


def take_back(session: Session, cause: str, reason: str, only: Collection[str] | None = None) -> Sequence[str]:
    """Cancel the mails of `cause` that no server has been offered yet, so that each may be written once more.

    Parameters: `only`, the dedupe keys of those that are meant; all by default.
    The cancelled rows stay and give up their dedupe keys, so a key still stands for one mail that may go out.
    Returns the keys that are free now. A worker that holds one of the mails finds out before it sends the content.
    """
    meant = true() if only is None else Message.dedupe_key.in_(only)
    unsent = (Message.cause == cause, Message.status.in_(UNSENT), meant)
    taken = session.execute(select(Message.id, Message.dedupe_key).where(*unsent).with_for_update()).all()
    for message_id, key in taken:
        session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(
                status=MessageStatus.CANCELLED,
                reason=reason,
                lease_token=None,
                lease_until=None,
                dedupe_key=f"{key}:taken-back:{message_id}",
            )
            .execution_options(synchronize_session=False)
        )
    return [key for _, key in taken]


def hold_back(session: Session, ids: Collection[int], reason: str) -> Sequence[str]:
    """Let mails that no server has been offered yet wait until a person says what becomes of them (`reason`).

    Returns their subjects. A worker that holds one of them finds out before it sends the content.
    """
    return session.scalars(
        update(Message)
        .where(Message.id.in_(ids), Message.status.in_((MessageStatus.QUEUED, MessageStatus.CLAIMED)))
        .values(status=MessageStatus.HELD, reason=reason, lease_token=None, lease_until=None)
        .returning(Message.subject)
        .execution_options(synchronize_session=False)
    ).all()


def event(message_id: int, kind: DeliveryEventKind, text: str, code: int | None = None) -> DeliveryEvent:
    """Return a new delivery event, now."""
    return DeliveryEvent(message_id=message_id, at=clock.now(), kind=kind, code=code, text=text)


def describe(kind: MessageKind, subject: str) -> str:
    """Return a mail's name for a sentence, such as ``Acknowledgement “We have your message”``."""
    return f"{LABELS[kind]} “{subject}”"
