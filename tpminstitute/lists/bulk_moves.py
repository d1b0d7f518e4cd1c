"""Moving the leads of many contacts to a stage at once, with how they end there, and back to where they stood."""

from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import ContactCard
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.lists.bulk_ways import Before, Doing, Reasons, Way, reason_of
from tpminstitute.lists.filters import probed
from tpminstitute.lists.models import BulkAction
from tpminstitute.pipeline import endings
from tpminstitute.pipeline.models import Lead, LeadEnding, Outcome, Stage
from tpminstitute.pipeline.standing import may_be_put_back, put, put_back, standing_of_leads
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.taking_back import let_go_on, standing_of


def stage_meant(session: Session, target: str) -> Stage | None:
    """Return the stage that a target means, or None when it means none on the board."""
    stage = session.get(Stage, int(target)) if target.isascii() and target.isdigit() and len(target) < 10 else None
    return stage if stage is not None and stage.archived_at is None else None


def ending_told(session: Session, doing: Doing) -> dict[str, int | str | None]:
    """Return how moved leads end, as it is kept; {} where they stay open. Raises as `endings.told` does."""
    stage = stage_meant(session, doing.target)
    return {} if stage is None else endings.told(session, stage.outcome, doing.ending)


def _says(session: Session, doing: Doing) -> str:
    stage = stage_meant(session, doing.target)
    if stage is None:
        raise Refusal("Choose the stage that they move to. Nothing was changed.")
    sentence = f"Move their leads to “{stage.name}”."
    told = endings.told(session, stage.outcome, doing.ending)
    if not told:
        return sentence
    how = endings.ending_in_words(session, LeadEnding(**told))
    stop = "" if how.endswith((".", "?", "!")) else "."
    return f"{sentence} They are {stage.outcome.value}: {how}{stop} Their follow-ups stop."


def _left(target: str) -> Reasons:
    closed = select(Stage.id).where(Stage.outcome != Outcome.OPEN)
    opens = select(Stage.id).where(Stage.id == int(target), Stage.outcome == Outcome.OPEN).exists()
    beside = ContactCard.stage_id.in_(closed) & probed(select(Lead.contact_id).where(Lead.closed_at.is_(None)))
    return [
        ("They have no lead.", ContactCard.stage_id.is_(None)),
        ("Their lead stands there already.", ContactCard.stage_id == int(target)),
        (
            "An earlier lead of theirs is open, and there is one at a time.",
            beside & opens,
        ),
    ]


def _move(session: Session, action: BulkAction, ids: Collection[int]) -> dict[int, Before]:
    newest = select(func.max(Lead.id)).where(Lead.contact_id.in_(ids)).group_by(Lead.contact_id)
    leads = session.scalars(select(Lead).where(Lead.id.in_(newest)).execution_options(populate_existing=True)).all()
    stage = session.get_one(Stage, int(action.target))
    runs = standing_of(session, ids) if stage.outcome is not Outcome.OPEN else {}
    standing = standing_of_leads(session, leads)
    before = {lead.contact_id: {"lead": standing[lead.id], "runs": runs.get(lead.contact_id, [])} for lead in leads}
    for lead in leads:
        put(lead, stage.id, opens=stage.outcome is Outcome.OPEN, now=clock.now())
    session.flush()
    if stage.outcome is not Outcome.OPEN:
        endings.keep(session, list(standing), action.ending)
    for contact_id in runs:
        stop_for_contact(session, contact_id, reason_of(action))
    return before


def _move_back(session: Session, action: BulkAction, befores: Mapping[int, Before]) -> dict[int, str]:
    kept: dict[int, str] = {}
    for contact_id, before in befores.items():
        lead = session.get(Lead, before["lead"]["id"], populate_existing=True)
        newest = session.scalar(select(func.max(Lead.id)).where(Lead.contact_id == contact_id))
        if lead is None or lead.contact_id != contact_id or lead.stage_id != int(action.target):
            kept[contact_id] = "The lead was moved since."
        elif lead.id != newest:
            kept[contact_id] = "Another lead was opened since."
        elif not may_be_put_back(session, before["lead"], action.ending):
            kept[contact_id] = "It was said since how the lead ended, or the stage where it stood is in the archive."
        elif before["runs"] and not let_go_on(session, before["runs"], reason_of(action)):
            kept[contact_id] = "Their follow-ups changed since."
        else:
            put_back(session, lead, before["lead"])
    return kept


WAY = Way(_says, _left, _move, _move_back)
