"""Where the things come from that need a person: one source a kind. A further kind is a further line of `SOURCES`."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Select, case, exists, func, null, select, text
from sqlalchemy.orm import Session

from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.models import Comment
from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.inbox.models import Conversation, ReceivedMail, Standing, Turn
from tpminstitute.inbox.queries import EXCERPT
from tpminstitute.inbox.waiting import longest_waiting
from tpminstitute.institute.promise import Promise
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.mail.outbox import LABELS
from tpminstitute.pipeline import reminder_lists
from tpminstitute.pipeline.models import Reminder
from tpminstitute.sequences.models import DraftStatus, Enrollment, FollowUpDraft
from tpminstitute.sequences.models import Sequence as Plan
from tpminstitute.today.items import Item
from tpminstitute.today.source import Asked, Source

# --- reminders ----------------------------------------------------------------------------------------------


def _due_reminders(asked: Asked) -> Select[int]:
    open_ = (Reminder.done_at.is_(None), Reminder.due_at <= asked.until)
    return select(Reminder.id).where(*open_, *asked.whose.of(Reminder.for_id))


def _reminders(session: Session, asked: Asked, ids: Sequence[int]) -> Iterable[Item]:
    for line in reminder_lists.some(session, ids):
        yield Item(
            source="reminders",
            ref=line.public_id,
            id=line.id,
            moment=line.due_at,
            due=line.due_at,
            label="Reminder",
            name=line.contact_name,
            contact_public_id=line.contact_public_id,
            owner_id=line.for_id,
            about=line.text[:EXCERPT],
            excerpt="",
        )


# --- people who wait for an answer --------------------------------------------------------------------------


_OUR_TURN = text("contact_cards.turn = 'institute'")
_UNDECIDED = text("messages.status IN ('failed', 'uncertain')")
"""Said word for word as their indexes say it: a database can't know that of a value that comes with the statement."""


def _waiting_people(asked: Asked) -> Select[int]:
    ids = select(Conversation.contact_id).where(Conversation.turn == Turn.INSTITUTE)
    whose = asked.whose.of(ContactCard.owner_id)
    if not whose:
        return ids
    return ids.join(ContactCard, ContactCard.contact_id == Conversation.contact_id).where(_OUR_TURN, *whose)


def _people(session: Session, asked: Asked, ids: Sequence[int]) -> Iterable[Item]:
    for row in longest_waiting(session, ids):
        yield Item(
            source="people",
            ref=row.contact_public_id,
            id=row.place.contact_id,
            moment=row.place.since,
            due=asked.promise.due_at(row.place.since),
            label="Reply" if row.by_mail else "Inquiry",
            name=row.name,
            contact_public_id=row.contact_public_id,
            owner_id=row.owner_id,
            about=row.about,
            excerpt=row.excerpt,
        )


# --- follow-ups that wait for a word ------------------------------------------------------------------------


def _waiting_drafts(asked: Asked) -> Select[int]:
    ids = select(FollowUpDraft.id).where(FollowUpDraft.status == DraftStatus.WAITING)
    if whose := asked.whose.of(Contact.owner_id):
        ids = ids.join(Enrollment, Enrollment.id == FollowUpDraft.enrollment_id)
        ids = ids.join(Contact, Contact.id == Enrollment.contact_id).where(*whose)
    return ids


def _drafts(session: Session, asked: Asked, ids: Sequence[int]) -> Iterable[Item]:
    query = (
        select(
            FollowUpDraft.id,
            FollowUpDraft.made_at,
            Contact.name,
            Contact.public_id,
            Contact.owner_id,
            FollowUpDraft.subject,
            Plan.name,
        )
        .join(Enrollment, Enrollment.id == FollowUpDraft.enrollment_id)
        .join(Contact, Contact.id == Enrollment.contact_id)
        .join(Plan, Plan.id == Enrollment.sequence_id)
        .where(FollowUpDraft.id.in_(ids))
    )
    for row in session.execute(query):
        yield _item("drafts", "Draft", asked.promise, *row[:-2], about=f"“{row[-2]}”", excerpt=f"from {row[-1]}")


# --- mails that came in and that a person must look at ------------------------------------------------------

_STANDS_WITH_ITS_CONTACT = exists().where(
    Conversation.contact_id == ReceivedMail.contact_id, Conversation.turn == Turn.INSTITUTE
)
"""The contact waits for an answer, and is in the list already."""


def _doubtful_mails(asked: Asked) -> Select[int]:
    ids = select(ReceivedMail.id).where(ReceivedMail.standing == Standing.DOUBTFUL, ~_STANDS_WITH_ITS_CONTACT)
    whose = asked.whose.of(Contact.owner_id)
    return ids.outerjoin(Contact, Contact.id == ReceivedMail.contact_id).where(*whose) if whose else ids


