"""One thing done with many contacts: shown exactly before, done in batches, and taken back for a day.

Whom it means is written down when it begins, row by row, so that what the preview said is what happens, however long it
takes and whatever comes in meanwhile. A batch holds the rows of its contacts and looks once more at each.
"""

from collections.abc import Sequence

from sqlalchemy import Select, case, func, insert, literal, select, update
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.core import clock, jobs
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.jobs import Job
from tpminstitute.lists.bulk_kinds import WAYS, as_kept
from tpminstitute.lists.bulk_moves import ending_told
from tpminstitute.lists.bulk_queries import UNDOABLE, Whom, why_of
from tpminstitute.lists.bulk_ways import Before, Doing, Reasons, doing_of
from tpminstitute.lists.models import BulkAction, BulkChange, BulkKind, BulkOutcome, BulkState
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

AT_ONCE = 500
"""Contacts of a batch, which is a transaction; so many are done before the answer."""

REACHED_NO_MORE = "It was taken back before it came to them."


def begin(session: Session, account_id: int, whom: Whom, doing: Doing, said: str, expected: int) -> BulkAction:
    """Begin an action: write down whom it means, and do what fits into one batch at once; a worker does the rest.

    Parameters: `said`, whom it means in words; `expected`, to how many it was going to happen as far as was seen.
    Raises `Refusal`, and begins nothing, when that changed since, or nobody is left.
    """
    doing = as_kept(doing)
    way = WAYS[doing.kind]
    sentence = way.says(session, doing)
    action = BulkAction(
        account_id=account_id,
        at=clock.now(),
        kind=doing.kind,
        target=doing.target,
        ending=ending_told(session, doing) if doing.kind is BulkKind.MOVE else {},
        sentence=sentence,
        whom=said,
        contacts=1,
        state=BulkState.RUNNING,
    )
    session.add(action)
    session.flush()
    session.execute(insert(BulkChange).from_select(_COLUMNS, _written_down(action.id, whom, way.left(doing.target))))
    action.contacts = max(_number(session, action.id), 1)
    waiting = _number(session, action.id, BulkOutcome.WAITING)
    if not waiting:
        raise Refusal("There is nobody left to whom this could happen. Nothing was changed.")
    if waiting != expected:
        raise Refusal(
            f"The list changed since you looked: this would happen to {waiting:,} and not to {expected:,}. "
            "Nothing was changed: look at it once more."
        )
    step(session, action)
    return action


def take_back(session: Session, action_id: int, account_id: int) -> BulkAction:
    """Undo an action: each contact gets back what was there before, unless somebody changed it since.

    Raises `Refusal` when it was undone already, is more than a day old, or is none.
    """
    action = _held(session, action_id)
    if action is None:
        raise Refusal("There is no such action. Nothing was changed.")
    if action.state in (BulkState.UNDOING, BulkState.UNDONE):
        raise Refusal("This was taken back already. Nothing was changed.")
    if not may_take_back(action):
        raise Refusal("This was done more than a day ago, and can’t be taken back as a whole. Nothing was changed.")
    not_reached = BulkChange.action_id == action.id, BulkChange.outcome == BulkOutcome.WAITING
    session.execute(
        update(BulkChange).where(*not_reached).values(outcome=BulkOutcome.LEFT, why=REACHED_NO_MORE),
        execution_options={"synchronize_session": False},
    )
    action.state, action.undone_by = BulkState.UNDOING, account_id
    session.flush()
    step(session, action)
    return action


def may_take_back(action: BulkAction) -> bool:
    """Return whether an action can still be undone."""
    fresh = clock.now() - action.at < UNDOABLE
    return fresh and action.state in (BulkState.RUNNING, BulkState.DONE)


def go_on(db: Database) -> None:
    """Do what is left of the actions that were begun, batch by batch."""
    while True:
        with db.write() as session:
            unfinished = BulkAction.state.in_((BulkState.RUNNING, BulkState.UNDOING))
            query = select(BulkAction).where(unfinished).order_by(BulkAction.id).limit(1)
            action = session.scalar(query.with_for_update(skip_locked=True))
            if action is None:
                return
            step(session, action)


