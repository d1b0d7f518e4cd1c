"""Advance due enrollments and queue their mails."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.core.heartbeat import Pulse, beat
from tpminstitute.mail.letters import LetterError
from tpminstitute.mail.templates import current_source
from tpminstitute.sequences import drafts, mails, wishes
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus
from tpminstitute.sequences.pauses import wake_due
from tpminstitute.sequences.planning import opening, reader_of
from tpminstitute.sequences.progress import due_at, finish, step_taken
from tpminstitute.sequences.versions import steps_of

log = structlog.get_logger(__name__)

BATCH = 100
"""Enrollments advanced in one transaction."""

WAIT_FOR_LETTER = timedelta(hours=1)
"""A letter that can't be made holds up its own reader for so long, and nobody else."""


def run_due(db: Database, settings: Settings) -> int:
    """Advance every due enrollment by one step, its mail queued in the same transaction, or written as a draft.

    Any number of schedulers may run at once. Returns how many steps were taken.
    """
    with db.write() as session:
        beat(session, Pulse.FOLLOW_UPS)
    woken = BATCH
    while woken == BATCH:
        with db.write() as session:
            woken = wake_due(session, BATCH)
    return _take_due(db, settings, _due) + _take_due(db, settings, _due_as_drafts)


def _take_due(db: Database, settings: Settings, due_now: Callable[[], Select[Enrollment]]) -> int:
    taken = 0
    while True:
        with db.write() as session:
            due = session.scalars(due_now().limit(BATCH).with_for_update(skip_locked=True, of=Enrollment)).all()
            for enrollment in due:
                try:
                    _take_step(session, settings, enrollment)
                except LetterError as problem:
                    log.error("letter_broken", enrollment=enrollment.id, problem=str(problem))
                    due_at(session, enrollment, clock.now() + WAIT_FOR_LETTER)
            reach(FailPoint.FOLLOW_UP_BEFORE_COMMIT)
        reach(FailPoint.FOLLOW_UP_AFTER_COMMIT)
        taken += len(due)
        if len(due) < BATCH:
            return taken


def _due() -> Select[Enrollment]:
    return (
        select(Enrollment)
        .where(Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.next_due_at <= clock.now())
        .order_by(Enrollment.next_due_at, Enrollment.id)
    )


def _due_as_drafts() -> Select[Enrollment]:
    return (
        select(Enrollment)
        .join(EnrollmentPause, EnrollmentPause.enrollment_id == Enrollment.id)
        .where(
            EnrollmentPause.drafts,
            EnrollmentPause.due_at <= clock.now(),
            Enrollment.status == EnrollmentStatus.PAUSED,
        )
        .order_by(EnrollmentPause.due_at, Enrollment.id)
    )


def _take_step(session: Session, settings: Settings, run: Enrollment) -> None:
    steps = steps_of(session, run.version_id, run.next_position)
    if not steps:
        finish(session, run)
        return
    step, reader = steps[0], reader_of(session, settings, run.contact_id, run.sequence_id)
    if reader.paused_until is not None:
        due_at(session, run, opening(step, reader.paused_until, reader).at)
        return
    if wishes.left_out(reader, run.topic, step):
        wishes.leave_out(session, run, step)
    elif run.status is EnrollmentStatus.PAUSED:
        drafts.write(session, settings, run, step)
        return
    else:
        contact = session.get_one(Contact, run.contact_id)
        letter = mails.letter_for(settings, contact, run, step.letter_key, current_source(session, step.letter_key))
        mails.queue_mail(session, settings, run, step, letter)
    step_taken(session, settings, run, step.number)
