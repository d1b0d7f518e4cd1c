"""Read whose turn it is: the conversations that wait for somebody, and the mails that belong to none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.bulk import counting
from tpminstitute.core.db import UtcDateTime
from tpminstitute.inbox.models import Conversation, Inquiry, InquiryState, ReceivedMail, Standing, Turn
from tpminstitute.inbox.queries import COUNTED, EXCERPT, PAGE
from tpminstitute.mail.incoming.model import ReceivedKind


@dataclass(frozen=True)
class Place:
    """A conversation's place in the list of those that wait for the same: since when, and whose it is."""

    since: datetime
    contact_id: int


@dataclass(frozen=True)
class Waiting:
    """One conversation as a line of the list, with the newest words that came in, by mail or by the form."""

    place: Place
    contact_public_id: str
    name: str
    owner_id: int | None
    about: str
    excerpt: str
    by_mail: bool


@dataclass(frozen=True)
class WaitingPage:
    """A page of conversations; `next` and `previous` are the places to go on from, if there is more."""

    rows: Sequence[Waiting]
    next: Place | None
    previous: Place | None


@dataclass(frozen=True)
class Counts:
    """How much of the inbox waits for a person, each at most `COUNTED`.

    Conversations that wait for us, mails to look at, and inquiries that were set apart.
    """

    for_us: int
    to_look_at: int
    suspected: int


@dataclass(frozen=True)
class LooseMail:
    """One received mail as a line of a list; `contact_public_id` is None where it belongs to nobody."""

    id: int
    public_id: str
    contact_public_id: str | None
    sender: str
    subject: str
    excerpt: str
    kind: ReceivedKind
    at: datetime


@dataclass(frozen=True)
class LoosePage:
    """A page of mails, newest first; `older` and `newer` are the ids to go on from, if there is more."""

    rows: Sequence[LooseMail]
    older: int | None
    newer: int | None


def conversations_page(
    session: Session, turn: Turn, *, after: Place | None = None, before: Place | None = None
) -> WaitingPage:
    """Return a page of the conversations that wait for `turn`: the oldest first where it is our turn, else the newest.

    Parameters: `after`/`before`, only conversations further down/up the list than this place (keyset paging).
    """
    oldest_first = turn is Turn.INSTITUTE
    backwards = before is not None and after is None
    place = before if backwards else after
    query = _waits_for(rising=oldest_first is not backwards, somewhere=place is not None)
    found = session.execute(query, {"turn": turn} | (vars(place) if place is not None else {})).all()
    lines, more = found[:PAGE], len(found) > PAGE
    rows = _with_words(session, list(reversed(lines)) if backwards else lines)
    if not rows:
        return WaitingPage([], None, None)
    onward, back = (True, more) if backwards else (more, after is not None)
    return WaitingPage(rows, rows[-1].place if onward else None, rows[0].place if back else None)


def longest_waiting(session: Session, contact_ids: Sequence[int]) -> list[Waiting]:
    """Return the conversations with these contacts, with their newest words, those that wait longest first."""
    lines = _lines().where(Conversation.contact_id.in_(contact_ids))
    order = (Conversation.since, Conversation.contact_id)
    return _with_words(session, session.execute(lines.order_by(*order)).all())


_WAITING = counting(
    query.limit(bindparam("most"))
    for query in (
        select(Conversation.contact_id).where(Conversation.turn == Turn.INSTITUTE),
        select(ReceivedMail.id).where(ReceivedMail.standing == Standing.DOUBTFUL),
        select(Inquiry.id).where(Inquiry.state == InquiryState.SUSPECTED),
    )
)


def counts(session: Session) -> Counts:
    """Return how much of the inbox waits for a person."""
    return Counts(*session.execute(_WAITING, {"most": COUNTED}).one())


@cache
def _waits_for(*, rising: bool, somewhere: bool) -> Select[Conversation, str, str, int | None, int | None, int | None]:
    query = _lines().where(Conversation.turn == bindparam("turn")).limit(PAGE + 1)
    if somewhere:
        query = query.where(_beyond(rising=rising))
    order = (Conversation.since, Conversation.contact_id)
    return query.order_by(*(order if rising else [column.desc() for column in order]))


def doubtful_page(session: Session, *, before: int | None = None, after: int | None = None) -> LoosePage:
    """Return a page of the mails that wait for a person's look, newest first."""
    return _loose_page(session, ReceivedMail.standing == Standing.DOUBTFUL, before, after)


def nobodys_page(session: Session, *, before: int | None = None, after: int | None = None) -> LoosePage:
    """Return a page of the mails that belong to nobody and wait for nothing, newest first."""
    whose = and_(ReceivedMail.contact_id.is_(None), ReceivedMail.standing == Standing.TRUSTED)
    return _loose_page(session, whose, before, after)