def step(session: Session, action: BulkAction) -> None:
    """Do, or undo, one batch of an action, whose row the caller holds; asks for a worker when there is more."""
    undoing = action.state is BulkState.UNDOING
    outcome = BulkOutcome.DONE if undoing else BulkOutcome.WAITING
    ids = session.scalars(
        select(BulkChange.contact_id)
        .where(BulkChange.action_id == action.id, BulkChange.outcome == outcome)
        .order_by(BulkChange.contact_id)
        .limit(AT_ONCE + 1)
    ).all()
    batch, more = ids[:AT_ONCE], len(ids) > AT_ONCE
    held = select(Contact.id).where(Contact.id.in_(batch)).order_by(Contact.id)
    session.execute(held.with_for_update(key_share=True)).all()
    (_undo if undoing else _do)(session, action, batch)
    if more:
        jobs.hint(session, Job.BULK)
    else:
        action.state = BulkState.UNDONE if undoing else BulkState.DONE
    session.flush()


def _do(session: Session, action: BulkAction, batch: Sequence[int]) -> None:
    way = WAYS[action.kind]
    try:
        way.says(session, doing_of(action))
    except Refusal as refusal:
        _settle(session, action.id, dict.fromkeys(batch, str(refusal)), BulkOutcome.LEFT)
        return
    left = dict(session.execute(_why_left(batch, way.left(action.target))).all())
    before = way.do(session, action, [contact_id for contact_id in batch if contact_id not in left])
    gone = dict.fromkeys(set(batch) - before.keys() - left.keys(), "They changed while it was done.")
    _settle(session, action.id, left | gone, BulkOutcome.LEFT)
    number = f"{action.contacts:,} contacts" if action.contacts > 1 else "a list"
    for contact_id, was in before.items():
        change = session.get_one(BulkChange, (action.id, contact_id))
        change.outcome, change.before = BulkOutcome.DONE, dict(was)
        sentence = f"{action.sentence} (Done with {number}.)"
        record(session, contact_id, ActivityKind.BULK_CHANGED, sentence, account_id=action.account_id)


def _undo(session: Session, action: BulkAction, batch: Sequence[int]) -> None:
    rows = session.execute(
        select(BulkChange.contact_id, BulkChange.before).where(
            BulkChange.action_id == action.id, BulkChange.contact_id.in_(batch)
        )
    ).all()
    befores: dict[int, Before] = dict(rows)
    kept = dict(WAYS[action.kind].undo(session, action, befores))
    _settle(session, action.id, kept, BulkOutcome.KEPT)
    undone = [contact_id for contact_id in befores if contact_id not in kept]
    _settle(session, action.id, dict.fromkeys(undone, ""), BulkOutcome.UNDONE)
    by = action.undone_by or action.account_id
    for contact_id in undone:
        record(session, contact_id, ActivityKind.UNDONE, f"Taken back: {action.sentence}", account_id=by)


def _settle(session: Session, action_id: int, whys: dict[int, str], outcome: BulkOutcome) -> None:
    for why in set(whys.values()):
        ids = [contact_id for contact_id, each in whys.items() if each == why]
        session.execute(
            update(BulkChange)
            .where(BulkChange.action_id == action_id, BulkChange.contact_id.in_(ids))
            .values(outcome=outcome, why=why),
            execution_options={"synchronize_session": False},
        )


_COLUMNS = ["action_id", "contact_id", "outcome", "before", "why"]


def _written_down(
    action_id: int, whom: Whom, reasons: Reasons
) -> Select[int, int, BulkOutcome, dict[str, object], str]:
    """Return the rows of whom an action means, those with a reason against it left from the beginning."""
    why = why_of(reasons)
    outcome = case((why != "", BulkOutcome.LEFT.value), else_=BulkOutcome.WAITING.value)
    before = literal({}, BulkChange.before.type)
    return select(literal(action_id), ContactCard.contact_id, outcome, before, why).where(*whom.where())


def _why_left(batch: Sequence[int], reasons: Reasons) -> Select[int, str]:
    why = why_of(reasons)
    return select(ContactCard.contact_id, why).where(ContactCard.contact_id.in_(batch), why != "")


def _number(session: Session, action_id: int, outcome: BulkOutcome | None = None) -> int:
    counted = select(func.count()).select_from(BulkChange).where(BulkChange.action_id == action_id)
    return session.scalar(counted if outcome is None else counted.where(BulkChange.outcome == outcome)) or 0


def _held(session: Session, action_id: int) -> BulkAction | None:
    return session.scalar(
        select(BulkAction).where(BulkAction.id == action_id).with_for_update().execution_options(populate_existing=True)
    )
