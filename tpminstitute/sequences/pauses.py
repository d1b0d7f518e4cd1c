"""Runs that wait: for somebody to be back, until a person lets them go on, or for a word on each mail."""

from collections.abc import Collection, Iterable
from collections.abc import Sequence as Row
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail.letters import LetterError
from tpminstitute.sequences import drafts, mails
from tpminstitute.sequences.models import (
    DraftStatus,
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    FollowUpDraft,
    Sequence,
    SequenceStep,
)
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

log = structlog.get_logger(__name__)

BACK = "The time they were away is over."


def pause_for_contact(session: Session, contact_id: int, reason: str, until: datetime | None = None) -> int:
    """Let a contact's runs wait until a moment, or, without one, until a person lets them go on.

    A longer pause that holds already stays, and what waits for a person waits until then at least. A mail that was
    written and not sent yet is taken back, and written again when the run goes on: it would arrive after the pause
    with an old date. The caller holds the contact's row. Returns how many runs began to wait.
    """
    began = 0
    for run in _not_stopped(session, contact_id):
        if run.status is EnrollmentStatus.PAUSED:
            _prolong(session, run, reason, until)
            continue
        back = mails.take_back(session, run, reason)
        if back is not None or run.status is EnrollmentStatus.ACTIVE:
            _begin(session, run, reason, back, until=until, drafts=False)
            began += 1
    return began


def ask_first(session: Session, settings: Settings, contact_id: int, reason: str) -> int:
    """Let a person decide about the next mail of each of a contact's runs, because staff were in touch (`reason`).

    When it is due it is written as a draft; one that was written and not sent yet is taken back and becomes a draft at
    once. Who is away until some day gets no draft before. The caller holds the contact's row. Returns how many runs
    began to wait for a person.
    """
    began = 0
    for run in _not_stopped(session, contact_id):
        if run.status is EnrollmentStatus.PAUSED:
            began += _ask_instead(session, run, reason)
            continue
        back = mails.take_back(session, run, reason)
        if back is not None or run.status is EnrollmentStatus.ACTIVE:
            _begin(session, run, reason, back, until=None, drafts=True)
            began += 1
        if back is not None:
            _write(session, settings, run, back)
    return began


def resume_for_contact(session: Session, contact_id: int, account_id: int) -> int:
    """Let a contact's waiting runs go on, by a person's word; returns how many. The caller holds the contact's row.

    A run whose draft waits goes on when that is decided.
    """
    waiting = _locked(session, Enrollment.contact_id == contact_id, _PAUSED, ~_HAS_DRAFT)
    return _go_on(session, waiting, "Let go on by hand.", account_id)


def resume_after(session: Session, contact_id: int, reason: str, why: str, account_id: int) -> int:
    """Let a contact's runs go on that wait for `reason`, because it is over (`why`); returns how many."""
    waiting = _locked(session, Enrollment.contact_id == contact_id, _PAUSED, Enrollment.reason == reason)
    return _go_on(session, waiting, why, account_id)


def resume_some(session: Session, contact_id: int, run_ids: Collection[int], why: str, account_id: int) -> int:
    """Let those of a contact's runs go on that wait and have one of `run_ids`; returns how many.

    A run whose draft waits goes on when that is decided.
    """
    chosen = (Enrollment.contact_id == contact_id, Enrollment.id.in_(run_ids))
    return _go_on(session, _locked(session, *chosen, _PAUSED, ~_HAS_DRAFT), why, account_id)


def waiting_runs(session: Session, contact_id: int) -> Row[int]:
    """Return the ids of a contact's runs that wait."""
    return session.scalars(select(Enrollment.id).where(Enrollment.contact_id == contact_id, _PAUSED)).all()


def wake_due(session: Session, most: int) -> int:
    """Let runs go on whose pause is over, `most` of them; returns how many."""
    over = (
        select(EnrollmentPause.enrollment_id)
        .join(Enrollment, Enrollment.id == EnrollmentPause.enrollment_id)
        .where(EnrollmentPause.until <= clock.now(), _PAUSED)
        .limit(most)
    )
    return _go_on(session, _locked(session, Enrollment.id.in_(over), _PAUSED, skip=True), BACK, None)


_PAUSED = Enrollment.status == EnrollmentStatus.PAUSED
_HAS_DRAFT = exists().where(FollowUpDraft.enrollment_id == Enrollment.id, FollowUpDraft.status == DraftStatus.WAITING)


def _not_stopped(session: Session, contact_id: int) -> Iterable[Enrollment]:
    """Return a contact's runs, those that are through as well: their last mail may be taken back still."""
    return _locked(session, Enrollment.contact_id == contact_id, Enrollment.status != EnrollmentStatus.STOPPED)


def _locked(session: Session, *whose: ColumnElement[bool], skip: bool = False) -> Iterable[Enrollment]:
    return session.scalars(
        select(Enrollment)
        .where(*whose)
        .order_by(Enrollment.id)
        .with_for_update(skip_locked=skip)
        .execution_options(populate_existing=True)
    ).all()


def _begin(
    session: Session, run: Enrollment, reason: str, back: SequenceStep | None, *, until: datetime | None, drafts: bool
) -> None:
    """Let a run wait at its next step, or at the one whose mail was taken back (`back`), which is due at once."""
    due_at = clock.now()
    if back is not None:
        run.next_position = back.position
    elif run.next_due_at is not None:
        due_at = run.next_due_at
    run.status, run.reason, run.next_due_at, run.ended_at = EnrollmentStatus.PAUSED, reason, None, None
    session.flush()
    _keep(session, run.id, until, due_at, drafts)
    record(session, run.contact_id, ActivityKind.ENROLLMENT_PAUSED, f"The follow-ups wait. {reason}")


def _prolong(session: Session, run: Enrollment, reason: str, until: datetime | None) -> None:
    pause = session.get_one(EnrollmentPause, run.id, populate_existing=True)
    if pause.until is None:
        pause.due_at = pause.due_at if until is None else max(pause.due_at, until)
    elif until is None or pause.until < until:
        pause.until, run.reason = until, reason
    session.flush()


def _ask_instead(session: Session, run: Enrollment, reason: str) -> bool:
    """Let a run that waits already wait for a word on its next mail; returns whether that is new."""
    pause = session.get_one(EnrollmentPause, run.id, populate_existing=True)
    new = not pause.drafts and not drafts.waits(session, run.id)
    if new:
        pause.due_at = max(pause.due_at, pause.until or pause.due_at)
        pause.until, pause.drafts = None, True
    run.reason = reason
    session.flush()
    if new:
        record(session, run.contact_id, ActivityKind.ENROLLMENT_PAUSED, f"The follow-ups wait. {reason}")
    return new


def _write(session: Session, settings: Settings, run: Enrollment, step: SequenceStep) -> None:
    """Write a draft of a mail that was taken back; where its letter can't be made, the runner tries again."""
    try:
        drafts.write(session, settings, run, step)
    except LetterError as problem:
        log.error("letter_broken", enrollment=run.id, problem=str(problem))


def _keep(session: Session, enrollment_id: int, until: datetime | None, due_at: datetime, drafts: bool) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"until": until, "due_at": due_at, "drafts": drafts}
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
