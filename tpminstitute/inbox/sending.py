"""Replies from the desk: sent with ten seconds to take them back, or at a moment that was chosen; never twice."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.models import DeskReply, Inquiry, InquiryState, Turn
from tpminstitute.inbox.unsent import Unsent, add_to_draft, drop_draft
from tpminstitute.mail import outbox
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.mail.personal import ReplyError
from tpminstitute.sequences.pauses import resume_some, waiting_runs
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

UNDO = timedelta(seconds=10)
"""How long a reply rests before it goes."""

SOONEST, LATEST = timedelta(minutes=1), timedelta(days=366)
"""How far ahead a moment may be chosen."""

THEY_WROTE = "They wrote before it went. Read that first."


@dataclass(frozen=True)
class Waiting:
    """A reply that is to go at a chosen moment; `held_back` says why it doesn't go by itself, or ''."""

    message_id: int
    writer: str
    subject: str
    text: str
    goes_at: datetime
    held_back: str


def send(
    session: Session,
    settings: Settings,
    contact: Contact,
    account: Account,
    unsent: Unsent,
    *,
    goes_at: datetime | None = None,
    despite_closed: bool = False,
) -> int | None:
    """Send a reply, after `UNDO` or at the chosen moment `goes_at`; what was kept of it as a draft is forgotten.

    The caller holds the contact's row. Returns the mail's id, None when the same reply was sent before.
    Raises `ReplyError` for a text that can't be sent or a moment that can't be chosen, and `AddressClosed`.
    """
    if goes_at is not None and not SOONEST <= goes_at - clock.now() <= LATEST:
        raise ReplyError("Choose a time from one minute to a year ahead. Nothing was sent; your text was kept.")
    key = _key(account.id, unsent)
    before = _before(session, contact.id)
    answer = Answer(key, unsent.text, account, unsent.subject, despite_closed, goes_at, UNDO)
    queued = reply(session, settings, contact, answer)
    drop_draft(session, contact.id, account.id, nonce=unsent.nonce)
    if not queued:
        return None
    message_id = session.scalars(select(Message.id).where(Message.dedupe_key == f"reply:{key}")).one()
    written = DeskReply(
        message_id=message_id,
        account_id=account.id,
        subject=unsent.subject,
        text=unsent.text,
        nonce=unsent.nonce,
        turn=before.turn,
        since=before.since,
        handled=before.open_inquiries,
        paused=[run for run in waiting_runs(session, contact.id) if run not in before.waiting_runs],
    )
    session.add(written)
    session.flush()
    return message_id


