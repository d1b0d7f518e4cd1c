"""Follow-ups that wait for a person's word, because somebody of the institute was in touch with their reader."""

from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.drafts import DraftError, problems_of
from tpminstitute.mail.letters import Letter, LetterSource
from tpminstitute.mail.suppression import SENTENCES, suppression_of
from tpminstitute.mail.templates import current_source
from tpminstitute.sequences import mails
from tpminstitute.sequences.models import (
    DraftStatus,
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    FollowUpDraft,
    Sequence,
    SequenceStep,
    StepOutcome,
)
from tpminstitute.sequences.planning import reader_of
from tpminstitute.sequences.progress import step_taken
from tpminstitute.sequences.records import note_step
from tpminstitute.sequences.wishes import left_out
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

SHOWN = 100
"""Drafts that a list shows; those that waited longest come first."""


class Decided(Refusal):
    """A draft that waits no more: somebody decided, or its follow-ups ended."""


@dataclass(frozen=True)
class Waiting:
    """A follow-up that waits for a word: for whom, since when, why, and what it says as it stands (`source`)."""

    id: int
    run_id: int
    contact_id: int
    contact_public_id: str
    name: str
    sequence: str
    letter_key: str
    source: LetterSource
    reason: str
    since: datetime


class _Held(NamedTuple):
    """A draft that waits, under lock, with all that a decision about it changes."""

    draft: FollowUpDraft
    run: Enrollment
    step: SequenceStep
    contact: Contact


def write(session: Session, settings: Settings, run: Enrollment, step: SequenceStep) -> None:
    """Write the mail of `step` as a draft that waits for a person; the caller holds the run, which is paused.

    Raises `LetterError` when the letter can't be made for its reader; then nothing is written.
    """
    source = current_source(session, step.letter_key)
    letter = mails.letter_for(session, settings, session.get_one(Contact, run.contact_id), run, step.letter_key, source)
    session.add(
        FollowUpDraft(
            enrollment_id=run.id,
            version_id=run.version_id,
            number=step.number,
            subject=source.subject,
            preheader=source.preheader,
            body=source.body,
            reason=run.reason,
            status=DraftStatus.WAITING,
            made_at=clock.now(),
        )
    )
    session.get_one(EnrollmentPause, run.id).drafts = False  # it is written: no tick looks at the run again
    note_step(session, run, step.number, StepOutcome.DRAFTED, f"It waits as a draft for a person's word. {run.reason}")
    sentence = f"The follow-up “{letter.subject}” waits for a word. {run.reason}"
    record(session, run.contact_id, ActivityKind.FOLLOW_UP_DRAFTED, sentence)


def approve(
    session: Session, settings: Settings, draft_id: int, account_id: int, edited: LetterSource | None = None
) -> None:
    """Send a draft, as it stands or as it was edited, at once and whatever its window; its run goes on from now.

    Raises `Decided` when it waits no more, `LetterError` (of a text that staff wrote, `DraftError`) when the letter
    can't be made, and `Refusal` when its reader must not or doesn't want to get it. Then nothing is changed.
    """
    draft, run, step, contact = _held(session, draft_id)
    against = stands_against(session, settings, contact, run, step)
    if against:
        raise Refusal(f"{against} Nothing was sent, and the draft is kept.")
    source = edited or _source(draft)
    problems = [] if edited is None else problems_of(step.letter_key, edited)
    if problems:
        raise DraftError(problems)
    letter = mails.letter_for(session, settings, contact, run, step.letter_key, source)
    if not mails.queue_mail(session, settings, run, step, letter):
        raise Refusal("This follow-up was written before. Nothing was sent; “Don't send” takes the draft away.")
    changed = source != _source(draft)
    draft.subject, draft.preheader, draft.body = source.subject, source.preheader, source.body
    name = session.get_one(Account, account_id).name
    how = f"Approved by {name}, who changed it." if changed else f"Approved by {name}."
    note_step(session, run, step.number, StepOutcome.QUEUED, how, clock.now())
    _decide(session, settings, draft, run, DraftStatus.APPROVED, account_id)
    sentence = f"{'Changed and approved' if changed else 'Approved'} the follow-up “{letter.subject}”. It goes out now."
    record(session, contact.id, ActivityKind.FOLLOW_UP_DECIDED, sentence, account_id=account_id)


