"""Advance due enrollments and queue their mails."""

from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.core.heartbeat import Pulse, beat
from tpminstitute.core.tokens import Signer
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address, feedback_id
from tpminstitute.mail.letters import LetterError, render
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.reply_addresses import reply_to_institute
from tpminstitute.mail.templates import current_source
from tpminstitute.sequences import wishes
from tpminstitute.sequences.letters import follow_up_frame, follow_up_variables
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, SequenceStep
from tpminstitute.sequences.pauses import wake_due
from tpminstitute.sequences.planning import opening, plan, reader_of
from tpminstitute.sequences.versions import steps_of
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

log = structlog.get_logger(__name__)

BATCH = 100
"""Enrollments advanced in one transaction."""

WAIT_FOR_LETTER = timedelta(hours=1)
"""A letter that can't be made holds up its own reader for so long, and nobody else."""


def run_due(db: Database, settings: Settings) -> int:
    """Advance every due enrollment by one step, its mail queued in the same transaction.

    Any number of schedulers may run at once. Returns how many steps were taken.
    """
    taken = 0
    with db.write() as session:
        beat(session, Pulse.FOLLOW_UPS)
    woken = BATCH
    while woken == BATCH:
        with db.write() as session:
            woken = wake_due(session, BATCH)
    while True:
        with db.write() as session:
            due = session.scalars(
                select(Enrollment)
                .where(Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.next_due_at <= clock.now())
                .order_by(Enrollment.next_due_at, Enrollment.id)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            for enrollment in due:
                try:
                    _take_step(session, settings, enrollment)
                except LetterError as problem:
                    log.error("letter_broken", enrollment=enrollment.id, problem=str(problem))
                    enrollment.next_due_at = clock.now() + WAIT_FOR_LETTER
            reach(FailPoint.FOLLOW_UP_BEFORE_COMMIT)
        reach(FailPoint.FOLLOW_UP_AFTER_COMMIT)
        taken += len(due)
        if len(due) < BATCH:
            return taken


def unsubscribe_url(settings: Settings, contact: Contact) -> str:
    """Return the contact's own address for leaving the follow-ups; it never expires."""
    token = Signer(settings.secret_key, "unsubscribe").sign(contact.public_id)
    return f"{settings.public_url}/unsubscribe/{token}"


def _take_step(session: Session, settings: Settings, enrollment: Enrollment) -> None:
    reader = reader_of(session, settings, enrollment.contact_id, enrollment.sequence_id)
    steps = steps_of(session, enrollment.version_id, enrollment.next_position)
    if reader.paused_until is not None:
        enrollment.next_due_at = opening(steps[0], reader.paused_until, reader).at
        return
    if steps and wishes.left_out(reader, enrollment.topic, steps[0]):
        wishes.leave_out(session, enrollment, steps[0])
    elif steps:
        _queue_mail(session, settings, enrollment, steps[0])
    if len(steps) > 1:
        enrollment.next_position = steps[1].position
        enrollment.next_due_at = plan(steps[1], clock.now(), reader).at
    else:
        _finish(session, enrollment)


def _queue_mail(session: Session, settings: Settings, enrollment: Enrollment, step: SequenceStep) -> None:
    contact = session.get_one(Contact, enrollment.contact_id)
    url = unsubscribe_url(settings, contact)
    letter = render(
        current_source(session, step.letter_key),
        follow_up_variables(settings, step.letter_key, contact.name, enrollment.topic),
        follow_up_frame(settings, url),
    )
    outbox.queue(
        session,
        settings,
        outbox.Order(
            kind=MessageKind.FOLLOW_UP,
            contact_id=contact.id,
            cause=f"enrollment:{enrollment.id}",
            dedupe_key=wishes.step_key(enrollment.id, step.number),
            recipient=Address("", contact.email),
            recipient_key=contact.email_key,
            letter=letter,
            reply_to=reply_to_institute(settings, contact.public_id),
            headers={
                "List-Unsubscribe": f"<{url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
                "Feedback-ID": feedback_id(MessageKind.FOLLOW_UP, step.letter_key, settings.mail_from),
            },
        ),
    )


def _finish(session: Session, enrollment: Enrollment) -> None:
    sequence = session.get_one(Sequence, enrollment.sequence_id)
    enrollment.status, enrollment.next_due_at, enrollment.ended_at = (
        EnrollmentStatus.FINISHED,
        None,
        clock.now(),
    )
    record(
        session,
        enrollment.contact_id,
        ActivityKind.ENROLLMENT_FINISHED,
        f"The follow-ups “{sequence.name}” are through.",
    )
