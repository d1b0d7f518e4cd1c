"""Runs that wait: for somebody to be back, or until a person lets them go on."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.mail import outbox
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus, Sequence
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

BACK = "The time they were away is over."


def pause_for_contact(session: Session, contact_id: int, reason: str, until: datetime | None = None) -> int:
    """Let a contact's runs wait until a moment, or, without one, until a person lets them go on.

    A longer pause that holds already stays. A mail that was written and not sent yet is cancelled: it would arrive
    after the pause with an old date. The caller holds the contact's row. Returns how many runs began to wait.
    """
    began = 0
    running = (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED)
    for run in _locked(session, Enrollment.contact_id == contact_id, Enrollment.status.in_(running)):
        if run.status is EnrollmentStatus.PAUSED:
            _prolong(session, run, reason, until)
            continue
        assert run.next_due_at is not None  # ck_enrollments_active_has_a_time
        _keep(session, run.id, until, run.next_due_at)
        run.status, run.reason, run.next_due_at = EnrollmentStatus.PAUSED, reason, None
        session.flush()
        outbox.cancel(session, f"enrollment:{run.id}", reason)
        record(session, contact_id, ActivityKind.ENROLLMENT_PAUSED, f"The follow-ups wait. {reason}")
        began += 1
    return began


def resume_for_contact(session: Session, contact_id: int, account_id: int) -> int:
    """Let a contact's waiting runs go on, by a person's word; returns how many. The caller holds the contact's row."""
    waiting = _locked(session, Enrollment.contact_id == contact_id, Enrollment.status == EnrollmentStatus.PAUSED)
    return _go_on(session, waiting, "Let go on by hand.", account_id)


def resume_after(session: Session, contact_id: int, reason: str, why: str, account_id: int) -> int:
    """Let a contact's runs go on that wait for `reason`, because it is over (`why`); returns how many."""
    waiting = _locked(
        session,
        Enrollment.contact_id == contact_id,
        Enrollment.status == EnrollmentStatus.PAUSED,
        Enrollment.reason == reason,
    )
    return _go_on(session, waiting, why, account_id)


def wake_due(session: Session, most: int) -> int:
    """Let runs go on whose pause is over, `most` of them; returns how many."""
    over = select(EnrollmentPause.enrollment_id).where(EnrollmentPause.until <= clock.now()).limit(most)
    waiting = _locked(session, Enrollment.id.in_(over), Enrollment.status == EnrollmentStatus.PAUSED, skip=True)
    return _go_on(session, waiting, BACK, None)


def _locked(session: Session, *whose: ColumnElement[bool], skip: bool = False) -> Iterable[Enrollment]:
    return session.scalars(
        select(Enrollment)
        .where(*whose)
        .order_by(Enrollment.id)
        .with_for_update(skip_locked=skip)
        .execution_options(populate_existing=True)
    ).all()


def _prolong(session: Session, run: Enrollment, reason: str, until: datetime | None) -> None:
    longer = true() if until is None else EnrollmentPause.until < until
    prolonged = session.execute(
        update(EnrollmentPause)
        .where(EnrollmentPause.enrollment_id == run.id, EnrollmentPause.until.is_not(None), longer)
        .values(until=until)
        .returning(EnrollmentPause.enrollment_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if prolonged is not None:
        run.reason = reason


def _keep(session: Session, enrollment_id: int, until: datetime | None, due_at: datetime) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"until": until, "due_at": due_at}
    session.execute(
        insert(EnrollmentPause)
        .values(enrollment_id=enrollment_id, **values)
        .on_conflict_do_update(index_elements=["enrollment_id"], set_=values)
    )


def _go_on(session: Session, runs: Iterable[Enrollment], why: str, account_id: int | None) -> int:
    gone_on = 0
    for run in runs:
        pause = session.get_one(EnrollmentPause, run.id, populate_existing=True)
        name = session.get_one(Sequence, run.sequence_id).name
        run.status, run.reason = EnrollmentStatus.ACTIVE, ""
        run.next_due_at = max(pause.due_at, clock.now())
        session.delete(pause)
        sentence = f"The follow-ups “{name}” go on. {why}"
        record(session, run.contact_id, ActivityKind.ENROLLMENT_RESUMED, sentence, account_id=account_id)
        gone_on += 1
    session.flush()
    return gone_on
