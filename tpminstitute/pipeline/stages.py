"""Edit the stages: add, rename, order and archive them; an outcome is chosen once and stays."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, cast, func, insert, literal, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch
from tpminstitute.pipeline.models import Lead, LeadCard, Outcome, Stage, StageName
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

LONGEST_NAME = 60
MOST = 20
"""Stages: a board is read from left to right."""

COUNTED = 10_000
"""Leads of a stage that are counted; beyond that it is “more than”."""

_BEYOND = 1_000
"""Added to places while they are dealt out anew, since no two stages may share one for a moment."""


@dataclass(frozen=True)
class StageUse:
    """A stage, how many leads stand in it (at most `COUNTED` and one), and the stages they could move along to."""

    stage: Stage
    leads: int
    others: list[Stage]


class StageProblem(Refusal):
    """A stage can't be kept as it is; the sentence says why."""


def stage_uses(session: Session) -> list[StageUse]:
    """Return every stage in its order with its leads, those in the archive last."""
    archived = Stage.archived_at.is_not(None)
    every = session.scalars(select(Stage).order_by(archived, Stage.position)).all()
    return [
        StageUse(
            stage,
            leads_in(session, LeadCard.stage_id == stage.id),
            [each for each in every if _may_move_along(stage, each)],
        )
        for stage in every
    ]


