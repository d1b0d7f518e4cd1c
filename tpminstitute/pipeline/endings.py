"""How a lead ends: what a lost one was lost for, and which course a won one is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.pipeline.models import LeadEnding, LostReason, Outcome
from tpminstitute.sequences.models import CourseDate

LONGEST_COURSE = 200
LONGEST_NOTE = 500


@dataclass(frozen=True)
class Ending:
    """What staff say when they close a lead: a reason for a lost one, a course's date or name for a won one."""

    lost_reason_id: int | None = None
    course_date_id: int | None = None
    course: str = ""
    note: str = ""


class EndingProblem(Refusal):
    """An ending can't be kept as it is; `field` is what has to be mended."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say where and why."""
        super().__init__(sentence)
        self.field = field


def lost_reasons(session: Session) -> Sequence[LostReason]:
    """Return the reasons that can be chosen, in their order."""
    chosen = select(LostReason).where(LostReason.archived_at.is_(None))
    return session.scalars(chosen.order_by(LostReason.position, LostReason.id)).all()


_ENDING = select(LeadEnding).where(LeadEnding.lead_id == bindparam("lead")).execution_options(populate_existing=True)


def ending_of(session: Session, lead_id: int) -> LeadEnding | None:
    """Return how a lead ended, None for one that is open or was closed without a word."""
    return session.scalar(_ENDING, {"lead": lead_id})


def ending_in_words(session: Session, ending: LeadEnding) -> str:
    """Return how a lead ended, such as ``Too expensive. They ask again in May.``"""
    what = ending.course
    if ending.lost_reason_id is not None:
        what = session.get_one(LostReason, ending.lost_reason_id).name
    return f"{what}. {ending.note}" if ending.note else what


def told(session: Session, outcome: Outcome, ending: Ending) -> dict[str, Any]:
    """Return what is kept of an ending with `outcome`, by the columns of `LeadEnding`; {} for a lead that stays open.

    Raises `EndingProblem` for a lost lead without a reason, a won one without a course, and a note that is too long.
    """
    if outcome is Outcome.OPEN:
        return {}
    course_date_id, course = _course(session, ending) if outcome is Outcome.WON else (None, "")
    return {
        "lost_reason_id": _reason(session, ending) if outcome is Outcome.LOST else None,
        "course_date_id": course_date_id,
        "course": course,
        "note": _note(ending.note),
    }


def kept(session: Session, lead_id: int, outcome: Outcome, ending: Ending) -> LeadEnding:
    """Keep how a lead ended that stands in a closed stage of `outcome` by now; returns it. Raises as `told` does."""
    keep(session, [lead_id], told(session, outcome, ending))
    row = ending_of(session, lead_id)
    assert row is not None  # it was written just now
    return row


def keep(session: Session, lead_ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """Keep of leads that stand in their closed stage by now that they all ended as `values` (of `told`) say."""
    if not lead_ids:
        return
    # Past the session's memory: a trigger may have taken away the ending that it knows.
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    keeping = insert(LeadEnding.__table__).on_conflict_do_update(index_elements=["lead_id"], set_=dict(values))
    session.connection().execute(keeping, [{"lead_id": lead_id, **values} for lead_id in lead_ids])


def _reason(session: Session, ending: Ending) -> int:
    if ending.lost_reason_id is None:
        raise EndingProblem("reason", "Choose why it was lost: the reports count the reasons.")
    if session.get(LostReason, ending.lost_reason_id) is None:
        raise EndingProblem("reason", "Choose another reason: this one is not there any more.")
    return ending.lost_reason_id


def _course(session: Session, ending: Ending) -> tuple[int | None, str]:
    if ending.course_date_id is not None:
        date = session.get(CourseDate, ending.course_date_id)
        if date is None:
            raise EndingProblem("course", "Choose another course: this date is not in the calendar any more.")
        return date.id, date.name
    course = one_line(ending.course, len(ending.course)).strip()
    if not course:
        raise EndingProblem("course", "Choose the course that was won, or write its name.")
    if len(course) > LONGEST_COURSE:
        raise EndingProblem("course", f"Shorten the course's name to {LONGEST_COURSE} characters.")
    return None, course


def _note(typed: str) -> str:
    note = one_line(typed, len(typed)).strip()
    if len(note) > LONGEST_NOTE:
        raise EndingProblem("note", f"Shorten the note to {LONGEST_NOTE} characters: it has {len(note)}.")
    return note
