"""Taking back what an import decided about somebody it knew: the stage of their lead, the consent it granted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Consent, ConsentChange
from tpminstitute.exchange.standing import moment
from tpminstitute.pipeline.models import Lead
from tpminstitute.pipeline.standing import may_be_put_back, put_back
from tpminstitute.sequences.models import Enrollment


def take_back_stage(session: Session, contact_id: int, before: Mapping[str, Any]) -> bool:
    """Move a lead back, or remove the one that the import opened; returns False when it was moved since."""
    was, stage_id = before["stage"]
    lead = session.scalar(select(Lead).where(Lead.contact_id == contact_id).order_by(Lead.id.desc()).limit(1))
    if lead is None or lead.stage_id != stage_id:
        return False
    if was is None:
        if lead.opened_at != moment(before["at"]):
            return False
        session.delete(lead)
    elif lead.id == was["id"] and may_be_put_back(session, was):
        put_back(session, lead, was)
    else:
        return False
    session.flush()
    return True


def take_back_consent(session: Session, contact_id: int, before: Mapping[str, Any]) -> bool:
    """Remove the consent that the import granted; returns whether it could be: nothing began on it, nor followed it."""
    at, wording, source = before["consent"]
    newest = session.scalar(
        select(Consent).where(Consent.contact_id == contact_id).order_by(Consent.id.desc()).limit(1)
    )
    began = select(Enrollment.id).where(
        Enrollment.contact_id == contact_id, Enrollment.started_at >= moment(before["at"])
    )
    if newest is None or session.scalar(began.limit(1)) is not None:
        return False
    is_ours = (newest.change, newest.at, newest.wording, newest.source)
    if is_ours != (ConsentChange.GRANTED, moment(at), wording, source):
        return False
    session.delete(newest)
    session.flush()
    return True
