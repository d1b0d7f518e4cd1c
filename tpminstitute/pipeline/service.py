"""Open leads, move them through the stages, and say where they stand."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

_OPEN = select(Lead.id).where(Lead.contact_id == bindparam("contact"), Lead.closed_at.is_(None))
"""Made once: every inquiry and every mail by a person asks."""


def open_lead(session: Session, contact_id: int) -> int:
    """Return the contact's open lead, opened now in the first open stage when there is none.

    The caller holds the contact's row (`contacts.service.find_or_add`), so two inquiries at once open one lead.
    """
    lead_id = session.scalar(_OPEN, {"contact": contact_id})
    if lead_id is not None:
        return lead_id
    stage = session.scalars(select(Stage).where(Stage.outcome == Outcome.OPEN).order_by(Stage.position).limit(1)).one()
    lead = Lead(contact_id=contact_id, stage_id=stage.id, opened_at=clock.now(), closed_at=None)
    session.add(lead)
    session.flush()
    record(session, contact_id, ActivityKind.LEAD_OPENED, f"A lead was opened in “{stage.name}”.")
    return lead.id


def lead_of(session: Session, contact_id: int) -> Lead | None:
    """Return a contact's newest lead, or None without one."""
    return session.scalar(select(Lead).where(Lead.contact_id == contact_id).order_by(Lead.id.desc()).limit(1))


def stages(session: Session) -> Sequence[Stage]:
    """Return the stages in their order."""
    return session.scalars(select(Stage).order_by(Stage.position)).all()


def move_lead(session: Session, lead_id: int, stage_id: int, account_id: int) -> bool:
    """Move a lead to another stage; won or lost closes it and stops the follow-ups, an open stage opens it again.

    Returns False when it stands there already. Raises `Refusal` when there is no such lead or stage, and when the lead
    would open beside another one that is open.
    """
    lead = _locked(session, lead_id)
    to = session.get(Stage, stage_id)
    if lead is None or to is None:
        raise Refusal("There is no such lead or stage any more. Nothing was moved.")
    if lead.stage_id == to.id:
        return False
    if to.outcome is Outcome.OPEN and lead.closed_at is not None:
        _expect_none_open(session, lead.contact_id)
    before = session.get_one(Stage, lead.stage_id)
    lead.stage_id = to.id
    lead.closed_at = None if to.outcome is Outcome.OPEN else lead.closed_at or clock.now()
    session.flush()
    sentence = f"Moved the lead from “{before.name}” to “{to.name}”."
    record(session, lead.contact_id, ActivityKind.LEAD_MOVED, sentence, account_id=account_id)
    if to.outcome is not Outcome.OPEN:
        stop_for_contact(session, lead.contact_id, f"The lead was {to.outcome.value}.")
    return True


def _locked(session: Session, lead_id: int) -> Lead | None:
    """Return a lead, its contact locked first, as whoever opens one does."""
    contact_id = session.scalar(select(Lead.contact_id).where(Lead.id == lead_id))
    if contact_id is None:
        return None
    locked(session, contact_id)
    return session.get_one(Lead, lead_id, with_for_update=True, populate_existing=True)


def _expect_none_open(session: Session, contact_id: int) -> None:
    if session.scalar(_OPEN, {"contact": contact_id}) is not None:
        raise Refusal("Another lead of this contact is open, and there is one at a time. Nothing was moved.")
