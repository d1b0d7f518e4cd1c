"""What each rule of retention means: which rows, oldest first, and what becomes of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from tpminstitute.comments.models import Comment, CommentState
from tpminstitute.comments.submit import FORGOTTEN, TAKEN_BACK, forget
from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.inbox.models import Inquiry, InquiryState, ReceivedAttachment, ReceivedContent, ReceivedMail
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.mail.outbox import UNSENT
from tpminstitute.pipeline.models import Lead, Outcome, Reminder, Stage
from tpminstitute.privacy.erasing import erase, forget_bodies
from tpminstitute.privacy.models import RuleKind
from tpminstitute.privacy.personal import ADDRESS, ERASED, NAME
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from tpminstitute.timeline.models import Activity, Actor


@dataclass(frozen=True)
class Rule:
    """One kind of rule: what goes, the unit of its length, and the rows it means, oldest first."""

    label: str
    says: str
    unit: str
    due: Callable[[datetime], Select[int]]
    go: Callable[[Session, Sequence[int]], int]


@dataclass(frozen=True)
class Sample:
    """One thing that would go: whose it is, and since when it is there."""

    public_id: str
    name: str
    at: datetime


# --- contacts ----------------------------------------------------------------------------------------------


def _quiet_contacts(cutoff: datetime) -> Select[int]:
    """Who neither wrote nor was written or spoken to by a person since; not who is won, or gets follow-ups now, nor
    whom staff are to be reminded of, or owe a place in a course.

    Their cards are looked at first, by an index; what a card doesn't count as a touch is asked of the timeline.
    """
    touched = exists().where(
        Activity.contact_id == Contact.id, Activity.at >= cutoff, Activity.actor.in_((Actor.VISITOR, Actor.STAFF))
    )
    wrote = exists().where(ReceivedMail.contact_id == Contact.id, ReceivedMail.received_at >= cutoff)
    won = exists().where(Lead.contact_id == Contact.id, Lead.stage_id == Stage.id, Stage.outcome == Outcome.WON)
    running = exists().where(
        Enrollment.contact_id == Contact.id, Enrollment.status.in_((EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED))
    )
    waiting = exists().where(Message.contact_id == Contact.id, Message.status.in_((*UNSENT, MessageStatus.SENDING)))
    reminded = exists().where(Reminder.contact_id == Contact.id, Reminder.done_at.is_(None))
    listed = exists().where(CourseWait.contact_id == Contact.id, CourseWait.left_at.is_(None))
    return (
        select(Contact.id)
        .join(ContactCard, ContactCard.contact_id == Contact.id)
        .where(ContactCard.last_touch_at < cutoff, Contact.first_seen_at < cutoff)
        .where(Contact.merged_into_id.is_(None), Contact.erased_at.is_(None))
        .where(~touched, ~wrote, ~won, ~running, ~waiting, ~reminded, ~listed)
        .order_by(Contact.id)
    )


def _erase_quiet(session: Session, ids: Sequence[int]) -> int:
    for contact_id in ids:
        erase(session, contact_id, None, RuleKind.QUIET_CONTACTS)
    return len(ids)


# --- spam --------------------------------------------------------------------------------------------------


def _spam_inquiries(cutoff: datetime) -> Select[int]:
    return (
        select(Inquiry.id)
        .where(Inquiry.state == InquiryState.SPAM, Inquiry.received_at < cutoff, Inquiry.message != ERASED)
        .order_by(Inquiry.id)
    )


def _erase_spam(session: Session, ids: Sequence[int]) -> int:
    """Empty spam; whoever sent nothing but spam and was never answered is erased whole."""
    senders = set(session.scalars(select(Inquiry.contact_id).where(Inquiry.id.in_(ids))))
    blank = {"name": NAME, "email": ADDRESS, "phone_typed": "", "phone_e164": None, "message": ERASED}
    session.execute(
        update(Inquiry).where(Inquiry.id.in_(ids)).values({**blank, "suspicions": [], "source_referrer": ""}),
        execution_options={"synchronize_session": False},
    )
    for contact_id in session.scalars(select(Contact.id).where(Contact.id.in_(senders), _nothing_but_spam())).all():
        erase(session, contact_id, None, RuleKind.SPAM_INQUIRIES)
    return len(ids)


def _nothing_but_spam() -> ColumnElement[bool]:
    other = exists().where(
        Inquiry.contact_id == Contact.id, or_(Inquiry.state != InquiryState.SPAM, Inquiry.message != ERASED)
    )
    wrote = exists().where(ReceivedMail.contact_id == Contact.id)
    lead = exists().where(Lead.contact_id == Contact.id, Lead.closed_at.is_(None))
    won = exists().where(Lead.contact_id == Contact.id, Lead.stage_id == Stage.id, Stage.outcome == Outcome.WON)
    return ~other & ~wrote & ~lead & ~won & Contact.erased_at.is_(None) & Contact.merged_into_id.is_(None)


# --- bytes of mails ----------------------------------------------------------------------------------------


def _sent_bytes(cutoff: datetime) -> Select[int]:
    return (
        select(Message.id)
        .where(Message.created_at < cutoff, func.length(Message.content) > 0)
        .where(Message.status.in_((MessageStatus.SENT, MessageStatus.CANCELLED, MessageStatus.SUPPRESSED)))
        .order_by(Message.id)
    )


def _drop_sent_bytes(session: Session, ids: Sequence[int]) -> int:
    session.execute(
        update(Message).where(Message.id.in_(ids)).values(content=b""),
        execution_options={"synchronize_session": False},
    )
    return len(ids)


def _received_bytes(cutoff: datetime) -> Select[int]:
    return (
        select(ReceivedMail.id)
        .join(ReceivedContent, ReceivedContent.mail_id == ReceivedMail.id)
        .where(ReceivedMail.received_at < cutoff)
        .order_by(ReceivedMail.id)
    )


def _drop_received_bytes(session: Session, ids: Sequence[int]) -> int:
    digests = session.scalars(select(ReceivedAttachment.digest).where(ReceivedAttachment.mail_id.in_(ids))).all()
    for model in (ReceivedAttachment, ReceivedContent):
        session.execute(delete(model).where(model.mail_id.in_(ids)), execution_options={"synchronize_session": False})
    forget_bodies(session, sorted(set(digests)))
    return len(ids)


# --- comments ----------------------------------------------------------------------------------------------


def _refused_comments(cutoff: datetime) -> Select[int]:
    """Those that somebody decided against so long ago, and whose words are still there."""
    against = Comment.state.in_((CommentState.REFUSED, CommentState.REMOVED))
    return (
        select(Comment.id)
        .where(against, Comment.decided_at < cutoff, Comment.body.not_in((TAKEN_BACK, FORGOTTEN, ERASED)))
        .order_by(Comment.id)
    )


def _empty_refused(session: Session, ids: Sequence[int]) -> int:
    for comment in session.scalars(select(Comment).where(Comment.id.in_(ids)).with_for_update()).all():
        forget(session, comment, NAME, ERASED)
    return len(ids)


def sample_of(session: Session, kind: RuleKind, ids: Sequence[int]) -> Sequence[Sample]:
    """Return what people call the things with these ids, and since when they are there."""
    match kind:
        case RuleKind.QUIET_CONTACTS:
            query = select(Contact.public_id, Contact.name, Contact.first_seen_at).where(Contact.id.in_(ids))
            rows = session.execute(query.order_by(Contact.id)).all()
        case RuleKind.SPAM_INQUIRIES:
            spam = select(Contact.public_id, Inquiry.name, Inquiry.received_at).join(
                Contact, Contact.id == Inquiry.contact_id
            )
            rows = session.execute(spam.where(Inquiry.id.in_(ids)).order_by(Inquiry.id)).all()
        case RuleKind.SENT_BYTES:
            sent = select(Contact.public_id, Message.subject, Message.created_at).join(
                Contact, Contact.id == Message.contact_id
            )
            rows = session.execute(sent.where(Message.id.in_(ids)).order_by(Message.id)).all()
        case RuleKind.RECEIVED_BYTES:
            heard = select(Contact.public_id, ReceivedMail.subject, ReceivedMail.received_at).outerjoin(
                Contact, Contact.id == ReceivedMail.contact_id
            )
            rows = session.execute(heard.where(ReceivedMail.id.in_(ids)).order_by(ReceivedMail.id)).all()
        case RuleKind.REFUSED_COMMENTS:
            said = select(literal(""), Comment.name, Comment.created_at).where(Comment.id.in_(ids))
            rows = session.execute(said.order_by(Comment.id)).all()
    return [Sample(public_id or "", name, at) for public_id, name, at in rows]


RULES: Mapping[RuleKind, Rule] = {
    RuleKind.QUIET_CONTACTS: Rule(
        "Quiet contacts",
        "Contacts are erased who heard and said nothing for so long; not who was won, gets follow-ups now, waits for a "
        "place in a course, or has an open reminder.",
        "months",
        _quiet_contacts,
        _erase_quiet,
    ),
    RuleKind.SPAM_INQUIRIES: Rule(
        "Spam",
        "Inquiries that were marked as spam are emptied, and who sent nothing else is erased.",
        "days",
        _spam_inquiries,
        _erase_spam,
    ),
    RuleKind.SENT_BYTES: Rule(
        "Sent mails, word for word",
        "The words of mails that were sent go; that they were sent, when and under which subject, stays.",
        "months",
        _sent_bytes,
        _drop_sent_bytes,
    ),
    RuleKind.RECEIVED_BYTES: Rule(
        "Received mails as they came",
        "The bytes of mails and their files go; the text that you read on the contact’s page stays.",
        "months",
        _received_bytes,
        _drop_received_bytes,
    ),
    RuleKind.REFUSED_COMMENTS: Rule(
        "Refused comments",
        "The words, the name and the address of comments go that were refused or removed; answers to them stay.",
        "days",
        _refused_comments,
        _empty_refused,
    ),
}
"""Every kind of rule there is."""
