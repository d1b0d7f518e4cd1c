"""Read a contact's mails, each with the reason why it was or wasn't sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.mail.models import DeliveryEvent, Message, MessageStatus
from tpminstitute.mail.outbox import LABELS


@dataclass(frozen=True)
class Said:
    """One thing a mail server said, as staff read it."""

    at: datetime
    sentence: str


@dataclass(frozen=True)
class Mail:
    """One mail as staff read it."""

    id: int
    label: str
    subject: str
    recipient: str
    status: MessageStatus
    explanation: str
    due_at: datetime
    sent_at: datetime | None
    text: str
    events: Sequence[Said]

    @property
    def needs_decision(self) -> bool:
        """Whether a person must say what becomes of it."""
        return self.status in (MessageStatus.FAILED, MessageStatus.UNCERTAIN)


def mails_of(session: Session, contact_id: int) -> Sequence[Mail]:
    """Return the mails that a contact caused or was sent, newest first."""
    messages = session.scalars(
        select(Message).where(Message.contact_id == contact_id).order_by(Message.id.desc()).limit(100)
    ).all()
    events: dict[int, list[Said]] = {message.id: [] for message in messages}
    for event in session.scalars(
        select(DeliveryEvent).where(DeliveryEvent.message_id.in_(events)).order_by(DeliveryEvent.id)
    ):
        code = f" ({event.code})" if event.code else ""
        events[event.message_id].append(
            Said(event.at, f"{event.kind.value.replace('_', ' ').capitalize()}{code}: {event.text}")
        )
    return [_mail(message, events[message.id]) for message in messages]


def _mail(message: Message, events: Sequence[Said]) -> Mail:
    return Mail(
        id=message.id,
        label=LABELS[message.kind],
        subject=message.subject,
        recipient=message.recipient,
        status=message.status,
        explanation=_explanation(message),
        due_at=message.due_at,
        sent_at=message.sent_at,
        text=plain_text(message.content),
        events=events,
    )


def _explanation(message: Message) -> str:
    match message.status:
        case MessageStatus.SENT:
            return "The mail server accepted it."
        case MessageStatus.QUEUED if message.attempts:
            return f"Tried {message.attempts} times, waiting to try again. {message.reason}"
        case MessageStatus.QUEUED:
            return "Waiting for its turn." if message.due_at <= clock.now() else "Waiting for its time."
        case MessageStatus.CLAIMED | MessageStatus.SENDING:
            return "A worker is sending it now."
        case _:
            return message.reason


def plain_text(content: bytes) -> str:
    """Return the plain text of a mail, as a person would read it."""
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    return "" if body is None else str(body.get_content())
