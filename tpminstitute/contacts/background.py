"""Where somebody stands on the path: as staff say who know them, else as their own pathway check says."""

from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Background, BackgroundSource
from tpminstitute.contacts.service import locked
from tpminstitute.core.errors import Refusal
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

LABELS = {
    Background.NEW: "New to the field",
    Background.ENGINEERING: "From engineering",
    Background.PROJECT_MANAGEMENT: "From project management",
}


def set_background(
    session: Session, contact_id: int, where: Background | None, account_id: int, *, instead_of: Background | None
) -> bool:
    """Keep where a contact stands, as a staff member says it; None forgets it. Returns whether anything changed.

    Parameters: `instead_of`, where the contact stood as far as they saw. Raises `Refusal` when that changed since.
    """
    contact = locked(session, contact_id)
    source = BackgroundSource.STAFF if where else None
    if (contact.background, contact.background_source) == (where, source):
        return False
    if contact.background not in (instead_of, where):
        now = f"“{LABELS[contact.background]}”" if contact.background else "that nobody knows"
        raise Refusal(f"Meanwhile it says {now}. Nothing was changed: choose again if it should say something else.")
    contact.background, contact.background_source = where, source
    session.flush()
    sentence = f"Where they stand: {LABELS[where]}." if where else "Where they stand is not known any more."
    record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, account_id=account_id)
    return True


def keep_result(session: Session, contact_id: int, where: Background) -> bool:
    """Keep what a contact's own pathway check says; what staff said stays. Returns whether anything changed."""
    contact = locked(session, contact_id)
    if contact.background_source is BackgroundSource.STAFF or contact.background is where:
        return False
    contact.background, contact.background_source = where, BackgroundSource.PATHWAY_CHECK
    session.flush()
    sentence = f"The pathway check says: {LABELS[where]}."
    record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, actor=Actor.VISITOR)
    return True
