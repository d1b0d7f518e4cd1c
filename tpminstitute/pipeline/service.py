"""Open leads and say where they stand."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.pipeline.models import Lead, Outcome, Stage
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


def stage_of(session: Session, contact_id: int) -> str | None:
    """Return the name of the stage where the contact's newest lead stands, or None without a lead."""
    return session.scalar(
        select(Stage.name)
        .join(Lead, Lead.stage_id == Stage.id)
        .where(Lead.contact_id == contact_id)
        .order_by(Lead.id.desc())
        .limit(1)
    )
