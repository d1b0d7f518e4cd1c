"""Advance due enrollments and queue their mails."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.tokens import Signer
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address
from tpminstitute.mail.letters import Frame, letter_sources, render
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.variables import greeting
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus, Sequence, Step
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

BATCH = 100
"""Enrollments advanced in one transaction."""

REASON = "You get this because you wrote to us and agreed to a few e-mails about becoming a technical program manager."


def run_due(db: Database, settings: Settings) -> int:
    """Advance every due enrollment by one step, its mail queued in the same transaction.

    Any number of schedulers may run at once. Returns how many steps were taken.
    """
    taken = 0
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
                _take_step(session, settings, enrollment)
        taken += len(due)
        if len(due) < BATCH:
            return taken


def unsubscribe_url(settings: Settings, contact: Contact) -> str:
    """Return the contact's own address for leaving the follow-ups; it never expires."""
    token = Signer(settings.secret_key, "unsubscribe").sign(contact.public_id)
    return f"{settings.public_url}/unsubscribe/{token}"


def _take_step(session: Session, settings: Settings, enrollment: Enrollment) -> None:
    steps = session.scalars(
        select(Step)
        .where(Step.sequence_id == enrollment.sequence_id, Step.position >= enrollment.next_position)
        .order_by(Step.position)
        .limit(2)
    ).all()
    if steps:
        _queue_mail(session, settings, enrollment, steps[0])
    if len(steps) == 2:
        enrollment.next_position = steps[1].position
        enrollment.next_due_at = clock.now() + timedelta(hours=steps[1].delay_hours)
    else:
        _finish(session, enrollment)


def _queue_mail(session: Session, settings: Settings, enrollment: Enrollment, step: Step) -> None:
    contact = session.get_one(Contact, enrollment.contact_id)
    url = unsubscribe_url(settings, contact)
    frame = Frame(
        institute_name=settings.institute_name,
        institute_email=settings.institute_email,
        postal_address=settings.postal_address,
        reason=REASON,
        unsubscribe_url=url,
    )
    variables = {
        "greeting": greeting(contact.name),
        "guide_url": f"{settings.public_url}/",
        "topic": enrollment.topic,
    }
    outbox.queue(
        session,
        settings,
        outbox.Order(
            kind=MessageKind.FOLLOW_UP,
            contact_id=contact.id,
            cause=f"enrollment:{enrollment.id}",
            dedupe_key=f"enrollment:{enrollment.id}:step:{step.position}",
            recipient=Address("", contact.email),
            recipient_key=contact.email_key,
            letter=render(letter_sources()[step.letter_key], variables, frame),
            reply_to=Address(settings.institute_name, settings.institute_email),
            headers={
                "List-Unsubscribe": f"<{url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
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
