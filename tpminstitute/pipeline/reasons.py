"""Edit the reasons for which leads are lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.institute.service import touch
from tpminstitute.pipeline.models import LeadEnding, LostReason

LONGEST_NAME = 80
MOST = 30


@dataclass(frozen=True)
class ReasonUse:
    """A reason, and how many leads were lost for it."""

    reason: LostReason
    leads: int


class ReasonProblem(Refusal):
    """A reason can't be kept as it is; the sentence says why."""


def reason_uses(session: Session) -> list[ReasonUse]:
    """Return every reason in its order with its leads, those in the archive last."""
    counted = (
        select(LeadEnding.lost_reason_id, func.count())
        .where(LeadEnding.lost_reason_id.is_not(None))
        .group_by(LeadEnding.lost_reason_id)
    )
    leads = dict(session.execute(counted).all())
    return [ReasonUse(reason, leads.get(reason.id, 0)) for reason in _every(session)]


def add_reason(session: Session, name: str, account_id: int) -> LostReason:
    """Add a reason at the end; returns it. Raises `ReasonProblem` for a name that can't be."""
    touch(session)
    called = _checked(session, name, None)
    every = _every(session)
    if sum(reason.archived_at is None for reason in every) >= MOST:
        raise ReasonProblem(f"Archive a reason first: {MOST} are the most to choose from.")
    reason = LostReason(name=called, position=len(every), archived_at=None, number=1)
    session.add(reason)
    session.flush()
    record_audit(session, "lost_reason_added", f"“{called}”", account_id=account_id)
    return reason


def rename_reason(session: Session, reason_id: int, number: int, name: str, account_id: int) -> None:
    """Word a reason otherwise, also for the leads that were lost for it.

    Parameters: `number`, the one that the page was shown with. Raises `ReasonProblem` for a name that can't be, and
    when somebody changed it since.
    """
    touch(session)
    reason = _reason(session, reason_id)
    if reason.number != number:
        raise ReasonProblem(
            f"Somebody worded this reason “{reason.name}” while you were writing. Yours was not saved and is still "
            "here: save again to put it in its place."
        )
    called = _checked(session, name, reason_id)
    if called == reason.name:
        return
    record_audit(session, "lost_reason_renamed", f"“{reason.name}” to “{called}”", account_id=account_id)
    reason.name, reason.number = called, reason.number + 1
    session.flush()


def move_reason(session: Session, reason_id: int, places: int, account_id: int) -> None:
    """Move a reason up (-1) or down (1); one at the end stays there."""
    touch(session)
    reason = _reason(session, reason_id)
    in_order = list(_every(session))
    to = in_order.index(reason) + places
    if not 0 <= to < len(in_order) or in_order[to].archived_at is not None or reason.archived_at is not None:
        return
    in_order.remove(reason)
    in_order.insert(to, reason)
    for place, each in enumerate(in_order):
        each.position = place
    session.flush()
    record_audit(session, "lost_reason_moved", f"“{reason.name}” to place {to + 1}", account_id=account_id)


def archive_reason(session: Session, reason_id: int, account_id: int) -> None:
    """Let a reason be chosen no longer; leads keep it. Raises `ReasonProblem` for the last one and one archived."""
    touch(session)
    reason = _reason(session, reason_id)
    if reason.archived_at is not None:
        raise ReasonProblem(f"“{reason.name}” is in the archive already. Nothing was changed.")
    if sum(each.archived_at is None for each in _every(session)) == 1:
        raise ReasonProblem(f"“{reason.name}” is the last reason, and a lost lead has to name one.")
    reason.archived_at, reason.number = clock.now(), reason.number + 1
    session.flush()
    record_audit(session, "lost_reason_archived", f"“{reason.name}”", account_id=account_id)


def restore_reason(session: Session, reason_id: int, account_id: int) -> None:
    """Let a reason of the archive be chosen again. Raises `ReasonProblem` for one that can be."""
    touch(session)
    reason = _reason(session, reason_id)
    if reason.archived_at is None:
        raise ReasonProblem(f"“{reason.name}” can be chosen already. Nothing was changed.")
    reason.archived_at, reason.number = None, reason.number + 1
    session.flush()
    record_audit(session, "lost_reason_restored", f"“{reason.name}”", account_id=account_id)


def _every(session: Session) -> Sequence[LostReason]:
    archived = LostReason.archived_at.is_not(None)
    return session.scalars(select(LostReason).order_by(archived, LostReason.position, LostReason.id)).all()


def _reason(session: Session, reason_id: int) -> LostReason:
    reason = session.get(LostReason, reason_id, populate_existing=True)
    if reason is None:
        raise ReasonProblem("There is no such reason. Nothing was changed.")
    return reason


def _checked(session: Session, name: str, reason_id: int | None) -> str:
    called = one_line(name, len(name)).strip()
    if not called:
        raise ReasonProblem("Write the reason in a few words.")
    if len(called) > LONGEST_NAME:
        raise ReasonProblem(f"Shorten it to {LONGEST_NAME} characters: it has {len(called)}.")
    taken = select(LostReason.id).where(func.lower(LostReason.name) == called.lower())
    if session.scalar(taken) not in (None, reason_id):
        raise ReasonProblem(f"There is a reason “{called}” already.")
    return called
