"""Where the things come from that need a person: one source a kind. A further kind is a further line of `SOURCES`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core.db import UtcDateTime
from tpminstitute.inbox.models import Conversation, ReceivedMail, Standing, Turn
from tpminstitute.inbox.queries import EXCERPT
from tpminstitute.inbox.waiting import COUNTED, count_waiting, longest_waiting
from tpminstitute.institute.promise import Promise
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.mail.outbox import LABELS
from tpminstitute.mail.standing import UNDECIDED
from tpminstitute.pipeline import reminder_lists
from tpminstitute.pipeline.models import Reminder
from tpminstitute.sequences.models import DraftStatus, Enrollment, FollowUpDraft
from tpminstitute.sequences.models import Sequence as Plan
from tpminstitute.today.items import Item, Place, Whose


@dataclass(frozen=True)
class Asked:
    """What is asked of a source: whose items, after which place, how many at most; `until` is the end of the day."""

    whose: Whose
    promise: Promise
    until: datetime
    after: Place | None = None
    most: int = COUNTED


@dataclass(frozen=True)
class Source:
    """One kind of things that need a person.

    `told` are the words for one and for several of them in a sentence. `items` returns them, those with the oldest
    promise first, and `count` how many there are, at most `COUNTED`. `has_times` says that each has a time of its own,
    in place of the promise counted from since when it waits.
    """

    key: str
    label: str
    told: tuple[str, str]
    items: Callable[[Session, Asked], Sequence[Item]]
    count: Callable[[Session, Asked], int]
    has_times: bool = False


# --- reminders ----------------------------------------------------------------------------------------------


def _reminders(session: Session, asked: Asked) -> list[Item]:
    further = asked.whose.of(Reminder.for_id)
    if asked.after is not None:
        further += reminder_lists.after_place(reminder_lists.Place(asked.after.moment, asked.after.id))
    return [
        Item(
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
        for line in reminder_lists.open_until(session, asked.until, asked.most, *further)
    ]


def _count_reminders(session: Session, asked: Asked) -> int:
    return reminder_lists.count_open_until(session, asked.until, COUNTED, *asked.whose.of(Reminder.for_id))


# --- people who wait for an answer --------------------------------------------------------------------------


def _people(session: Session, asked: Asked) -> list[Item]:
    further = (
        *asked.whose.of(Contact.owner_id),
        *_beyond(Conversation.since, Conversation.contact_id, asked.after),
    )
    return [
        Item(
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
        for row in longest_waiting(session, asked.most, *further)
    ]


def _count_people(session: Session, asked: Asked) -> int:
    return count_waiting(session, Turn.INSTITUTE, *asked.whose.of(Contact.owner_id))


# --- follow-ups that wait for a word ------------------------------------------------------------------------


def _drafts(session: Session, asked: Asked) -> list[Item]:
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
        .where(FollowUpDraft.status == DraftStatus.WAITING, *asked.whose.of(Contact.owner_id))
        .where(*_beyond(FollowUpDraft.made_at, FollowUpDraft.id, asked.after))
        .order_by(FollowUpDraft.made_at, FollowUpDraft.id)
        .limit(asked.most)
    )
    return [
        _waiting("drafts", "Draft", asked.promise, *row[:-2], about=f"“{row[-2]}”", excerpt=f"from {row[-1]}")
        for row in session.execute(query)
    ]


def _count_drafts(session: Session, asked: Asked) -> int:
    ids = select(FollowUpDraft.id).where(FollowUpDraft.status == DraftStatus.WAITING)
    if whose := asked.whose.of(Contact.owner_id):
        ids = ids.join(Enrollment, Enrollment.id == FollowUpDraft.enrollment_id)
        ids = ids.join(Contact, Contact.id == Enrollment.contact_id).where(*whose)
    return _count(session, ids)


# --- mails that came in and that a person must look at ------------------------------------------------------

_ANSWERED_WITH_THE_CONTACT = exists().where(
    Conversation.contact_id == ReceivedMail.contact_id, Conversation.turn == Turn.INSTITUTE
)
"""The contact waits for an answer, and stands in the list already."""


def _doubtful(session: Session, asked: Asked) -> list[Item]:
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
        .where(ReceivedMail.standing == Standing.DOUBTFUL, ~_ANSWERED_WITH_THE_CONTACT)
        .where(*asked.whose.of(Contact.owner_id), *_beyond(ReceivedMail.received_at, ReceivedMail.id, asked.after))
        .order_by(ReceivedMail.received_at, ReceivedMail.id)
        .limit(asked.most)
    )
    return [
        _waiting("look", "To look at", asked.promise, *row[:-3], ref=row[-3], about=row[-2], excerpt=row[-1])
        for row in session.execute(query)
    ]


def _count_doubtful(session: Session, asked: Asked) -> int:
    ids = select(ReceivedMail.id).where(ReceivedMail.standing == Standing.DOUBTFUL, ~_ANSWERED_WITH_THE_CONTACT)
    if whose := asked.whose.of(Contact.owner_id):
        ids = ids.outerjoin(Contact, Contact.id == ReceivedMail.contact_id).where(*whose)
    return _count(session, ids)


# --- mails of ours that failed, or may not have arrived -----------------------------------------------------


def _mails(session: Session, asked: Asked) -> list[Item]:
    found: list[Item] = []
    for status in UNDECIDED:  # each by the index on (status, due_at)
        query = (
            select(
                Message.id,
                Message.due_at,
                func.coalesce(Contact.name, Message.recipient),
                Contact.public_id,
                Contact.owner_id,
                Message.kind,
                Message.subject,
                Message.reason,
            )
            .outerjoin(Contact, Contact.id == Message.contact_id)
            .where(Message.status == status, *asked.whose.of(Contact.owner_id))
            .where(*_beyond(Message.due_at, Message.id, asked.after))
            .order_by(Message.due_at, Message.id)
            .limit(asked.most)
        )
        label = "Mail failed" if status is MessageStatus.FAILED else "Mail uncertain"
        found += [
            _waiting("mails", label, asked.promise, *row[:-3], about=f"{LABELS[row[-3]]} “{row[-2]}”", excerpt=row[-1])
            for row in session.execute(query)
        ]
    return sorted(found, key=lambda item: (item.moment, item.id))[: asked.most]


def _count_mails(session: Session, asked: Asked) -> int:
    ids = select(Message.id).where(Message.status.in_(UNDECIDED))
    if whose := asked.whose.of(Contact.owner_id):
        ids = ids.outerjoin(Contact, Contact.id == Message.contact_id).where(*whose)
    return _count(session, ids)


SOURCES = (
    Source("reminders", "Reminders", ("1 reminder", "{} reminders"), _reminders, _count_reminders, has_times=True),
    Source("people", "People waiting", ("1 person waits", "{} people wait"), _people, _count_people),
    Source("drafts", "Drafts", ("1 draft", "{} drafts"), _drafts, _count_drafts),
    Source("look", "To look at", ("1 mail to look at", "{} mails to look at"), _doubtful, _count_doubtful),
    Source("mails", "Mails", ("1 mail that didn’t go out", "{} mails that didn’t go out"), _mails, _count_mails),
)
"""Of things with the same promise the earlier source comes first."""


# --- what they share ----------------------------------------------------------------------------------------


def _waiting(
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
) -> Item:
    due, name = promise.due_at(since), name or "Nobody named"
    return Item(source, ref or str(id), id, since, due, label, name, contact_public_id, owner_id, about, excerpt)


def _beyond(moment: Any, id: Any, place: Place | None) -> tuple[ColumnElement[bool], ...]:
    if place is None:
        return ()
    at = literal(place.moment, UtcDateTime)
    return moment >= at, or_(moment > at, id > place.id)


def _count(session: Session, ids: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(ids.limit(COUNTED).subquery())) or 0
