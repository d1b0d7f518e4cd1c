"""What somebody had asked when they got a reply, and what the reply said."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.inbox.models import DeskReply, Inquiry, ReceivedMail, Writer
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.mail.queries import mails_by


@dataclass(frozen=True)
class Exchange:
    """A question and its answer in the words of both; the question is '' where the contact hadn't written before."""

    question: str
    answer: str


def exchange_of(session: Session, contact_id: int, message_id: int) -> Exchange | None:
    """Return what a reply to a contact answered and said, or None where there is no such reply."""
    message = session.scalar(
        select(Message).where(
            Message.id == message_id, Message.contact_id == contact_id, Message.kind == MessageKind.REPLY
        )
    )
    if message is None:
        return None
    typed = session.scalar(select(DeskReply.text).where(DeskReply.message_id == message_id))
    return Exchange(_asked_before(session, message), typed or mails_by(session, [message_id])[0].words)


def _asked_before(session: Session, reply: Message) -> str:
    """Return the newest words of the contact's before a reply: an inquiry, or a mail of their own."""
    inquiry = session.execute(
        select(Inquiry.received_at, Inquiry.message)
        .where(Inquiry.contact_id == reply.contact_id, Inquiry.received_at <= reply.created_at)
        .order_by(Inquiry.id.desc())
        .limit(1)
    ).one_or_none()
    mail = session.execute(
        select(ReceivedMail.received_at, ReceivedMail.words)
        .where(
            ReceivedMail.contact_id == reply.contact_id,
            ReceivedMail.kind == ReceivedKind.PERSON,
            ReceivedMail.writer == Writer.VISITOR,
            ReceivedMail.inquiry_id.is_(None),
            ReceivedMail.received_at <= reply.created_at,
        )
        .order_by(ReceivedMail.id.desc())
        .limit(1)
    ).one_or_none()
    said = max((one for one in (inquiry, mail) if one is not None), key=lambda one: one[0], default=None)
    return str(said[1]) if said is not None else ""
