"""Numbers about the service, read only."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.mail.models import Message, MessageStatus

WAITING = (MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.SENDING)


@dataclass(frozen=True)
class MailBacklog:
    """How the outgoing mail stands: counts, and the age of the oldest due mail in seconds."""

    waiting: int
    failed: int
    uncertain: int
    oldest_due_seconds: float


def mail_backlog(session: Session) -> MailBacklog:
    """Return how many mails wait, failed or are uncertain, and how late the oldest due one is."""
    wanted = (*WAITING, MessageStatus.FAILED, MessageStatus.UNCERTAIN)
    by_status = select(Message.status, func.count()).where(Message.status.in_(wanted)).group_by(Message.status)
    counts = dict.fromkeys(wanted, 0)
    for status, number in session.execute(by_status):
        counts[status] = number
    oldest = session.scalar(select(func.min(Message.due_at)).where(Message.status.in_(WAITING)))
    late = 0.0 if oldest is None else max(0.0, (clock.now() - oldest).total_seconds())
    return MailBacklog(
        waiting=sum(counts[status] for status in WAITING),
        failed=counts[MessageStatus.FAILED],
        uncertain=counts[MessageStatus.UNCERTAIN],
        oldest_due_seconds=late,
    )


def inquiries_by_state(session: Session) -> dict[InquiryState, int]:
    """Return how many inquiries are in each state."""
    counts = dict.fromkeys(InquiryState, 0)
    for state, number in session.execute(select(Inquiry.state, func.count()).group_by(Inquiry.state)):
        counts[state] = number
    return counts