def _lines() -> Select[Conversation, str, str, int | None, int | None, int | None]:
    """Select conversations, each with the ids of the newest inquiry and of the newest mail that a person wrote."""
    inquiry = (
        select(Inquiry.id)
        .where(Inquiry.contact_id == Conversation.contact_id)
        .order_by(Inquiry.id.desc())
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    heard = (
        select(ReceivedMail.id)
        .where(ReceivedMail.contact_id == Conversation.contact_id, ReceivedMail.kind == ReceivedKind.PERSON)
        .order_by(ReceivedMail.id.desc())
        .limit(1)
        .correlate(Conversation)
        .scalar_subquery()
    )
    return select(Conversation, Contact.public_id, Contact.name, Contact.owner_id, inquiry, heard).join(
        Contact, Contact.id == Conversation.contact_id
    )


def _beyond(*, rising: bool) -> ColumnElement[bool]:
    """Return what is further on than a `Place`, whose fields are the parameters."""
    since, contact_id = bindparam("since", type_=UtcDateTime), bindparam("contact_id", type_=Integer)
    if rising:
        return and_(
            Conversation.since >= since,
            or_(Conversation.since > since, Conversation.contact_id > contact_id),
        )
    return and_(
        Conversation.since <= since,
        or_(Conversation.since < since, Conversation.contact_id < contact_id),
    )


_ASKED = select(Inquiry.contact_id, Inquiry.topic, func.substr(Inquiry.message, 1, EXCERPT), Inquiry.received_at).where(
    Inquiry.id.in_(bindparam("ids", expanding=True))
)
_HEARD = select(
    ReceivedMail.contact_id,
    ReceivedMail.inquiry_id,
    func.substr(ReceivedMail.subject, 1, EXCERPT),
    func.substr(ReceivedMail.words, 1, EXCERPT),
    ReceivedMail.received_at,
).where(ReceivedMail.id.in_(bindparam("ids", expanding=True)))


def _with_words(
    session: Session, lines: Sequence[tuple[Conversation, str, str, int | None, int | None, int | None]]
) -> list[Waiting]:
    words: dict[int, tuple[datetime, str, str, bool]] = {}
    newest = {line[4] for line in lines if line[4] is not None}
    topics = topics_of(session)
    for contact_id, topic, text, at in session.execute(_ASKED, {"ids": newest}):
        words[contact_id] = (at, topics.label(topic), text, False)
    mail_ids = [line[5] for line in lines if line[5] is not None]
    mails = session.execute(_HEARD, {"ids": mail_ids}).all() if mail_ids else []
    for contact_id, inquiry_id, subject, text, at in mails:
        if contact_id not in words or inquiry_id in newest or words[contact_id][0] <= at:
            words[contact_id] = (at, subject, text, True)
    made = []
    for conversation, public_id, name, owner_id, _, _ in lines:
        place = Place(conversation.since, conversation.contact_id)
        _, about, excerpt, by_mail = words.get(conversation.contact_id, (None, "", "", False))
        made.append(Waiting(place, public_id, name, owner_id, about, excerpt, by_mail))
    return made


def _loose_page(session: Session, whose: ColumnElement[bool], before: int | None, after: int | None) -> LoosePage:
    query = (
        select(
            ReceivedMail.id,
            ReceivedMail.public_id,
            Contact.public_id,
            ReceivedMail.sender_name,
            ReceivedMail.sender_email,
            func.substr(ReceivedMail.subject, 1, EXCERPT),
            func.substr(ReceivedMail.words, 1, EXCERPT),
            ReceivedMail.kind,
            ReceivedMail.received_at,
        )
        .outerjoin(Contact, Contact.id == ReceivedMail.contact_id)
        .where(whose)
        .limit(PAGE + 1)
    )
    if after is not None:
        found = session.execute(query.where(ReceivedMail.id > after).order_by(ReceivedMail.id)).all()
        more, rows = len(found) > PAGE, [_loose(*row) for row in reversed(found[:PAGE])]
        return LoosePage(rows, rows[-1].id if rows else None, rows[0].id if more else None)
    if before is not None:
        query = query.where(ReceivedMail.id < before)
    found = session.execute(query.order_by(ReceivedMail.id.desc())).all()
    more, rows = len(found) > PAGE, [_loose(*row) for row in found[:PAGE]]
    return LoosePage(rows, rows[-1].id if more else None, rows[0].id if rows and before is not None else None)


def _loose(
    id: int,
    public_id: str,
    contact: str | None,
    name: str,
    email: str,
    subject: str,
    excerpt: str,
    kind: ReceivedKind,
    at: datetime,
) -> LooseMail:
    return LooseMail(id, public_id, contact, name or email or "Nobody named", subject, excerpt, kind, at)
