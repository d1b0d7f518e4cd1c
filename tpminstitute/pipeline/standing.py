"""Where leads stand, kept as JSON by whoever moves many at once, so that they can be put back as they stood."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from tpminstitute.pipeline.models import Lead, LeadEnding, Stage
from tpminstitute.sequences.models import CourseDate

Standing = Mapping[str, Any]
"""How a lead stands: its `id` and `stage_id`, `closed_at`, `moved_at`, and its `ending`, None without one."""


@dataclass(frozen=True)
class Since:
    """Since when a lead stands where it does, None for since it opened; and since when it is closed, if it is."""

    moved_at: datetime | None
    closed_at: datetime | None


def put(lead: Lead, stage_id: int, *, opens: bool, now: datetime) -> None:
    """Let a lead stand in a stage from `now` on, open or closed; how it ended goes with its outcome (a trigger)."""
    lead.stage_id = stage_id
    lead.closed_at = None if opens else lead.closed_at or now
    lead.moved_at = now


def standing_of_leads(session: Session, leads: Collection[Lead]) -> dict[int, Standing]:
    """Return how each lead stands, by its id, for `put_back`."""
    endings = _endings(session, [lead.id for lead in leads])
    return {
        lead.id: {
            "id": lead.id,
            "stage_id": lead.stage_id,
            "closed_at": lead.closed_at and lead.closed_at.isoformat(),
            "moved_at": lead.moved_at and lead.moved_at.isoformat(),
            "ending": endings.get(lead.id),
        }
        for lead in leads
    }


def may_be_put_back(session: Session, standing: Standing, given: Mapping[str, Any] | None = None) -> bool:
    """Return whether a lead can stand as it stood, without losing what somebody said since.

    Parameters: `given`, the ending that it was given when it was moved. It can't when its stage is in the archive, and
    when it was said since how it ended.
    """
    stage = session.get(Stage, standing["stage_id"])
    if stage is None or stage.archived_at is not None:
        return False
    now = _endings(session, [standing["id"]]).get(standing["id"])
    return now is None or _said(now) in [_said(ending) for ending in (standing["ending"], given) if ending]


def put_back(session: Session, lead: Lead, standing: Standing) -> None:
    """Let a lead stand as it stood: its stage, since when, and how it had ended. The caller asked if it may."""
    lead.stage_id = standing["stage_id"]
    lead.closed_at, lead.moved_at = (_moment(standing[name]) for name in ("closed_at", "moved_at"))
    session.flush()
    session.execute(delete(LeadEnding).where(LeadEnding.lead_id == lead.id))
    if standing["ending"] is not None:
        ending = dict(standing["ending"])
        if ending["course_date_id"] is not None and session.get(CourseDate, ending["course_date_id"]) is None:
            ending["course_date_id"] = None
        session.execute(insert(LeadEnding).values(lead_id=lead.id, **ending))


def _endings(session: Session, lead_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    columns = LeadEnding.lost_reason_id, LeadEnding.course_date_id, LeadEnding.course, LeadEnding.note
    rows = session.execute(select(LeadEnding.lead_id, *columns).where(LeadEnding.lead_id.in_(lead_ids)))
    names = [column.key for column in columns]
    return {lead_id: dict(zip(names, values, strict=True)) for lead_id, *values in rows}


def _said(ending: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what was said of an ending; a course's date may go, its name stays."""
    return ending["lost_reason_id"], ending["course"], ending["note"]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
