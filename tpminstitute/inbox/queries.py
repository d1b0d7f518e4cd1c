"""Read the inbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.topics import Topics, topics_of
from tpminstitute.inbox.letters import acknowledgement_key
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.mail.models import Message

PAGE = 50
"""Rows on one page of the inbox."""

EXCERPT = 140
"""Characters of the message shown in a row."""

COUNTED = 1_000
"""Nobody needs to know more exactly how much waits, and counting a million rows takes its time."""


@dataclass(frozen=True)
class Row:
    """One inquiry as a line of the inbox."""

    id: int
    public_id: str
    contact_public_id: str
    name: str
    email: str
    topic_label: str
    excerpt: str
    state: InquiryState
    received_at: datetime
    suspicions: Sequence[str]
    score: int | None


@dataclass(frozen=True)
class Page:
    """A page of the inbox, newest first; `older` and `newer` are the ids to go on from, if there is more."""

    rows: Sequence[Row]
    older: int | None
    newer: int | None


def inbox_page(
    session: Session,
    state: InquiryState | None = None,
    *,
    before: int | None = None,
    after: int | None = None,
) -> Page:
    """Return a page of inquiries, newest first.

    Parameters: `state`, only those, or all; `before`/`after`, only inquiries older/newer than this id (keyset paging).
    """
    query = (
        select(
            Inquiry.id,
            Inquiry.public_id,
            Contact.public_id,
            Inquiry.name,
            Inquiry.email,
            Inquiry.topic,
            func.substr(Inquiry.message, 1, EXCERPT),
            Inquiry.state,
            Inquiry.received_at,
            Inquiry.suspicions,
            Inquiry.score,
        )
        .join(Contact, Contact.id == Inquiry.contact_id)
        .limit(PAGE + 1)
    )
    if state is not None:
        query = query.where(Inquiry.state == state)
    topics = topics_of(session)
    if after is not None:
        found = session.execute(query.where(Inquiry.id > after).order_by(Inquiry.id)).all()
        more, rows = len(found) > PAGE, [_row(topics, *row) for row in reversed(found[:PAGE])]
        return Page(rows, older=rows[-1].id if rows else None, newer=rows[0].id if more else None)
    if before is not None:
        query = query.where(Inquiry.id < before)
    found = session.execute(query.order_by(Inquiry.id.desc())).all()
    more, rows = len(found) > PAGE, [_row(topics, *row) for row in found[:PAGE]]
    newer = rows[0].id if rows and before is not None else None
    return Page(rows, older=rows[-1].id if more else None, newer=newer)


def _row(
    topics: Topics,
    id: int,
    public_id: str,
    contact: str,
    name: str,
    email: str,
    topic: str,
    excerpt: str,
    state: str,
    at: datetime,
    suspicions: Sequence[str],
    score: int | None,
) -> Row:
    label = topics.label(topic)
    return Row(id, public_id, contact, name, email, label, excerpt, InquiryState(state), at, suspicions, score)


_QUEUED = select(Message.dedupe_key).where(Message.dedupe_key.in_(bindparam("keys", expanding=True)))


def unacknowledged(session: Session, inquiries: Sequence[Inquiry]) -> set[int]:
    """Return the ids of those of `inquiries` that still owe an acknowledgement: none was ever queued for them.

    What is spam, or suspected of it, owes none.
    """
    keys = {
        acknowledgement_key(inquiry): inquiry.id
        for inquiry in inquiries
        if inquiry.state in (InquiryState.OPEN, InquiryState.HANDLED)
    }
    if not keys:
        return set()
    queued = session.scalars(_QUEUED, {"keys": list(keys)})
    return set(keys.values()) - {keys[key] for key in queued}


def by_public_id(session: Session, public_id: str) -> Inquiry | None:
    """Return the inquiry with that public id, or None."""
    return session.scalar(select(Inquiry).where(Inquiry.public_id == public_id))
