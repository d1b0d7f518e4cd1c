"""Look at a simulation's database for broken rules, by means of its own: nothing that plans or sends is asked.

What is looked for: a mail outside its window or on a holiday, before its wait was over, two for one step, out of their
order, after a stop, to a closed address, over the cap, and whatever is due and lies still.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import select, type_coerce
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.core.config import Settings
from tpminstitute.core.db import UtcDateTime
from tpminstitute.mail.models import WHOSE, Message, MessageKind, MessageStatus, Suppression, SuppressionReason
from tpminstitute.sequences.models import (
    DraftStatus,
    Enrollment,
    EnrollmentStatus,
    FollowUpDraft,
    Holiday,
    SequenceStep,
    WaitUnit,
)

HOURS = {WaitUnit.HOURS: 1, WaitUnit.DAYS: 24, WaitUnit.WORKING_DAYS: 24}
CLOCK_CHANGE = timedelta(hours=1)
"""By so much a day may be shorter."""

SENT_AT = type_coerce(Message.sent_at, UtcDateTime())
"""When a mail went out, of those that did."""

ENDS_EVERYTHING = (SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.BY_HAND)


@dataclass(frozen=True)
class Sent:
    """A follow-up that went out, with all that the rules say of it; `approved` is one that a person let go."""

    run: Enrollment
    step: SequenceStep
    at: datetime
    zone: ZoneInfo
    approved: bool


def broken_rules(session: Session, settings: Settings, until: datetime) -> Iterator[str]:
    """Yield a sentence for each rule that a database breaks, whose time has come to `until`."""
    follow_ups = _sent(session, settings)
    holidays = frozenset(session.scalars(select(Holiday.day)))
    by_run: dict[int, list[Sent]] = defaultdict(list)
    for sent in follow_ups:
        by_run[sent.run.id].append(sent)
        yield from _outside(sent, holidays)
    yield from _twice(follow_ups)
    for mails in by_run.values():
        yield from _steps(sorted(mails, key=lambda mail: mail.at))
    yield from _after_the_end(session)
    yield from _too_many(session, settings)
    yield from _lying_still(session, until)


def _sent(session: Session, settings: Settings) -> list[Sent]:
    runs = {run.id: run for run in session.scalars(select(Enrollment))}
    steps = {(step.version_id, step.number): step for step in session.scalars(select(SequenceStep))}
    zones = dict(session.execute(select(Contact.id, Contact.time_zone)).all())
    drafts = session.execute(
        select(FollowUpDraft.enrollment_id, FollowUpDraft.number).where(FollowUpDraft.status == DraftStatus.APPROVED)
    )
    approved = {(run_id, number) for run_id, number in drafts}
    mails = session.execute(
        select(Message.dedupe_key, SENT_AT, WHOSE).where(
            Message.kind == MessageKind.FOLLOW_UP, Message.status == MessageStatus.SENT
        )
    )
    found = []
    for key, at, contact_id in mails:
        _, run_id, _, number = key.split(":")
        run = runs[int(run_id)]
        zone = ZoneInfo(zones[contact_id] or settings.institute_time_zone)
        step = steps[run.version_id, int(number)]
        found.append(Sent(run, step, at, zone, (run.id, step.number) in approved))
    return found


def _outside(sent: Sent, holidays: frozenset[date]) -> Iterator[str]:
    """A person may let a draft go at any hour; whatever goes by itself goes in its window."""
    if sent.approved:
        return
    local = sent.at.astimezone(sent.zone)
    minute = local.hour * 60 + local.minute
    if str(local.isoweekday()) not in sent.step.days or not sent.step.opens_minute <= minute < sent.step.closes_minute:
        yield f"{_named(sent)} went out at {local:%a %-d %b %Y %H:%M} ({sent.zone.key}), outside its window."
    if local.date() in holidays:
        yield f"{_named(sent)} went out on {local:%-d %b %Y}, a holiday."


def _twice(mails: Sequence[Sent]) -> Iterator[str]:
    """Nobody gets a step of a sequence twice, in one run or in two."""
    got: set[tuple[int, int, int]] = set()
    for mail in mails:
        which = (mail.run.contact_id, mail.run.sequence_id, mail.step.number)
        if which in got:
            yield f"{_named(mail)} had gone to the person before."
        got.add(which)


def _steps(mails: Sequence[Sent]) -> Iterator[str]:
    """The mails of one run: in their order, and none before its wait was over."""
    positions = [mail.step.position for mail in mails]
    if positions != sorted(positions):
        yield f"Run {mails[0].run.id} sent its mails out of their order."
    first = mails[0]
    if first.step.position == 1 and first.at - first.run.started_at < _least(first.step):
        yield f"{_named(first)} went out before its wait was over."
    for before, mail in pairwise(mails):
        if mail.step.position == before.step.position + 1 and mail.at - before.at < _least(mail.step):
            yield f"{_named(mail)} went out before its wait was over."


def _least(step: SequenceStep) -> timedelta:
    """The shortest that a step's wait can be, whatever calendar and clock make of it."""
    hours = timedelta(hours=step.wait_amount * HOURS.get(step.wait_unit, 0))
    return hours if step.wait_unit is WaitUnit.HOURS else max(hours - CLOCK_CHANGE, timedelta())


