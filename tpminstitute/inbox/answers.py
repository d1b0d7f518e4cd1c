"""Answers by staff, and what they cause: an answer is the human touch that makes everything automatic wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Row, bindparam, cast, literal, null, select, union_all
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_url
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.inbox import conversations
from tpminstitute.inbox.models import Inquiry, ReceivedMail, Writer
from tpminstitute.institute.signatures import signature_of
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address, threading
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.personal import Quoted, ReplyError, render_personal
from tpminstitute.mail.reply_addresses import reply_to_institute
from tpminstitute.mail.suppression import SENTENCES, closed_to_answers
from tpminstitute.sequences.pauses import ask_first
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

_THREAD = 10
"""Mails of a conversation that are looked at to thread an answer."""


class AddressClosed(ReplyError):
    """The address is closed; whoever writes has to be asked first."""


@dataclass(frozen=True)
class Answer:
    """What a staff member wrote. `key` is the same for each repetition of the same answer.

    `account` is None for what came from the institute's shared mailbox. `subject` may be '', for that of the
    conversation. `goes_at` and `rests` are those of the mail's order.
    """

    key: str
    text: str
    account: Account | None
    subject: str = ""
    despite_closed: bool = False
    goes_at: datetime | None = None
    rests: timedelta = timedelta(0)


@dataclass(frozen=True)
class _Thread:
    subject: str
    message_ids: Sequence[str]
    quoted: Quoted | None


def reply(session: Session, settings: Settings, contact: Contact, answer: Answer) -> bool:
    """Send a staff member's answer to a contact, in the thread of the conversation, and let the automatic mails wait.

    The caller holds the contact's row. Returns False when the same answer was sent before. Who only unsubscribed still
    gets answers. Raises `AddressClosed` when the address is closed to them and nobody was asked, and `ReplyError` for
    an empty text.
    """
    closed = closed_to_answers(session, contact.email_key)
    if closed is not None and not answer.despite_closed:
        raise AddressClosed(
            f"{contact.email} is closed. {SENTENCES[closed.reason]} Nothing was sent; your text was kept."
        )
    thread = _thread_of(session, contact)
    who = answer.account.name if answer.account else ""
    signature = signature_of(session, settings, answer.account)
    own = own_url(settings, contact.public_id)
    letter = render_personal(answer.subject or thread.subject, answer.text, signature, own, thread.quoted)
    queued = outbox.queue(
        session,
        settings,
        outbox.Order(
            kind=MessageKind.REPLY,
            contact_id=contact.id,
            cause=f"contact:{contact.id}",
            dedupe_key=f"reply:{answer.key}",
            recipient=Address(one_line(contact.name, 100), contact.email),
            recipient_key=contact.email_key,
            letter=letter,
            reply_to=reply_to_institute(settings, contact.public_id),
            headers=threading(thread.message_ids),
            sender_name=f"{who}, {settings.institute_name}" if who else "",
            despite_closed=closed is not None,
            goes_at=answer.goes_at,
            rests=answer.rests,
        ),
    )
    if queued and answer.goes_at is not None:
        sentence = f"Wrote a reply that goes on {answer.goes_at:%a %-d %b %Y %H:%M} UTC: “{letter.subject}”."
        touch(session, settings, contact, answer.account, sentence, ActivityKind.REPLY_SCHEDULED)
    elif queued:
        touch(session, settings, contact, answer.account, f"Answered: “{letter.subject}”.", ActivityKind.STAFF_REPLIED)
    return queued


def touch(
    session: Session, settings: Settings, contact: Contact, account: Account | None, sentence: str, kind: ActivityKind
) -> None:
    """Say that staff wrote to a contact: open inquiries are answered, and the next follow-up asks first."""
    account_id = account.id if account else None
    record(session, contact.id, kind, sentence, account_id=account_id)
    conversations.handle_open_inquiries(session, contact.id, "it was answered", account_id)
    conversations.waits_for_visitor(session, contact.id)
    ask_first(session, settings, contact.id, f"{account.name if account else 'The institute'} wrote to them.")


def subject_of(session: Session, contact: Contact) -> str:
    """Return the subject that an answer to a contact has by itself: that of the conversation, or ''."""
    found = {row.what: row for row in session.execute(_SUBJECTS, {"contact": contact.id})}
    heard, said = found.get("heard"), found.get("said")
    if heard is not None and _came_last(heard, found.get("asked")):
        return _again(heard.subject)
    return _again(said.subject) if said is not None else ""


_HEARD = (
    ReceivedMail.contact_id == bindparam("contact"),
    ReceivedMail.kind == ReceivedKind.PERSON,
    ReceivedMail.writer == Writer.VISITOR,
)
_SAID = (
    Message.contact_id == bindparam("contact"),
    Message.kind.in_((MessageKind.ACKNOWLEDGEMENT, MessageKind.REPLY)),
    Message.status == MessageStatus.SENT,
)
_ASKED = Inquiry.contact_id == bindparam("contact")
_SUBJECTS = union_all(
    *(
        select(newest.limit(1).subquery())
        for newest in (
            select(
                literal("heard").label("what"), ReceivedMail.inquiry_id, ReceivedMail.received_at, ReceivedMail.subject
            )
            .where(*_HEARD)
            .order_by(ReceivedMail.id.desc()),
            select(literal("said"), cast(null(), Integer), Message.created_at, Message.subject)
            .where(*_SAID)
            .order_by(Message.id.desc()),
            select(literal("asked"), Inquiry.id, Inquiry.received_at, literal(""))
            .where(_ASKED)
            .order_by(Inquiry.id.desc()),
        )
    )
)
"""The newest of each, without its words: the page of a contact asks for the subject alone."""


def _thread_of(session: Session, contact: Contact) -> _Thread:
    """Return what an answer continues: the newest mail by the person, else the mails they got from us."""
    whose = {"contact": contact.id}
    heard = session.execute(
        select(
            ReceivedMail.subject,
            ReceivedMail.words,
            ReceivedMail.message_id,
            ReceivedMail.refers_to,
            ReceivedMail.inquiry_id,
            ReceivedMail.received_at,
        )
        .where(*_HEARD)
        .order_by(ReceivedMail.id.desc())
        .limit(1),
        whose,
    ).one_or_none()
    said = session.execute(
        select(Message.message_id, Message.subject).where(*_SAID).order_by(Message.id.desc()).limit(_THREAD), whose
    ).all()
    ours = [message.message_id for message in reversed(said)]
    inquiry = session.execute(
        select(Inquiry.id.label("inquiry_id"), Inquiry.name, Inquiry.message, Inquiry.received_at)
        .where(_ASKED)
        .order_by(Inquiry.id.desc())
        .limit(1),
        whose,
    ).one_or_none()
    if heard is not None and _came_last(heard, inquiry):
        earlier = [reference for reference in reversed(heard.refers_to) if reference != heard.message_id]
        introduction = _introduction(heard.received_at.strftime("%-d %b %Y"), contact.name)
        return _Thread(_again(heard.subject), [*earlier, heard.message_id], Quoted(introduction, heard.words))
    if inquiry is not None:
        introduction = _introduction(inquiry.received_at.strftime("%-d %b %Y"), inquiry.name)
        subject = _again(said[0].subject) if said else ""
        return _Thread(subject, ours, Quoted(introduction, inquiry.message))
    return _Thread(_again(said[0].subject) if said else "", ours, None)


def _came_last(heard: Row[*tuple[Any, ...]], asked: Row[*tuple[Any, ...]] | None) -> bool:
    """Return whether a mail is newer than the newest inquiry, or is that inquiry."""
    return asked is None or heard.inquiry_id == asked.inquiry_id or heard.received_at > asked.received_at


def _introduction(day: str, name: str) -> str:
    return f"On {day}, {one_line(name, 60)} wrote:"


def _again(subject: str) -> str:
    return subject if subject.lower().startswith("re:") or not subject else f"Re: {subject}"
