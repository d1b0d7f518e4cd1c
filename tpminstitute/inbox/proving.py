"""Release an inquiry whose writer proved that it wasn't a machine's."""

from sqlalchemy.orm import Session

from tpminstitute.contacts.service import locked
from tpminstitute.core.config import Settings
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.submit import follow_through
from tpminstitute.screening.points import PROVEN
from tpminstitute.screening.service import provable
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

SENTENCE = "An inquiry was released: its writer proved that it wasn't a machine's."


def may_be_proven(inquiry: Inquiry) -> bool:
    """Return whether an inquiry is set apart, and by so little that a proof releases it."""
    return inquiry.state is InquiryState.SUSPECTED and provable(inquiry.score)


def release_proven(session: Session, settings: Settings, inquiry: Inquiry) -> bool:
    """Release a locked inquiry; returns False, and changes nothing, for one that no proof releases."""
    if not may_be_proven(inquiry):
        return False
    contact = locked(session, inquiry.contact_id)
    inquiry.state = InquiryState.OPEN
    inquiry.score = max(0, (inquiry.score or 0) + PROVEN.points)
    inquiry.suspicions = [*inquiry.suspicions, PROVEN.told]
    record(session, contact.id, ActivityKind.INQUIRY_RELEASED, SENTENCE, actor=Actor.VISITOR)
    session.flush()
    if inquiry.followed_through_at is None:
        follow_through(session, settings, inquiry, contact)
    return True
