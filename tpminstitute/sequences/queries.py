"""Read a contact's runs through sequences."""

from collections.abc import Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from tpminstitute.core.config import Settings
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.mail.templates import current_subjects
from tpminstitute.sequences.forecast import Expected, expected_of_run
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentPause,
    EnrollmentStatus,
    Sequence,
    SequenceStep,
    SequenceVersion,
    StepOutcome,
    StepRecord,
    WaitUnit,
)
from tpminstitute.sequences.planning import zone_of


@dataclass(frozen=True)
class Past:
    """What was decided about a step, and why, as a sentence; for a mail that was written, what became of it.

    `due_at` is the time that was decided, such as the one it was moved to.
    """

    at: datetime
    outcome: StepOutcome
    subject: str
    sentence: str
    due_at: datetime | None
    mail_status: MessageStatus | None
    mail_reason: str


@dataclass(frozen=True)
class Run:
    """One run as staff read it: what was decided so far, oldest first, and the mails to come as things stand.

    `waits_until` is when a paused run goes on by itself; with `drafts` its next mail will wait for a person's word.
    """

    id: int
    sequence_id: int
    sequence: str
    status: EnrollmentStatus
    reason: str
    waits_until: datetime | None
    drafts: bool
    zone: ZoneInfo
    past: Row[Past]
    to_come: Row[Expected]


_RUNS = (
    select(Enrollment, Sequence.name, EnrollmentPause)
    .join(Sequence, Sequence.id == Enrollment.sequence_id)
    .outerjoin(EnrollmentPause, EnrollmentPause.enrollment_id == Enrollment.id)
    .where(Enrollment.contact_id == bindparam("contact"))
    .order_by(Enrollment.id.desc())
)


def runs_of(session: Session, settings: Settings, contact_id: int) -> Row[Run]:
    """Return the contact's runs, newest first."""
    rows = session.execute(_RUNS, {"contact": contact_id}).all()
    if not rows:
        return []
    zone, subjects = zone_of(session, settings, contact_id), current_subjects(session)
    return [
        Run(
            id=run.id,
            sequence_id=run.sequence_id,
            sequence=name,
            status=run.status,
            reason=run.reason,
            waits_until=pause.until if pause else None,
            drafts=pause is not None and pause.drafts,
            zone=zone,
            past=_past(session, run, subjects),
            to_come=expected_of_run(session, settings, run, subjects),
        )
        for run, name, pause in rows
    ]


_IS_STEP_OF_RECORD = and_(SequenceStep.version_id == StepRecord.version_id, SequenceStep.number == StepRecord.number)
_IS_MAIL_OF_RECORD = and_(
    StepRecord.outcome == StepOutcome.QUEUED,
    Message.dedupe_key == func.concat("enrollment:", StepRecord.enrollment_id, ":step:", StepRecord.number),
)
_RECORDS = (
    select(StepRecord, SequenceStep.letter_key, Message.subject, Message.status, Message.reason)
    .outerjoin(SequenceStep, _IS_STEP_OF_RECORD)
    .outerjoin(Message, _IS_MAIL_OF_RECORD)
    .where(StepRecord.enrollment_id == bindparam("run"))
    .order_by(StepRecord.id)
)


def _past(session: Session, run: Enrollment, subjects: Mapping[str, str]) -> Row[Past]:
    rows = session.execute(_RECORDS, {"run": run.id})
    return [
        Past(
            at=kept.at,
            outcome=kept.outcome,
            subject=subject or subjects.get(letter_key, letter_key),
            sentence=kept.sentence,
            due_at=kept.due_at,
            mail_status=status,
            mail_reason=reason or "",
        )
        for kept, letter_key, subject, status, reason in rows
    ]


_ON = select(Sequence).where(Sequence.active).order_by(Sequence.name, Sequence.id)


def switched_on(session: Session) -> Row[Sequence]:
    """Return the sequences that somebody may begin, by name."""
    return session.scalars(_ON).all()


def topic_of_runs(session: Session, contact_id: int) -> str | None:
    """Return what the contact's newest run is about, as people read it, or None when nothing ever ran."""
    newest = select(Enrollment.topic).where(Enrollment.contact_id == contact_id).order_by(Enrollment.id.desc())
    return session.scalar(newest.limit(1))


def uses_of_letters(session: Session) -> dict[str, list[str]]:
    """Return when each letter goes out, by the letter's key: a sentence for every step that it belongs to."""
    newest = select(func.max(SequenceVersion.id)).group_by(SequenceVersion.sequence_id)
    steps = session.execute(
        select(SequenceStep, Sequence.name, Sequence.active)
        .join(SequenceVersion, SequenceVersion.id == SequenceStep.version_id)
        .join(Sequence, Sequence.id == SequenceVersion.sequence_id)
        .where(SequenceVersion.id.in_(newest), Sequence.archived_at.is_(None))
        .order_by(Sequence.id, SequenceStep.position)
    )
    uses: dict[str, list[str]] = {}
    for step, name, active in steps:
        after = "after the start" if step.position == 1 else "after the mail before it"
        when = "before the course begins" if step.wait_unit is WaitUnit.BEFORE_COURSE else after
        wait = f"{wait_in_words(step)} {when}" if step.wait_amount else f"right {when}"
        off = "" if active else " These follow-ups are switched off."
        sentence = f"Mail {step.position} of “{name}”, {wait}.{off}"
        uses.setdefault(step.letter_key, []).append(sentence)
    return uses


def wait_in_words(step: SequenceStep) -> str:
    """Return how long a step waits, such as ``3 days``."""
    amount, unit = step.wait_amount, _UNITS[step.wait_unit]
    if step.wait_unit is WaitUnit.HOURS and amount % 24 == 0 and amount > 24:
        amount, unit = amount // 24, "day"
    return f"{amount} {unit}" if amount == 1 else f"{amount} {unit}s"


_UNITS = {
    WaitUnit.HOURS: "hour",
    WaitUnit.DAYS: "day",
    WaitUnit.WORKING_DAYS: "working day",
    WaitUnit.BEFORE_COURSE: "day",
}
