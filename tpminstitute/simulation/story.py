"""What happened in a simulation to one contact, in order: their mails, and why others moved, waited or never came."""

from collections.abc import Collection, Iterator
from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tpminstitute.core import zones
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.queries import html, plain_text
from tpminstitute.sequences.models import Enrollment, Holiday, Sequence, StepOutcome, StepRecord
from tpminstitute.sequences.versions import step_key
from tpminstitute.simulation.passing import Remark
from tpminstitute.timeline.models import Activity, ActivityKind

TO_THEM = (MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP, MessageKind.REPLY)

SAID_OTHERWISE = (
    ActivityKind.MAIL_SENT,
    ActivityKind.MAIL_NOT_SENT,
    ActivityKind.CONSENT_GRANTED,
    ActivityKind.LEAD_OPENED,
    ActivityKind.INQUIRY_HANDLED,
)
"""Facts that the mails themselves tell, or that say nothing about mails."""

TOLD = (StepOutcome.MOVED, StepOutcome.HELD, StepOutcome.SKIPPED)

WHY = {
    MessageKind.ACKNOWLEDGEMENT: "They wrote to us.",
    MessageKind.REPLY: "Somebody of the institute answered.",
}


@dataclass(frozen=True)
class SimulatedMail:
    """A mail as its reader would get it, with the name of the sequence it belongs to ("" for none)."""

    subject: str
    text: str
    html: str
    sequence: str


@dataclass(frozen=True)
class Entry:
    """One thing that happened: a sentence, and the mail where it was one that went out."""

    at: datetime
    sentence: str
    mail: SimulatedMail | None = None


def told(session: Session, contact_id: int, zone: ZoneInfo, since: datetime, remarks: Collection[Remark]) -> Row[Entry]:
    """Return what happened to a contact from `since` on, with the holidays and clock changes that lay between.

    Parameters: `zone`, the clock of the contact; `remarks`, what was thrown in and couldn't happen.
    """
    entries = [
        *(Entry(remark.at, remark.sentence) for remark in remarks),
        *_facts(session, contact_id, since),
        *_steps(session, contact_id, since),
        *_mails(session, contact_id, since),
    ]
    last = max((entry.at for entry in entries), default=since)
    return sorted([*_calendar(session, zone, since, last), *entries], key=lambda entry: entry.at)


def _calendar(session: Session, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[Entry]:
    """Yield the holidays, and the changes of the clock, which are told exact to the hour that all of them come at."""
    first, last = zones.reading(since, zone).date(), zones.reading(until, zone).date()
    holidays = select(Holiday).where(Holiday.day.between(first, last))
    for holiday in session.scalars(holidays):
        begins = zones.moment(zones.existing(datetime.combine(holiday.day, time()), zone), zone)
        yield Entry(max(begins, since), f"{holiday.name}: no follow-up goes out on this day.")
    hour = timedelta(hours=1)
    moment = since.replace(minute=0, second=0, microsecond=0)
    while moment < until:
        ahead = _offset(moment + hour, zone) - _offset(moment, zone)
        moment += hour
        if ahead:
            way = "forward" if ahead > timedelta() else "back"
            yield Entry(moment, f"The clock in {zone.key} is set {way}.")


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return zones.local(moment, zone).utcoffset() or timedelta()


def _facts(session: Session, contact_id: int, since: datetime) -> Iterator[Entry]:
    facts = select(Activity.at, Activity.sentence).where(
        Activity.contact_id == contact_id, Activity.at >= since, Activity.kind.not_in(SAID_OTHERWISE)
    )
    for at, sentence in session.execute(facts.order_by(Activity.id)):
        yield Entry(at, sentence)


def _steps(session: Session, contact_id: int, since: datetime) -> Iterator[Entry]:
    """Yield why mails moved, were held back or left out; whatever else became of one is said elsewhere."""
    records = (
        select(StepRecord.at, StepRecord.sentence)
        .join(Enrollment, Enrollment.id == StepRecord.enrollment_id)
        .where(Enrollment.contact_id == contact_id, StepRecord.at >= since, StepRecord.outcome.in_(TOLD))
    )
    for at, sentence in session.execute(records.order_by(StepRecord.id)):
        yield Entry(at, sentence)


def _mails(session: Session, contact_id: int, since: datetime) -> Iterator[Entry]:
    whys = _whys(session, contact_id)
    mails = select(Message).where(
        Message.contact_id == contact_id,
        Message.kind.in_(TO_THEM),
        or_(Message.created_at >= since, Message.sent_at >= since),
    )
    for mail in session.scalars(mails.order_by(Message.id)):
        sequence, why = whys.get(mail.dedupe_key, ("", WHY.get(mail.kind, "")))
        if mail.status is MessageStatus.SENT and mail.sent_at is not None:
            shown = SimulatedMail(mail.subject, plain_text(mail.content), html(mail.content), sequence)
            yield Entry(mail.sent_at, why, shown)
        else:
            yield Entry(mail.created_at, f"“{mail.subject}” was not sent. {mail.reason}".strip())


def _whys(session: Session, contact_id: int) -> dict[str, tuple[str, str]]:
    """Return the sequence that each follow-up belongs to, and why it was written, by the mail's dedupe key."""
    written = session.execute(
        select(StepRecord.enrollment_id, StepRecord.number, Sequence.name, StepRecord.sentence)
        .join(Enrollment, Enrollment.id == StepRecord.enrollment_id)
        .join(Sequence, Sequence.id == Enrollment.sequence_id)
        .where(Enrollment.contact_id == contact_id, StepRecord.outcome == StepOutcome.QUEUED)
    )
    return {step_key(run, number): (sequence, sentence) for run, number, sequence, sentence in written}
