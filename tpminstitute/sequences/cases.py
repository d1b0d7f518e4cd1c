"""Read all that deciding about due runs needs, for many at once: a dozen statements for a hundred runs."""

from collections.abc import Sequence as Row
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Select, String, bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.mail.models import Message, Suppression
from tpminstitute.sequences.decisions import Case
from tpminstitute.sequences.facts import facts_of
from tpminstitute.sequences.frequency import automatic_mails
from tpminstitute.sequences.models import Enrollment, EnrollmentPause, EnrollmentStatus, Sequence
from tpminstitute.sequences.planning import readers_of
from tpminstitute.sequences.versions import step_key, steps_of

Due: TypeAlias = Select[Enrollment, Contact, Sequence]


def due_mails(moment: datetime) -> Due:
    """Return the query for the runs whose next mail is due at `moment`, those that waited longest first."""
    return _RUNS.where(Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.next_due_at <= moment).order_by(
        Enrollment.next_due_at, Enrollment.id
    )


def due_drafts(moment: datetime) -> Due:
    """Return the query for the runs that wait for a person's word and whose next draft is due at `moment`."""
    return (
        _RUNS.join(EnrollmentPause, EnrollmentPause.enrollment_id == Enrollment.id)
        .where(
            EnrollmentPause.drafts,
            EnrollmentPause.due_at <= moment,
            Enrollment.status == EnrollmentStatus.PAUSED,
        )
        .order_by(EnrollmentPause.due_at, Enrollment.id)
    )


def take(session: Session, settings: Settings, due: Due, most: int) -> list[Case]:
    """Return `most` due runs with what is known of each, their rows and their contacts' under lock.

    What another transaction holds is passed over: a run that somebody stops, and a contact who is just writing. With
    the contact's row in hand, nobody else writes a mail to them meanwhile that would count.
    """
    held = due.limit(most).with_for_update(of=(Enrollment, Contact), key_share=True, skip_locked=True)
    found = session.execute(held).all()
    if not found:
        return []
    runs = [run for run, _, _ in found]
    contact_ids = {contact.id for _, contact, _ in found}
    readers = readers_of(session, settings, [(run.contact_id, run.sequence_id) for run in runs])
    closed = dict(session.execute(_CLOSED, {"keys": [contact.email_key for _, contact, _ in found]}).all())
    mails = automatic_mails(session, settings, contact_ids)
    steps = {version_id: steps_of(session, version_id) for version_id in {run.version_id for run in runs}}
    cases = [
        Case(
            run=run,
            contact=contact,
            sequence=sequence,
            steps=[step for step in steps[run.version_id] if step.position >= run.next_position],
            reader=readers[run.contact_id, run.sequence_id],
            mails=mails[contact.id],
            closed=closed.get(contact.email_key),
        )
        for run, contact, sequence in found
    ]
    _look_closer(session, settings, [case for case in cases if case.steps])
    return cases


def _look_closer(session: Session, settings: Settings, cases: Row[Case]) -> None:
    """Add whether the next mail was written before, and the facts where the step has conditions."""
    keys = {step_key(case.run.id, case.step.number): case for case in cases}
    for key in session.scalars(_WRITTEN, {"keys": list(keys)}):
        keys[key].written = True
    conditional = [case for case in cases if case.step.conditions]
    if conditional:
        facts = facts_of(session, settings, [case.run for case in conditional])
        for case in conditional:
            case.facts = facts[case.run.id]


_RUNS = (
    select(Enrollment, Contact, Sequence)
    .join(Contact, Contact.id == Enrollment.contact_id)
    .join(Sequence, Sequence.id == Enrollment.sequence_id)
)
_KEYS = bindparam("keys", type_=String, expanding=True)
_CLOSED = select(Suppression.email_key, Suppression.reason).where(Suppression.email_key.in_(_KEYS))
_WRITTEN = select(Message.dedupe_key).where(Message.dedupe_key.in_(_KEYS))
