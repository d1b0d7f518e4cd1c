"""What follow-ups did: sent, bounced, answered, unsubscribed, became a lead that was won. No mail is watched for it.

An answer is a person's mail in the mail's own thread. Who unsubscribed, and whose lead was won, counts for the last
mail that went to them before it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, Subquery, and_, exists, func, select
from sqlalchemy.orm import Session

from tpminstitute.inbox.models import ReceivedMail, Standing, Writer
from tpminstitute.inbox.opt_out import REASON as UNSUBSCRIBED
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.models import DeliveryEvent, DeliveryEventKind, Message, MessageStatus
from tpminstitute.mail.templates import current_subjects
from tpminstitute.pipeline.models import Lead, Outcome, Stage
from tpminstitute.sequences.models import (
    Enrollment,
    EnrollmentStatus,
    LinkClick,
    SequenceStep,
    SequenceVersion,
    StepOutcome,
    StepRecord,
)


@dataclass(frozen=True)
class StepEffect:
    """What one step's mails did, counted in mails; `opened_links` counts mails in which a link was opened."""

    number: int
    subject: str
    sent: int
    bounced: int
    answered: int
    unsubscribed: int
    won: int
    opened_links: int


@dataclass(frozen=True)
class SequenceEffect:
    """What a sequence did: its runs by how they stand, and its steps in the order of its newest version."""

    runs: dict[EnrollmentStatus, int]
    stopped_for: list[tuple[str, int]]
    steps: list[StepEffect]


MOST_REASONS = 20
"""Reasons of stopped runs that are told apart, the most frequent first."""


def effect_of(session: Session, sequence_id: int) -> SequenceEffect:
    """Return what a sequence's mails did, all its versions together."""
    of_sequence = Enrollment.sequence_id == sequence_id
    runs = session.execute(select(Enrollment.status, func.count()).where(of_sequence).group_by(Enrollment.status))
    reasons = session.execute(
        select(Enrollment.reason, func.count())
        .where(of_sequence, Enrollment.status == EnrollmentStatus.STOPPED)
        .group_by(Enrollment.reason)
        .order_by(func.count().desc(), Enrollment.reason)
        .limit(MOST_REASONS)
    )
    return SequenceEffect(
        runs=dict.fromkeys(EnrollmentStatus, 0) | dict(runs.all()),
        stopped_for=list(reasons),
        steps=_steps(session, sequence_id),
    )


def _steps(session: Session, sequence_id: int) -> list[StepEffect]:
    mails = _sent_mails(sequence_id)
    sent = _counted(session, mails)
    bounced = _counted(session, mails, _bounced(mails))
    answered = _counted(session, mails, _answered(mails))
    opened = _counted(session, mails, exists().where(LinkClick.message_id == mails.c.message_id))
    unsubscribed = _counted(session, mails, mails.c.message_id.in_(_last_before_leaving(mails)))
    won = _counted(session, mails, mails.c.message_id.in_(_last_before_winning(mails)))
    return [
        StepEffect(
            number=number,
            subject=subject,
            sent=sent[number],
            bounced=bounced[number],
            answered=answered[number],
            unsubscribed=unsubscribed[number],
            won=won[number],
            opened_links=opened[number],
        )
        for number, subject in _numbers(session, sequence_id, sent)
    ]


def _sent_mails(sequence_id: int) -> Subquery:
    """The mails of a sequence that a server took: which run and step, whose, and when."""
    key = func.concat("enrollment:", StepRecord.enrollment_id, ":step:", StepRecord.number)
    return (
        select(
            StepRecord.enrollment_id,
            StepRecord.number,
            Enrollment.contact_id,
            Enrollment.status,
            Enrollment.reason,
            Message.id.label("message_id"),
            Message.sent_at,
        )
        .join(Enrollment, Enrollment.id == StepRecord.enrollment_id)
        .join(Message, Message.dedupe_key == key)
        .where(
            Enrollment.sequence_id == sequence_id,
            StepRecord.outcome == StepOutcome.QUEUED,
            Message.status == MessageStatus.SENT,
        )
        .subquery()
    )


def _counted(session: Session, mails: Subquery, *which: ColumnElement[bool]) -> Counter[int]:
    rows = session.execute(select(mails.c.number, func.count()).where(*which).group_by(mails.c.number))
    return Counter(dict(rows.all()))


def _bounced(mails: Subquery) -> ColumnElement[bool]:
    return exists().where(
        DeliveryEvent.message_id == mails.c.message_id, DeliveryEvent.kind == DeliveryEventKind.BOUNCED
    )


def _answered(mails: Subquery) -> ColumnElement[bool]:
    return exists().where(
        ReceivedMail.answers_id == mails.c.message_id,
        ReceivedMail.kind == ReceivedKind.PERSON,
        ReceivedMail.writer == Writer.VISITOR,
        ReceivedMail.standing == Standing.TRUSTED,
    )


def _last_before_leaving(mails: Subquery) -> Select[int]:
    theirs = mails.alias()
    left = and_(theirs.c.status == EnrollmentStatus.STOPPED, theirs.c.reason == UNSUBSCRIBED)
    return select(func.max(theirs.c.message_id)).where(left).group_by(theirs.c.enrollment_id)


def _last_before_winning(mails: Subquery) -> Select[int]:
    theirs = mails.alias()
    return (
        select(func.max(theirs.c.message_id))
        .join(Lead, and_(Lead.contact_id == theirs.c.contact_id, Lead.closed_at >= theirs.c.sent_at))
        .join(Stage, and_(Stage.id == Lead.stage_id, Stage.outcome == Outcome.WON))
        .group_by(Lead.id)
    )


def _numbers(session: Session, sequence_id: int, sent: Iterable[int]) -> list[tuple[int, str]]:
    """Return the steps' numbers with their subjects: the newest version's in its order, then those of older ones."""
    subjects = current_subjects(session)
    rows = session.execute(
        select(SequenceStep.number, SequenceStep.letter_key)
        .join(SequenceVersion, SequenceVersion.id == SequenceStep.version_id)
        .where(SequenceVersion.sequence_id == sequence_id)
        .order_by(SequenceVersion.number.desc(), SequenceStep.position)
    ).all()
    newest: dict[int, str] = {}
    for number, letter_key in rows:
        newest.setdefault(number, subjects.get(letter_key, letter_key))
    current = _current_numbers(session, sequence_id)
    return [(number, subject) for number, subject in newest.items() if number in current or number in set(sent)]


def _current_numbers(session: Session, sequence_id: int) -> set[int]:
    newest = (
        select(SequenceVersion.id)
        .where(SequenceVersion.sequence_id == sequence_id)
        .order_by(SequenceVersion.number.desc())
        .limit(1)
    )
    return set(session.scalars(select(SequenceStep.number).where(SequenceStep.version_id.in_(newest))))
