"""Open leads, move them through the stages, and say where they stand."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.pipeline import endings
from tpminstitute.pipeline.endings import Ending
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.pipeline.standing import Since, put
from tpminstitute.sequences.service import take_up_again
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

_OPEN = select(Lead.id).where(Lead.contact_id == bindparam("contact"), Lead.closed_at.is_(None))
"""Made once: every inquiry and every mail by a person asks."""

_NEWEST = select(Lead).where(Lead.contact_id == bindparam("contact")).order_by(Lead.id.desc()).limit(1)
_STAGES = select(Stage).where(Stage.archived_at.is_(None)).order_by(Stage.position)


def open_lead(session: Session, contact_id: int) -> int:
    """Return the contact's open lead, opened now in the first open stage when there is none.

    The caller holds the contact's row (`contacts.service.find_or_add`), so two inquiries at once open one lead.
    """
    lead_id = session.scalar(_OPEN, {"contact": contact_id})
    if lead_id is not None:
        return lead_id
    opens = select(Stage).where(Stage.outcome == Outcome.OPEN, Stage.archived_at.is_(None))
    stage = session.scalars(opens.order_by(Stage.position).limit(1)).one()
    lead = Lead(contact_id=contact_id, stage_id=stage.id, opened_at=clock.now(), closed_at=None)
    session.add(lead)
    session.flush()
    record(session, contact_id, ActivityKind.LEAD_OPENED, f"A lead was opened in “{stage.name}”.")
    return lead.id


def lead_of(session: Session, contact_id: int) -> Lead | None:
    """Return a contact's newest lead, or None without one."""
    return session.scalar(_NEWEST, {"contact": contact_id})


def stages(session: Session) -> Sequence[Stage]:
    """Return the stages in their order, those in the archive left out."""
    return session.scalars(_STAGES).all()


def lost_stage(session: Session) -> int | None:
    """Return the id of the first stage for leads that are lost, or None when there is none."""
    lost = select(Stage.id).where(Stage.outcome == Outcome.LOST, Stage.archived_at.is_(None))
    return session.scalar(lost.order_by(Stage.position).limit(1))


def move_lead(
    session: Session,
    lead_id: int,
    stage_id: int,
    account_id: int,
    ending: Ending | None = None,
    *,
    shown_stage_id: int | None = None,
) -> bool:
    """Move a lead to another stage; won or lost closes it and stops the follow-ups, an open stage opens it again.

    Parameters: `ending`, why it was lost or which course was won, for a stage of that outcome; `shown_stage_id`, where
    it stood on the page.
    Returns False when it stands there already and ended so. Raises `Refusal` when there is no such lead or stage, when
    the lead would open beside another one that is open, and when somebody moved it since; `EndingProblem` when it says
    too little about the ending. Whatever is raised, nothing was moved.
    """
    lead = _locked(session, lead_id)
    to = session.get(Stage, stage_id)
    if lead is None or to is None or (to.archived_at is not None and lead.stage_id != to.id):
        raise Refusal("There is no such lead or stage any more. Nothing was moved.")
    before = session.get_one(Stage, lead.stage_id)
    if lead.stage_id == to.id:
        return ending is not None and _end_anew(session, lead, to, ending, account_id)
    if shown_stage_id is not None and lead.stage_id != shown_stage_id:
        raise Refusal(
            f"Somebody moved it to “{before.name}” meanwhile. It stays there: move it again if it should not."
        )
    if to.outcome is Outcome.OPEN and lead.closed_at is not None:
        _expect_none_open(session, lead.contact_id)
    if to.outcome is not before.outcome:
        endings.told(session, to.outcome, ending or Ending())
    put(lead, to.id, opens=to.outcome is Outcome.OPEN, now=clock.now())
    session.flush()
    sentence = f"Moved the lead from “{before.name}” to “{to.name}”."
    if to.outcome is not Outcome.OPEN and (to.outcome is not before.outcome or ending is not None):
        row = endings.kept(session, lead.id, to.outcome, ending or Ending())
        sentence += f" {endings.ending_in_words(session, row)}"
    record(session, lead.contact_id, ActivityKind.LEAD_MOVED, sentence, account_id=account_id)
    if to.outcome is not Outcome.OPEN:
        stop_for_contact(session, lead.contact_id, stopped_because(to.outcome))
    return True


def move_back(
    session: Session,
    settings: Settings,
    lead_id: int,
    stage_id: int,
    account_id: int,
    ending: Ending | None,
    *,
    shown_stage_id: int,
    since: Since,
) -> bool:
    """Undo a move: the lead goes back to `stage_id`, and the follow-ups that closing it stopped go on.

    Parameters: `ending`, how it had ended before, if it had; `since`, since when it stood there, which holds again.
    Returns and raises as `move_lead` does.
    """
    closed_as = session.get_one(Stage, shown_stage_id).outcome
    moved = move_lead(session, lead_id, stage_id, account_id, ending, shown_stage_id=shown_stage_id)
    lead = session.get_one(Lead, lead_id)
    if moved:
        lead.moved_at = since.moved_at
        lead.closed_at = lead.closed_at and (since.closed_at or lead.closed_at)
        session.flush()
    if moved and closed_as is not Outcome.OPEN and lead.closed_at is None:
        take_up_again(session, settings, lead.contact_id, stopped_because(closed_as))
    return moved


def stopped_because(outcome: Outcome) -> str:
    """Return the reason that runs carry which a closed lead stopped."""
    return f"The lead was {outcome.value}."


def _end_anew(session: Session, lead: Lead, stage: Stage, ending: Ending, account_id: int) -> bool:
    """Say otherwise how a closed lead ended; returns False for an open one and for what it says already."""
    if stage.outcome is Outcome.OPEN:
        return False
    earlier = endings.ending_of(session, lead.id)
    was = endings.ending_in_words(session, earlier) if earlier else ""
    told = endings.ending_in_words(session, endings.kept(session, lead.id, stage.outcome, ending))
    if told == was:
        return False
    sentence = f"The lead in “{stage.name}”: {told}"
    record(session, lead.contact_id, ActivityKind.LEAD_MOVED, sentence, account_id=account_id)
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
