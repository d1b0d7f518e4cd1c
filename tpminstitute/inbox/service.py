"""What staff do with inquiries."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import conversations
from tpminstitute.inbox.judging import learn
from tpminstitute.inbox.letters import acknowledgement
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.submit import follow_through
from tpminstitute.mail import outbox
from tpminstitute.mail.suppression import SENTENCES, closed_to_answers
from tpminstitute.screening.models import Judgement
from tpminstitute.sequences.stopping import stop_for_cause
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

SPAM_REASON = "The inquiry was marked as spam."


def locked_inquiry(session: Session, public_id: str) -> Inquiry | None:
    """Return the inquiry with that public id, locked until the transaction ends, or None."""
    return session.scalar(select(Inquiry).where(Inquiry.public_id == public_id).with_for_update())


def mark_handled(session: Session, inquiry: Inquiry, account_id: int) -> None:
    """Say that an open inquiry is answered; raises `Refusal` when it is in another state."""
    _expect(inquiry, InquiryState.OPEN)
    inquiry.state = InquiryState.HANDLED
    _record(session, inquiry, ActivityKind.INQUIRY_HANDLED, "Marked an inquiry as handled.", account_id)
    conversations.settle(session, inquiry.contact_id)


def mark_spam(session: Session, settings: Settings, inquiry: Inquiry, account_id: int) -> None:
    """Say that an inquiry is spam: its unsent mails are cancelled, the follow-ups it started stop, screening learns."""
    _expect(inquiry, InquiryState.OPEN, InquiryState.SUSPECTED, InquiryState.HANDLED)
    inquiry.state = InquiryState.SPAM
    _record(session, inquiry, ActivityKind.INQUIRY_MARKED_SPAM, "Marked an inquiry as spam.", account_id)
    stop_for_cause(session, f"inquiry:{inquiry.id}", SPAM_REASON)
    outbox.cancel(session, f"inquiry:{inquiry.id}", SPAM_REASON)
    conversations.settle(session, inquiry.contact_id)
    learn(session, settings, inquiry, Judgement.SPAM)


def take_spam_back(session: Session, settings: Settings, inquiry: Inquiry, account_id: int) -> None:
    """Take back that an inquiry was marked as spam: it is where it was before, and screening forgets the word on it.

    Mails that were cancelled stay so. Raises `Refusal` when it is in another state.
    """
    _expect(inquiry, InquiryState.SPAM)
    never_followed = inquiry.followed_through_at is None
    inquiry.state = InquiryState.SUSPECTED if never_followed else InquiryState.OPEN
    _record(session, inquiry, ActivityKind.INQUIRY_REOPENED, "Took back that an inquiry is spam.", account_id)
    learn(session, settings, inquiry, None)
    if not never_followed:
        conversations.waits_for_institute(session, inquiry.contact_id)


def reopen(session: Session, inquiry: Inquiry, account_id: int) -> None:
    """Put a handled inquiry back among the open ones; raises `Refusal` when it is in another state."""
    _expect(inquiry, InquiryState.HANDLED)
    inquiry.state = InquiryState.OPEN
    _record(session, inquiry, ActivityKind.INQUIRY_REOPENED, "Reopened an inquiry.", account_id)
    conversations.waits_for_institute(session, inquiry.contact_id)


def release(session: Session, settings: Settings, inquiry: Inquiry, account_id: int) -> None:
    """Say that a suspected or spam inquiry is honest: what was withheld happens now, and screening learns."""
    _expect(inquiry, InquiryState.SUSPECTED, InquiryState.SPAM)
    inquiry.state = InquiryState.OPEN
    _record(session, inquiry, ActivityKind.INQUIRY_RELEASED, "Released an inquiry: it is not spam.", account_id)
    learn(session, settings, inquiry, Judgement.HONEST)
    if inquiry.followed_through_at is None:
        follow_through(session, settings, inquiry, locked(session, inquiry.contact_id))
    else:
        conversations.waits_for_institute(session, inquiry.contact_id)


def send_acknowledgement(session: Session, settings: Settings, inquiry: Inquiry, account_id: int) -> None:
    """Queue the acknowledgement that was left out when the inquiry came in, in the letter of now; once.

    Raises `Refusal` for an inquiry that is spam or suspected of it, for a closed address, and when the acknowledgement
    was queued before; `LetterError` while its letter still can't be sent.
    """
    _expect(inquiry, InquiryState.OPEN, InquiryState.HANDLED)
    contact = session.get_one(Contact, inquiry.contact_id)
    closed = closed_to_answers(session, contact.email_key)
    if closed is not None:
        raise Refusal(f"The address is closed, so nothing was queued. {SENTENCES[closed.reason]}")
    if not outbox.queue(session, settings, acknowledgement(session, settings, inquiry, contact)):
        raise Refusal("The acknowledgement was queued before, perhaps by a colleague. Nothing was changed.")
    sentence = "Queued the acknowledgement that was left out before."
    _record(session, inquiry, ActivityKind.MAIL_REQUEUED, sentence, account_id)


def _expect(inquiry: Inquiry, *states: InquiryState) -> None:
    if inquiry.state not in states:
        raise Refusal(
            f"This inquiry is {inquiry.state.value} by now, perhaps a colleague was quicker. Nothing was changed."
        )


def _record(session: Session, inquiry: Inquiry, kind: ActivityKind, sentence: str, account_id: int) -> None:
    record(session, inquiry.contact_id, kind, sentence, account_id=account_id)
