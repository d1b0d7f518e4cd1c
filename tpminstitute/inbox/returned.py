"""A mail of ours that came back, or that somebody complained of: what a report of it causes."""

from sqlalchemy.orm import Session

from tpminstitute.mail.incoming.model import Bounce
from tpminstitute.mail.models import DeliveryEventKind, Message, SuppressionReason
from tpminstitute.mail.outbox import describe, event
from tpminstitute.mail.suppression import ALWAYS_SENT, SENTENCES, suppress
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def bounced(session: Session, message: Message, bounce: Bounce) -> None:
    """Record that a mail of ours came back; for good, its address is closed and the follow-ups stop.

    The institute's own people are never closed out. The caller holds the contact's row, if the mail is about one.
    """
    said = " ".join(part for part in (bounce.status, bounce.reason) if part) or "No reason was given."
    session.add(event(message.id, DeliveryEventKind.BOUNCED, said))
    for_good = "came back for good" if bounce.permanent else "is delayed, or came back for now"
    sentence = f"{describe(message.kind, message.subject)} {for_good}: {said}"
    if message.contact_id is not None:
        record(session, message.contact_id, ActivityKind.MAIL_BOUNCED, sentence)
    if bounce.permanent and message.kind not in ALWAYS_SENT:
        _close(session, message, SuppressionReason.HARD_BOUNCE, said)


def complained_of(session: Session, message: Message) -> None:
    """Record that somebody reported a mail of ours as spam: its address is closed and the follow-ups stop."""
    text = "Reported as spam."
    session.add(event(message.id, DeliveryEventKind.COMPLAINED_OF, text))
    sentence = f"{describe(message.kind, message.subject)} was reported as spam."
    if message.contact_id is not None:
        record(session, message.contact_id, ActivityKind.MAIL_COMPLAINED_OF, sentence)
    if message.kind not in ALWAYS_SENT:
        _close(session, message, SuppressionReason.COMPLAINT, sentence)


def _close(session: Session, message: Message, reason: SuppressionReason, note: str) -> None:
    closed = suppress(session, message.recipient_key, reason, note)
    if message.contact_id is None:
        return
    if closed:
        sentence = f"The address {message.recipient} was closed. {SENTENCES[reason]}"
        record(session, message.contact_id, ActivityKind.ADDRESS_CLOSED, sentence)
    stop_for_contact(session, message.contact_id, SENTENCES[reason])
