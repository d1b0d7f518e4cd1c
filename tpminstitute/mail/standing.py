"""Read how outgoing mail stands: what waits, since when, and what needs a person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.mail.outbox import LABELS

PAGE = 50
"""Mails shown at once that wait for a decision."""

LATELY = 20
"""Mails shown of those that were not sent, for a reason nobody needs to act on."""

WAITING = (MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.SENDING)
UNDECIDED = (MessageStatus.FAILED, MessageStatus.UNCERTAIN)
NOT_SENT = (MessageStatus.SUPPRESSED, MessageStatus.CANCELLED)


@dataclass(frozen=True)
class Line:
    """One mail as a line of a list, with the contact it is about, if it is about one."""

    id: int
    label: str
    subject: str
    recipient: str
    status: MessageStatus
    reason: str
    due_at: datetime
    contact_public_id: str | None
    contact_name: str | None


@dataclass(frozen=True)
class Queue:
    """What waits to be sent: how many mails, how many of them are due, and when the oldest of those was due."""

    waiting: int
    due: int
    oldest_due_at: datetime | None
    next_due_at: datetime | None


def queue_now(session: Session) -> Queue:
    """Return what waits to be sent."""
    now = clock.now()
    late = Message.due_at <= now
    waiting = select(func.count(), func.min(Message.due_at)).where(Message.status.in_(WAITING))
    due, oldest = session.execute(waiting.where(late)).one()
    later, soonest = session.execute(waiting.where(~late)).one()
    return Queue(due + later, due, oldest, soonest)


def undecided(session: Session, *, before: int | None = None) -> tuple[Sequence[Line], int | None]:
    """Return the failed and uncertain mails, newest first, and the id to go on from, if there are more."""
    found = _lines(session, UNDECIDED, PAGE + 1, before)
    lines = found[:PAGE]
    return lines, lines[-1].id if len(found) > PAGE else None


def count_undecided(session: Session) -> dict[MessageStatus, int]:
    """Return how many mails failed and how many are uncertain."""
    counts = dict.fromkeys(UNDECIDED, 0)
    query = select(Message.status, func.count()).where(Message.status.in_(UNDECIDED)).group_by(Message.status)
    for status, number in session.execute(query):
        counts[status] = number
    return counts


def not_sent_lately(session: Session) -> Sequence[Line]:
    """Return the newest mails that were suppressed or cancelled."""
    return _lines(session, NOT_SENT, LATELY)


def _lines(
    session: Session, statuses: Collection[MessageStatus], most: int, before: int | None = None
) -> Sequence[Line]:
    query = (
        select(
            Message.id,
            Message.kind,
            Message.subject,
            Message.recipient,
            Message.status,
            Message.reason,
            Message.due_at,
            Contact.public_id,
            Contact.name,
        )
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.status.in_(statuses))
        .order_by(Message.id.desc())
        .limit(most)
    )
    if before is not None:
        query = query.where(Message.id < before)
    return [Line(row[0], LABELS[row[1]], *row[2:]) for row in session.execute(query)]