def leads_in(session: Session, *which: ColumnElement[bool]) -> int:
    """Return how many leads there are of `which` cards, at most `COUNTED` and one."""
    some = select(LeadCard.lead_id).where(*which).limit(COUNTED + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def add_stage(session: Session, name: str, outcome: Outcome, account_id: int) -> Stage:
    """Add a stage behind those of its outcome; returns it. Raises `StageProblem` for a name that can't be."""
    touch(session)
    called = _checked(session, name, None)
    in_order = _in_order(session)
    if sum(stage.archived_at is None for stage in in_order) >= MOST:
        raise StageProblem(f"Archive a stage first: {MOST} are the most that a board can show.")
    last = max((stage.position for stage in in_order), default=-1)
    stage = Stage(name=called, position=last + 1, outcome=outcome, archived_at=None, number=1)
    session.add(stage)
    session.flush()
    session.add(StageName(name=called, stage_id=stage.id))
    place = max((at for at, each in enumerate(in_order) if each.outcome is outcome), default=len(in_order) - 1) + 1
    _deal_out(session, [*in_order[:place], stage, *in_order[place:]])
    record_audit(session, "stage_added", f"“{called}”, {outcome.value}", account_id=account_id)
    return stage


def rename_stage(session: Session, stage_id: int, number: int, name: str, account_id: int) -> None:
    """Give a stage another name; conditions of follow-ups go on to find it.

    Parameters: `number`, the one that the page was shown with. Raises `StageProblem` for a name that can't be, and when
    somebody changed the stage since.
    """
    touch(session)
    stage = _stage(session, stage_id)
    if stage.number != number:
        raise StageProblem(
            f"Somebody named this stage “{stage.name}” while you were writing. Yours was not saved and is still here: "
            "save again to put it in its place."
        )
    called = _checked(session, name, stage_id)
    if called == stage.name:
        return
    record_audit(session, "stage_renamed", f"“{stage.name}” to “{called}”", account_id=account_id)
    if session.get(StageName, called) is None:
        session.add(StageName(name=called, stage_id=stage_id))
    stage.name, stage.number = called, stage.number + 1
    session.flush()


def move_stage(session: Session, stage_id: int, places: int, account_id: int) -> None:
    """Move a stage to the left (-1) or right (1) on the board; one at the end stays there."""
    touch(session)
    stage = _stage(session, stage_id)
    in_order = [each for each in _in_order(session) if each.archived_at is None]
    to = in_order.index(stage) + places if stage in in_order else -1
    if not 0 <= to < len(in_order):
        return
    in_order.remove(stage)
    in_order.insert(to, stage)
    _deal_out(session, in_order + [each for each in _in_order(session) if each.archived_at is not None])
    record_audit(session, "stage_moved", f"“{stage.name}” to place {to + 1}", account_id=account_id)


def archive_stage(session: Session, stage_id: int, along_to: int | None, account_id: int) -> int:
    """Take a stage off the board; its leads move along to a stage of the same outcome. Returns how many did.

    Raises `StageProblem` for the last stage of its outcome, and for one with leads when `along_to` isn't such a stage.
    """
    touch(session)
    stage = _stage(session, stage_id)
    if stage.archived_at is not None:
        raise StageProblem(f"“{stage.name}” is in the archive already. Nothing was changed.")
    others = [each for each in _in_order(session) if _may_move_along(stage, each)]
    if not others:
        raise StageProblem(
            f"“{stage.name}” is the last {stage.outcome.value} stage, and there is always one of each kind."
        )
    moved = 0
    if session.scalar(select(LeadCard.lead_id).where(LeadCard.stage_id == stage_id).limit(1)) is not None:
        to = next((each for each in others if each.id == along_to), None)
        if to is None:
            raise StageProblem(f"Choose the stage to which the leads of “{stage.name}” move along.")
        moved = _move_along(session, stage, to, account_id)
    stage.archived_at, stage.number = clock.now(), stage.number + 1
    session.flush()
    told = f"“{stage.name}”" + (f", {moved} leads moved along" if moved else "")
    record_audit(session, "stage_archived", told, account_id=account_id)
    return moved


def restore_stage(session: Session, stage_id: int, account_id: int) -> None:
    """Put a stage of the archive back on the board. Raises `StageProblem` for one that is there."""
    touch(session)
    stage = _stage(session, stage_id)
    if stage.archived_at is None:
        raise StageProblem(f"“{stage.name}” is on the board already. Nothing was changed.")
    stage.archived_at, stage.number = None, stage.number + 1
    session.flush()
    record_audit(session, "stage_restored", f"“{stage.name}”", account_id=account_id)


def former_names(session: Session) -> dict[str, str]:
    """Return the names that stages had before, each with the stage's present one."""
    rows = session.execute(select(StageName.name, Stage.name).join(Stage, Stage.id == StageName.stage_id))
    return {name: now for name, now in rows if name != now}


def _may_move_along(stage: Stage, other: Stage) -> bool:
    return other.id != stage.id and other.outcome is stage.outcome and other.archived_at is None


def _move_along(session: Session, stage: Stage, to: Stage, account_id: int) -> int:
    """Move every lead in a few statements: there may be hundreds of thousands."""
    sentence = f"Moved the lead from “{stage.name}” to “{to.name}”, since that stage was archived."
    now = clock.now()
    moving = select(Lead.contact_id).where(Lead.stage_id == stage.id)
    session.execute(
        select(Contact.id).where(Contact.id.in_(moving)).order_by(Contact.id).with_for_update(key_share=True)
    )
    facts = select(
        Lead.contact_id,
        literal(ActivityKind.LEAD_MOVED, Activity.kind.type),
        literal(now, Activity.at.type),
        literal(Actor.STAFF, Activity.actor.type),
        cast(literal(account_id), Integer),
        literal(sentence),
    ).where(Lead.stage_id == stage.id)
    columns = ["contact_id", "kind", "at", "actor", "account_id", "sentence"]
    session.execute(insert(Activity).from_select(columns, facts))
    change = update(Lead).where(Lead.stage_id == stage.id).values(stage_id=to.id, moved_at=now)
    moved = session.connection().execute(change).rowcount
    session.expire_all()
    return moved


def _stage(session: Session, stage_id: int) -> Stage:
    stage = session.get(Stage, stage_id, populate_existing=True)
    if stage is None:
        raise StageProblem("There is no such stage. Nothing was changed.")
    return stage


def _in_order(session: Session) -> list[Stage]:
    return list(session.scalars(select(Stage).order_by(Stage.position)))


def _deal_out(session: Session, in_order: list[Stage]) -> None:
    session.flush()
    session.execute(
        update(Stage).values(position=Stage.position + _BEYOND).execution_options(synchronize_session=False)
    )
    for place, stage in enumerate(in_order):
        session.execute(
            update(Stage)
            .where(Stage.id == stage.id)
            .values(position=place)
            .execution_options(synchronize_session=False)
        )
    session.expire_all()


def _checked(session: Session, name: str, stage_id: int | None) -> str:
    called = one_line(name, len(name)).strip()
    if not called:
        raise StageProblem("Write a name for the stage: the board's column is headed by it.")
    if len(called) > LONGEST_NAME:
        raise StageProblem(f"Shorten the name to {LONGEST_NAME} characters: it has {len(called)}.")
    holder = session.scalar(select(StageName.stage_id).where(func.lower(StageName.name) == called.lower()).limit(1))
    if holder not in (None, stage_id):
        raise StageProblem(f"Another stage is or was called “{called}”. Give this one another name.")
    return called