def take_back(session: Session, contact: Contact, message_id: int, account: Account) -> None:
    """Take a reply back that has not gone yet: its text is a draft of `account` again, and what it changed is undone.

    The caller holds the contact's row. Raises `Refusal` when it is too late, or was taken back already.
    """
    found = session.execute(
        select(DeskReply, Message)
        .join(Message, Message.id == DeskReply.message_id)
        .where(DeskReply.message_id == message_id, Message.contact_id == contact.id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Refusal("There is no such reply to take back. Nothing was changed.")
    written, message = found
    reason = f"{account.name} took it back before it went."
    if not outbox.take_back(session, message.cause, reason, [message.dedupe_key]):
        raise Refusal(_too_late(session.scalars(select(Message.status).where(Message.id == message_id)).one()))
    _undo(session, contact.id, written, account)
    add_to_draft(session, contact.id, account.id, written.subject, written.text)
    sentence = f"Took back a reply before it went: “{message.subject}”."
    record(session, contact.id, ActivityKind.REPLY_TAKEN_BACK, sentence, account_id=account.id)


def hold_back(session: Session, contact_id: int) -> None:
    """Let no reply go by itself that was written for a later moment: the contact wrote since."""
    ids = session.scalars(
        select(Message.id).where(
            Message.contact_id == contact_id,
            Message.kind == MessageKind.REPLY,
            Message.goes_at.is_not(None),
            Message.status.in_(UNSENT),
        )
    ).all()
    for subject in outbox.hold_back(session, ids, THEY_WROTE) if ids else ():
        sentence = f"The reply “{subject}” is held back. {THEY_WROTE}"
        record(session, contact_id, ActivityKind.MAIL_NOT_SENT, sentence)


def send_held_back(session: Session, settings: Settings, contact: Contact, message_id: int, account: Account) -> int:
    """Send a reply now that was held back, as a mail of now in the name of who wrote it; returns that mail's id.

    The caller holds the contact's row. Raises `Refusal` when it isn't held back any more, and as `send` does.
    """
    found = session.execute(
        select(DeskReply, Message.dedupe_key, Message.cause, Message.despite_closed)
        .join(Message, Message.id == DeskReply.message_id)
        .where(DeskReply.message_id == message_id, Message.contact_id == contact.id)
        .where(Message.status == MessageStatus.HELD)
    ).one_or_none()
    if found is None:
        raise Refusal("This reply isn't held back any more, perhaps a colleague was quicker. Nothing was changed.")
    written, key, cause, nevertheless = found
    outbox.take_back(session, cause, f"{account.name} sent it as a mail of its own.", [key])
    writer = session.get_one(Account, written.account_id)
    sentence = f"The reply that was held back goes as a mail of its own: {account.name} sent it."
    record(session, contact.id, ActivityKind.REPLY_TAKEN_BACK, sentence, account_id=writer.id)  # one answer, not two
    again = Unsent(written.subject, written.text, tokens.public_id())
    sent = send(session, settings, contact, writer, again, despite_closed=nevertheless)
    assert sent is not None  # its nonce is new
    return sent


_TO_GO = (
    select(Message.id, Account.name, Message.subject, DeskReply.text, Message.goes_at, Message.status, Message.reason)
    .join(DeskReply, DeskReply.message_id == Message.id)
    .join(Account, Account.id == DeskReply.account_id)
    .where(
        Message.contact_id == bindparam("contact"),
        Message.kind == MessageKind.REPLY,
        Message.goes_at.is_not(None),
        Message.status.in_(UNSENT),
    )
    .order_by(Message.goes_at, Message.id)
)


def waiting_replies(session: Session, contact_id: int) -> Sequence[Waiting]:
    """Return the replies to a contact that are to go at a chosen moment, the next first."""
    rows = session.execute(_TO_GO, {"contact": contact_id})
    return [
        Waiting(message_id, name, subject, text, goes_at, reason if status is MessageStatus.HELD else "")
        for message_id, name, subject, text, goes_at, status, reason in rows
        if goes_at is not None
    ]


def to_be_taken_back(session: Session, ids: Collection[int]) -> set[int]:
    """Return which of the mails with `ids` are replies from the desk that no server has been offered yet."""
    unsent = select(DeskReply.message_id).join(Message, Message.id == DeskReply.message_id)
    return set(session.scalars(unsent.where(Message.id.in_(ids), Message.status.in_(UNSENT))))


@dataclass(frozen=True)
class _Before:
    turn: Turn | None
    since: datetime | None
    open_inquiries: list[int]
    waiting_runs: Sequence[int]


def _before(session: Session, contact_id: int) -> _Before:
    kept = conversations.turn_of(session, contact_id)
    still_open = select(Inquiry.id).where(Inquiry.contact_id == contact_id, Inquiry.state == InquiryState.OPEN)
    return _Before(
        kept.turn if kept else None,
        kept.since if kept else None,
        list(session.scalars(still_open)),
        waiting_runs(session, contact_id),
    )


def _undo(session: Session, contact_id: int, written: DeskReply, account: Account) -> None:
    """Undo what a reply changed; where a later one stands, that is what it is to undo when it is taken back too."""
    later = session.scalar(
        select(DeskReply)
        .join(Message, Message.id == DeskReply.message_id)
        .where(
            Message.contact_id == contact_id,
            Message.id > written.message_id,
            Message.status != MessageStatus.CANCELLED,
        )
        .order_by(Message.id)
        .limit(1)
    )
    if later is not None:
        later.turn, later.since = written.turn, written.since
        later.handled, later.paused = written.handled + later.handled, written.paused + later.paused
        session.flush()
        return
    if written.turn is not None and written.since is not None:
        conversations.put_back(session, contact_id, written.turn, written.since)
    session.execute(
        update(Inquiry)
        .where(Inquiry.id.in_(written.handled), Inquiry.state == InquiryState.HANDLED)
        .values(state=InquiryState.OPEN)
        .execution_options(synchronize_session=False)
    )
    resume_some(session, contact_id, written.paused, "The reply was taken back.", account.id)


def _key(account_id: int, unsent: Unsent) -> str:
    """Return what is the same for a repeated sending of the same words; changed words are another answer."""
    return "desk:" + tokens.digest("\n".join([str(account_id), unsent.nonce, unsent.subject, unsent.text]))


def _too_late(status: MessageStatus) -> str:
    if status is MessageStatus.CANCELLED:
        return "This reply was taken back already. Nothing was changed."
    if status in (MessageStatus.SENT, MessageStatus.SENDING, MessageStatus.UNCERTAIN):
        return "It was too late to take the reply back: the mail server has it. Nothing was changed."
    return "This reply is not on its way, so there was nothing to take back. The timeline says what became of it."
