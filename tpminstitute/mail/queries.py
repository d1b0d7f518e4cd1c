"""Read a contact's mails, each with the reason why it was or wasn't sent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message as Parsed
from functools import lru_cache

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.mail.models import DeliveryEvent, Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import LABELS
from tpminstitute.mail.personal import answer_in

FOR_THEM_ALONE = "It holds a link that is for its reader alone."
"""What staff read of a mail by which somebody gets at all that is held about them: its links would do as much here."""


@dataclass(frozen=True)
class Said:
    """One thing a mail server said, as staff read it."""

    at: datetime
    sentence: str


@dataclass(frozen=True)
class Mail:
    """One mail as staff read it.

    `at` is when it was written, or the moment that was chosen for it; `writer` is the name that it is sent under;
    `words` is what was written for this one person, '' in a letter that many get; `text` all that it says.
    """

    id: int
    kind: MessageKind
    label: str
    writer: str
    subject: str
    recipient: str
    status: MessageStatus
    explanation: str
    at: datetime
    due_at: datetime
    sent_at: datetime | None
    words: str
    text: str
    events: Sequence[Said]

    @property
    def needs_decision(self) -> bool:
        """Whether a person must say what becomes of it."""
        return self.status in (MessageStatus.FAILED, MessageStatus.UNCERTAIN)


_MAILS = select(Message).where(Message.id.in_(bindparam("ids", expanding=True))).order_by(Message.id.desc())
_EVENTS = (
    select(DeliveryEvent)
    .where(DeliveryEvent.message_id.in_(bindparam("ids", expanding=True)))
    .order_by(DeliveryEvent.id)
)


def mails_by(session: Session, ids: Collection[int]) -> Sequence[Mail]:
    """Return the mails that have one of `ids`, newest first."""
    messages = session.scalars(_MAILS, {"ids": ids}).all()
    events: dict[int, list[Said]] = {message.id: [] for message in messages}
    for event in session.scalars(_EVENTS, {"ids": list(events)}):
        code = f" ({event.code})" if event.code else ""
        events[event.message_id].append(
            Said(event.at, f"{event.kind.value.replace('_', ' ').capitalize()}{code}: {event.text}")
        )
    return [_mail(message, events[message.id]) for message in messages]


def _mail(message: Message, events: Sequence[Said]) -> Mail:
    read = message_from_bytes(message.content)
    text = FOR_THEM_ALONE if message.kind is MessageKind.OWN_DATA else _text_of(read)
    return Mail(
        id=message.id,
        kind=message.kind,
        label=LABELS[message.kind],
        writer=_writer_of(read),
        subject=message.subject,
        recipient=message.recipient,
        status=message.status,
        explanation=_explanation(message),
        at=message.goes_at or message.created_at,
        due_at=message.due_at,
        sent_at=message.sent_at,
        words=answer_in(text) if message.kind is MessageKind.REPLY else "",
        text=text,
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
    return _text_of(message_from_bytes(content))


def html(content: bytes) -> str:
    """Return the HTML of a mail, '' where it has none; whoever shows it must do so in a sandbox."""
    return _part_of(message_from_bytes(content), "text/html")


def _text_of(mail: Parsed) -> str:
    return _part_of(mail, "text/plain")


def _part_of(mail: Parsed, media_type: str) -> str:
    """Return what a mail that was composed here says as `media_type`: the first such part, always UTF-8."""
    for part in mail.walk():
        if part.get_content_type() == media_type:
            octets = part.get_payload(decode=True)
            return octets.decode("utf-8", "replace") if isinstance(octets, bytes) else ""
    return ""


def _writer_of(mail: Parsed) -> str:
    """Return the name a mail is sent under; in a mail to a Unicode address headers stand as they are, in UTF-8."""
    written = next((str(value) for name, value in mail.raw_items() if name.lower() == "from"), "")
    return _display_name("".join(written.splitlines()).encode("ascii", "surrogateescape").decode("utf-8", "replace"))


@lru_cache(maxsize=256)
def _display_name(readable: str) -> str:
    """Return the name in a header that was read; few people write many mails, and reading one header takes a while."""
    sender = policy.default.header_factory("From", readable).addresses
    return str(sender[0].display_name) if sender else ""
