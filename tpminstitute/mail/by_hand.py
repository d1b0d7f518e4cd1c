"""What a person decides about a mail that failed or is uncertain."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, jobs
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import DeliveryEventKind, Message, MessageStatus
from tpminstitute.mail.outbox import describe, event
from tpminstitute.mail.readdressing import has_moved, readdress
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def send_again(session: Session, settings: Settings, message_id: int, account_id: int) -> None:
    """Queue a failed or uncertain mail once more, as it is; to the new address, if its reader has another one by now.

    Raises `Refusal` when it is in another state.
    """
    message = _undecided(session, message_id)
    contact = session.get(Contact, message.contact_id) if message.contact_id is not None else None
    said = "Sent again by hand."
    if contact is not None and has_moved(session, message, contact):
        readdress(settings, message, contact)
        said = "Sent again by hand, to the new address."
    message.status, message.reason, message.due_at, message.attempts = (
        MessageStatus.QUEUED,
        "",
        clock.now(),
        0,
    )
    _note(session, message, said, ActivityKind.MAIL_REQUEUED, account_id)
    jobs.hint(session, jobs.Job.DELIVER)


def leave(session: Session, message_id: int, account_id: int) -> None:
    """Let a failed or uncertain mail rest: it is not sent again; raises `Refusal` when it is in another state."""
    message = _undecided(session, message_id)
    message.status, message.reason = MessageStatus.CANCELLED, f"Left as it is by hand. {message.reason}"
    _note(
        session,
        message,
        "Not to be sent again, decided by hand.",
        ActivityKind.MAIL_SETTLED_BY_HAND,
        account_id,
    )


def _undecided(session: Session, message_id: int) -> Message:
    message = session.scalar(select(Message).where(Message.id == message_id).with_for_update())
    if message is None or message.status not in (MessageStatus.FAILED, MessageStatus.UNCERTAIN):
        raise Refusal("This mail is not waiting for a decision any more. Nothing was changed.")
    return message


def _note(session: Session, message: Message, text: str, kind: ActivityKind, account_id: int) -> None:
    session.add(event(message.id, DeliveryEventKind.BY_HAND, text))
    if message.contact_id is not None:
        sentence = f"{describe(message.kind, message.subject)}: {text}"
        record(session, message.contact_id, kind, sentence, account_id=account_id)