def _to_look_at(session: Session, asked: Asked, ids: Sequence[int]) -> Iterable[Item]:
    query = (
        select(
            ReceivedMail.id,
            ReceivedMail.received_at,
            func.coalesce(func.nullif(ReceivedMail.sender_name, ""), ReceivedMail.sender_email),
            Contact.public_id,
            Contact.owner_id,
            ReceivedMail.public_id,
            func.substr(ReceivedMail.subject, 1, EXCERPT),
            func.substr(ReceivedMail.words, 1, EXCERPT),
        )
        .outerjoin(Contact, Contact.id == ReceivedMail.contact_id)
        .where(ReceivedMail.id.in_(ids))
    )
    for row in session.execute(query):
        yield _item("look", "To look at", asked.promise, *row[:-3], ref=row[-3], about=row[-2], excerpt=row[-1])


# --- mails of ours that failed, or may not have arrived -----------------------------------------------------


def _undecided_mails(asked: Asked) -> Select[int]:
    ids = select(Message.id).where(_UNDECIDED)
    whose = asked.whose.of(Contact.owner_id)
    return ids.outerjoin(Contact, Contact.id == Message.contact_id).where(*whose) if whose else ids


def _mails(session: Session, asked: Asked, ids: Sequence[int]) -> Iterable[Item]:
    query = (
        select(
            Message.id,
            Message.due_at,
            func.coalesce(Contact.name, Message.recipient),
            Contact.public_id,
            Contact.owner_id,
            Message.status,
            Message.kind,
            Message.subject,
            Message.reason,
        )
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.id.in_(ids))
    )
    for row in session.execute(query):
        label = "Mail failed" if row[-4] is MessageStatus.FAILED else "Mail uncertain"
        yield _item("mails", label, asked.promise, *row[:-4], about=f"{LABELS[row[-3]]} “{row[-2]}”", excerpt=row[-1])


# --- comments that wait for approval ------------------------------------------------------------------------

_HELD = text("comments.state = 'held'")


def _held_comments(asked: Asked) -> Select[int]:
    return select(Comment.id).where(_HELD, *asked.whose.of(null()))


def _comments(session: Session, asked: Asked, ids: Sequence[int]) -> Iterable[Item]:
    query = select(
        Comment.id,
        Comment.created_at,
        Comment.name,
        Comment.public_id,
        Comment.chapter,
        func.substr(Comment.body, 1, EXCERPT),
        case((func.length(Comment.body) <= EXCERPT, Comment.number)),
    )
    for row in session.execute(query.where(Comment.id.in_(ids))):
        who = (row.id, row.created_at, row.name, None, None)
        about = f"on “{title_of(row.chapter)}”"
        yield _item(
            "comments", "Comment", asked.promise, *who, ref=row.public_id, about=about, excerpt=row[5], number=row[6]
        )


SOURCES = (
    Source(
        "reminders",
        "Reminders",
        ("1 reminder", "{} reminders"),
        Reminder.due_at,
        Reminder.id,
        _due_reminders,
        _reminders,
        has_times=True,
    ),
    Source(
        "people",
        "People waiting",
        ("1 person waits", "{} people wait"),
        Conversation.since,
        Conversation.contact_id,
        _waiting_people,
        _people,
    ),
    Source(
        "drafts",
        "Drafts",
        ("1 draft", "{} drafts"),
        FollowUpDraft.made_at,
        FollowUpDraft.id,
        _waiting_drafts,
        _drafts,
    ),
    Source(
        "look",
        "To look at",
        ("1 mail to look at", "{} mails to look at"),
        ReceivedMail.received_at,
        ReceivedMail.id,
        _doubtful_mails,
        _to_look_at,
    ),
    Source(
        "mails",
        "Mails",
        ("1 mail that didn’t go out", "{} mails that didn’t go out"),
        Message.due_at,
        Message.id,
        _undecided_mails,
        _mails,
    ),
    Source(
        "comments",
        "Comments",
        ("1 comment to approve", "{} comments to approve"),
        Comment.created_at,
        Comment.id,
        _held_comments,
        _comments,
    ),
)
"""Of things with the same promise the earlier source comes first."""


def _item(
    source: str,
    label: str,
    promise: Promise,
    id: int,
    since: datetime,
    name: str,
    contact_public_id: str | None,
    owner_id: int | None,
    *,
    about: str,
    excerpt: str,
    ref: str = "",
    number: int | None = None,
) -> Item:
    due, name = promise.due_at(since), name or "Nobody named"
    return Item(
        source, ref or str(id), id, since, due, label, name, contact_public_id, owner_id, about, excerpt, number
    )