def _after_the_end(session: Session) -> Iterator[str]:
    stopped = select(Enrollment.id, type_coerce(Enrollment.ended_at, UtcDateTime())).where(
        Enrollment.status == EnrollmentStatus.STOPPED
    )
    ends = {f"enrollment:{run_id}": at for run_id, at in session.execute(stopped)}
    closed = {row.email_key: row for row in session.scalars(select(Suppression))}
    sent = select(Message.id, Message.kind, Message.cause, Message.recipient_key, SENT_AT)
    mails = session.execute(sent.where(Message.status == MessageStatus.SENT, Message.kind != MessageKind.NOTICE))
    for mail_id, kind, cause, key, at in mails:
        if cause in ends and at > ends[cause]:
            yield f"Mail {mail_id} went out after its follow-ups were stopped."
        closing = closed.get(key)
        if closing is not None and at > closing.at and _closes(closing.reason, kind):
            yield f"Mail {mail_id} went to an address that was closed."


def _closes(reason: SuppressionReason, kind: MessageKind) -> bool:
    return kind is MessageKind.FOLLOW_UP or reason in ENDS_EVERYTHING


def _too_many(session: Session, settings: Settings) -> Iterator[str]:
    """No follow-up makes more than FOLLOW_UP_MOST automatic mails to one person in FOLLOW_UP_DAYS days."""
    most = settings.follow_up_most
    if not most:
        return
    mails = session.execute(
        select(WHOSE, SENT_AT, Message.kind, Message.dedupe_key)
        .where(
            Message.kind.in_((MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP)),
            Message.status == MessageStatus.SENT,
        )
        .order_by(Message.contact_id, SENT_AT)
    )
    got: dict[int, list[datetime]] = defaultdict(list)
    for contact_id, at, kind, key in mails:
        lately = [earlier for earlier in got[contact_id] if at - earlier < timedelta(days=settings.follow_up_days)]
        if kind is MessageKind.FOLLOW_UP and len(lately) >= most:
            yield f"{key} was one automatic mail too many: {len(lately)} went to the person lately."
        got[contact_id] = [*lately, at]


def _lying_still(session: Session, until: datetime) -> Iterator[str]:
    late = until - timedelta(hours=2)
    runs = select(Enrollment.id).where(Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.next_due_at < late)
    yield from (f"Run {run_id} was due and nobody looked at it." for run_id in session.scalars(runs))
    mails = select(Message.id).where(
        Message.status.in_((MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.SENDING)),
        Message.due_at < late,
    )
    yield from (f"Mail {mail_id} was due and nobody sent it." for mail_id in session.scalars(mails))


def _named(sent: Sent) -> str:
    return f"Mail {sent.step.position} of run {sent.run.id}"
