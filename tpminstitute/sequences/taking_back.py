"""Runs that were stopped by mistake go on as they stood: for whoever takes a stop of many back."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus

Standing = dict[str, Any]
"""How a run stood, as JSON: its id, status and reason, when its next mail was due, and its pause."""


def standing_of(session: Session, contact_ids: Collection[int]) -> dict[int, list[Standing]]:
    """Return how the runs of these contacts stand that would be stopped, by contact."""
    found: dict[int, list[Standing]] = defaultdict(list)
    rows = session.execute(
        select(Enrollment, EnrollmentPause)
        .outerjoin(EnrollmentPause, EnrollmentPause.enrollment_id == Enrollment.id)
        .where(
            Enrollment.contact_id.in_(contact_ids),
            Enrollment.status.in_((EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)),
        )
        .order_by(Enrollment.id)
        .execution_options(populate_existing=True)
    )
    for run, pause in rows:
        found[run.contact_id].append(
            {
                "id": run.id,
                "status": run.status.value,
                "reason": run.reason,
                "next_due_at": _text(run.next_due_at),
                "pause": pause and {"until": _text(pause.until), "due_at": _text(pause.due_at), "drafts": pause.drafts},
            }
        )
    return found


def let_go_on(session: Session, runs: Sequence[Standing], reason: str) -> bool:
    """Let a contact's runs go on as they stood before they were stopped for `reason`.

    The caller holds the contact's row. A mail that was due meanwhile is due now; one that was written and cancelled
    isn't written again.
    Returns False, and changes nothing, when one of them stands otherwise by now, or runs anew.
    """
    stopped = {
        run.id: run
        for run in session.scalars(
            select(Enrollment)
            .where(Enrollment.id.in_([each["id"] for each in runs]))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    if any(not _as_left(session, stopped.get(each["id"]), reason) for each in runs):
        return False
    for each in runs:
        run, due, pause = stopped[each["id"]], _moment(each["next_due_at"]), each["pause"]
        run.status, run.reason, run.ended_at = EnrollmentStatus(each["status"]), each["reason"], None
        run.next_due_at = None if due is None else max(due, clock.now())
        if pause is not None:
            until, was_due = _moment(pause["until"]), _moment(pause["due_at"]) or clock.now()
            session.add(EnrollmentPause(enrollment_id=run.id, until=until, due_at=was_due, drafts=pause["drafts"]))
    session.flush()
    return True


def _as_left(session: Session, run: Enrollment | None, reason: str) -> bool:
    """Return whether a run still is as the stop left it, and no other runs in its place."""
    if run is None or run.status is not EnrollmentStatus.STOPPED or run.reason != reason:
        return False
    anew = select(Enrollment.id).where(
        Enrollment.contact_id == run.contact_id,
        Enrollment.sequence_id == run.sequence_id,
        Enrollment.status.in_((EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)),
    )
    return session.scalar(anew.limit(1)) is None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