def drop(session: Session, settings: Settings, draft_id: int, account_id: int) -> None:
    """Don't send a draft; its run goes on from now with the step after it. Raises `Decided` when it waits no more."""
    draft, run, step, contact = _held(session, draft_id)
    name = session.get_one(Account, account_id).name
    note_step(session, run, step.number, StepOutcome.DROPPED, f"{name} decided not to send it.")
    _decide(session, settings, draft, run, DraftStatus.DROPPED, account_id)
    sentence = f"Decided not to send the follow-up “{draft.subject}”."
    record(session, contact.id, ActivityKind.FOLLOW_UP_DECIDED, sentence, account_id=account_id)


def waiting(session: Session, most: int = SHOWN) -> Row[Waiting]:
    """Return the drafts that wait, oldest first, `most` of them."""
    rows = session.execute(_waiting().order_by(FollowUpDraft.made_at, FollowUpDraft.id).limit(most))
    return [_view(*row) for row in rows]


def waiting_for(session: Session, contact_id: int) -> Row[Waiting]:
    """Return the drafts to one contact that wait, oldest first."""
    rows = session.execute(_waiting_for_one(), {"contact": contact_id})
    return [_view(*row) for row in rows]


def one_waiting(session: Session, draft_id: int) -> Waiting | None:
    """Return one draft, or None when there is none that waits."""
    row = session.execute(_waiting().where(FollowUpDraft.id == draft_id)).one_or_none()
    return None if row is None else _view(*row)


def reader_of_draft(session: Session, draft_id: int) -> str | None:
    """Return the public id of the contact whom a draft is or was for, or None when there is no such draft."""
    return session.scalar(
        select(Contact.public_id)
        .join(Enrollment, Enrollment.contact_id == Contact.id)
        .join(FollowUpDraft, FollowUpDraft.enrollment_id == Enrollment.id)
        .where(FollowUpDraft.id == draft_id)
    )


def waiting_ids() -> Select[int]:
    """Return the query of the drafts that wait."""
    return select(FollowUpDraft.id).where(FollowUpDraft.status == DraftStatus.WAITING)


def waits(session: Session, run_id: int) -> bool:
    """Return whether a draft of a run waits."""
    found = select(FollowUpDraft.id).where(
        FollowUpDraft.enrollment_id == run_id, FollowUpDraft.status == DraftStatus.WAITING
    )
    return session.scalar(found) is not None


def letter_of(session: Session, settings: Settings, draft_id: int, source: LetterSource) -> Letter:
    """Make the letter that a waiting draft's reader would get of `source`; raises `LetterError` when it can't be made.

    The caller has seen that the draft exists.
    """
    draft = session.get_one(FollowUpDraft, draft_id)
    run = session.get_one(Enrollment, draft.enrollment_id)
    contact = session.get_one(Contact, run.contact_id)
    return mails.letter_for(session, settings, contact, run, _step_of(session, draft).letter_key, source)


def against_sending(session: Session, settings: Settings, draft_id: int) -> str:
    """Return why a draft can't be sent to its reader now, '' when it can."""
    draft = session.get_one(FollowUpDraft, draft_id)
    run = session.get_one(Enrollment, draft.enrollment_id)
    return stands_against(session, settings, session.get_one(Contact, run.contact_id), run, _step_of(session, draft))


def stands_against(session: Session, settings: Settings, contact: Contact, run: Enrollment, step: SequenceStep) -> str:
    """Return why a follow-up must not go to its reader, or is not what they wish for, '' when it may."""
    closed = suppression_of(session, contact.email_key)
    if closed is not None:
        return f"{contact.email} is closed. {SENTENCES[closed.reason]}"
    reader = reader_of(session, settings, contact.id, run.sequence_id)
    if reader.paused_until is not None:
        return f"They asked for no follow-ups until {reader.paused_until:%-d %b %Y}."
    if left_out(reader, run.topic, step):
        return f"They asked for mails about “{run.topic}” only, and it is about something else."
    return ""


