"""What the inbox knows that screening asks for, and what screening learns from staff."""

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.cards import KNOWN_BY
from tpminstitute.core.config import Settings
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.screening.models import Judgement
from tpminstitute.screening.service import Evidence, teach
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

_FOUND_HONEST = (ActivityKind.INQUIRY_HANDLED, ActivityKind.INQUIRY_RELEASED)


def is_known(session: Session, contact_id: int) -> bool:
    """Return whether the institute wrote with somebody before, or a person of it found a letter of theirs honest.

    Who sent what a person called spam isn't known by that.
    """
    spam = exists().where(Inquiry.contact_id == contact_id, Inquiry.state == InquiryState.SPAM)
    by_staff = and_(Activity.kind.in_(_FOUND_HONEST), Activity.actor == Actor.STAFF)
    found = select(Activity.id).where(
        Activity.contact_id == contact_id, or_(Activity.kind.in_(KNOWN_BY), by_staff), ~spam
    )
    return session.scalar(found.limit(1)) is not None


def learn(session: Session, settings: Settings, inquiry: Inquiry, judgement: Judgement | None) -> None:
    """Let screening learn from a person's word on what a sender wrote; another word on it, or None, takes it back."""
    evidence = Evidence(inquiry.name, inquiry.email, inquiry.message[inquiry.page_wrote :])
    teach(session, settings.secret_key, f"inquiry:{inquiry.id}", evidence, judgement)