def _held(session: Session, draft_id: int) -> _Held:
    """Lock what a decision needs, in the order of the house: the contact, the run, the draft."""
    contact_id = session.scalar(
        select(Enrollment.contact_id)
        .join(FollowUpDraft, FollowUpDraft.enrollment_id == Enrollment.id)
        .where(FollowUpDraft.id == draft_id)
    )
    if contact_id is None:
        raise Decided("There is no such draft. Nothing was changed.")
    contact = locked(session, contact_id)
    run_id = session.get_one(FollowUpDraft, draft_id).enrollment_id
    run = session.get_one(Enrollment, run_id, with_for_update=True, populate_existing=True)
    draft = session.get_one(FollowUpDraft, draft_id, with_for_update=True, populate_existing=True)
    if draft.status is not DraftStatus.WAITING:
        raise Decided(_who_decided(session, draft, run))
    return _Held(draft, run, _step_of(session, draft), contact)


def _who_decided(session: Session, draft: FollowUpDraft, run: Enrollment) -> str:
    if draft.account_id is None:
        return f"This follow-up waits no more: the follow-ups were stopped. {run.reason} Nothing was changed."
    name = session.get_one(Account, draft.account_id).name
    did = "sent this follow-up" if draft.status is DraftStatus.APPROVED else "decided not to send this follow-up"
    return f"{name} {did} already. Nothing was changed."


def _decide(
    session: Session, settings: Settings, draft: FollowUpDraft, run: Enrollment, status: DraftStatus, account_id: int
) -> None:
    draft.status, draft.decided_at, draft.account_id = status, clock.now(), account_id
    pause = session.get_one(EnrollmentPause, run.id, populate_existing=True)
    session.delete(pause)
    run.status, run.reason, run.next_due_at = EnrollmentStatus.ACTIVE, "", clock.now()
    session.flush()
    step_taken(session, settings, run, draft.number)
    session.flush()


def end_waiting(session: Session, run_ids: Row[int]) -> None:
    """End the drafts of runs that were stopped: nobody can decide about them any more."""
    session.execute(
        update(FollowUpDraft)
        .where(FollowUpDraft.enrollment_id.in_(run_ids), FollowUpDraft.status == DraftStatus.WAITING)
        .values(status=DraftStatus.DROPPED, decided_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _step_of(session: Session, draft: FollowUpDraft) -> SequenceStep:
    return session.scalars(
        select(SequenceStep).where(SequenceStep.version_id == draft.version_id, SequenceStep.number == draft.number)
    ).one()


def _source(draft: FollowUpDraft) -> LetterSource:
    return LetterSource(draft.subject, draft.preheader, draft.body)


def _waiting() -> Select[FollowUpDraft, int, str, str, str, str]:
    return (
        select(FollowUpDraft, Contact.id, Contact.public_id, Contact.name, Sequence.name, SequenceStep.letter_key)
        .join(Enrollment, Enrollment.id == FollowUpDraft.enrollment_id)
        .join(Contact, Contact.id == Enrollment.contact_id)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .join(
            SequenceStep,
            (SequenceStep.version_id == FollowUpDraft.version_id) & (SequenceStep.number == FollowUpDraft.number),
        )
        .where(FollowUpDraft.status == DraftStatus.WAITING)
    )


@cache
def _waiting_for_one() -> Select[FollowUpDraft, int, str, str, str, str]:
    return _waiting().where(Contact.id == bindparam("contact")).order_by(FollowUpDraft.id)


def _view(draft: FollowUpDraft, contact_id: int, public_id: str, name: str, sequence: str, letter_key: str) -> Waiting:
    return Waiting(
        id=draft.id,
        run_id=draft.enrollment_id,
        contact_id=contact_id,
        contact_public_id=public_id,
        name=name,
        sequence=sequence,
        letter_key=letter_key,
        source=_source(draft),
        reason=draft.reason,
        since=draft.made_at,
    )
