"""What the desk's templates are given: rows turned into labels, sentences and possible actions."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import url_for
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.models import ConsentChange, Contact
from tpminstitute.contacts.time_zones import SOURCES, clock_of
from tpminstitute.core import zones
from tpminstitute.inbox.letters import reference, source_sentence
from tpminstitute.inbox.models import TOPIC_LABELS, Inquiry, InquiryState
from tpminstitute.mail.closed_addresses import ClosedAddress, closed_address_of
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.mail.queries import Mail, Said
from tpminstitute.sequences.forecast import Expected
from tpminstitute.sequences.models import EnrollmentStatus, Pace, StepOutcome
from tpminstitute.sequences.queries import Past, Run, topic_of_runs
from tpminstitute.sequences.wishes import pause_end, wishes_of
from tpminstitute.web.common import settings
from tpminstitute.web.staff.access import list_place, may_act

STATUS_KINDS = {
    MessageStatus.SENT: "done",
    MessageStatus.QUEUED: "grey",
    MessageStatus.CLAIMED: "act",
    MessageStatus.SENDING: "act",
    MessageStatus.HELD: "amber",
    MessageStatus.CANCELLED: "grey",
    MessageStatus.SUPPRESSED: "grey",
    MessageStatus.FAILED: "red",
    MessageStatus.UNCERTAIN: "amber",
}


@dataclass(frozen=True)
class Action:
    """One button: what it says, where it posts, its key, and how it looks."""

    label: str
    url: str
    key: str = ""
    kind: str = "quiet"


@dataclass(frozen=True)
class ClockView:
    """The clock that mails to a contact go by: its zone, where that comes from, and the zone if one is kept."""

    zone: ZoneInfo
    source: str
    kept: str


@dataclass(frozen=True)
class ConsentView:
    """The newest consent, as staff read it."""

    granted: bool
    at: datetime
    wording: str
    source: str


@dataclass(frozen=True)
class ContactView:
    """One contact, as staff read it."""

    name: str
    email: str
    phone_typed: str
    phone_e164: str | None
    first_seen_at: datetime
    clock: ClockView
    consent: ConsentView | None
    wishes: list[str]
    closed: ClosedAddress | None


@dataclass(frozen=True)
class InquiryView:
    """One inquiry as received, and what can be done with it."""

    public_id: str
    reference: str
    topic_label: str
    message: str
    received_at: datetime
    state: InquiryState
    source: str
    suspicions: list[str]
    actions: list[Action]


@dataclass(frozen=True)
class MailView:
    """One mail, how it stands, and what can be done with it."""

    id: int
    kind: MessageKind
    label: str
    writer: str
    recipient: str
    subject: str
    status: str
    status_kind: str
    explanation: str
    due_at: datetime
    words: str
    text: str
    events: list[Said]
    actions: list[Action]


@dataclass(frozen=True)
class RunView:
    """One run through a sequence, with its steps as stations."""

    sequence: str
    status: str
    status_kind: str
    explanation: str
    stations: list[dict[str, str]]
    actions: list[Action] = field(default_factory=list)


def contact_view(session: Session, contact: Contact) -> ContactView:
    """Return what the head of a contact's page shows."""
    newest = consent.current(session, contact.id)
    return ContactView(
        name=contact.name,
        email=contact.email,
        phone_typed=contact.phone_typed,
        phone_e164=contact.phone_e164,
        first_seen_at=contact.first_seen_at,
        clock=_clock_view(contact),
        consent=None
        if newest is None
        else ConsentView(newest.change is ConsentChange.GRANTED, newest.at, newest.wording, newest.source),
        wishes=_wishes(session, contact.id),
        closed=closed_address_of(session, contact.email_key),
    )


def _clock_view(contact: Contact) -> ClockView:
    lives_by = clock_of(contact.time_zone, contact.time_zone_source, contact.phone_e164, settings().institute_zone)
    return ClockView(lives_by.zone, SOURCES[lives_by.source], contact.time_zone or "")


def _wishes(session: Session, contact_id: int) -> list[str]:
    """Return what holds now of what the person asked for, a sentence each; nothing when all is as usual."""
    kept = wishes_of(session, contact_id)
    if kept is None:
        return []
    said = []
    end = pause_end(kept)
    if end is not None:
        said.append(f"Paused until {end:%a %d %b %Y}.")
    if kept.pace is Pace.LESS_OFTEN:
        said.append("Less often: each after twice the usual time.")
    if kept.only_topic:
        topic = topic_of_runs(session, contact_id)
        said.append(f"Only about “{topic}”." if topic else "Only about their own topic.")
    return said


def inquiry_view(inquiry: Inquiry) -> InquiryView:
    """Return an inquiry with the actions that its state and the looker's role allow."""
    return InquiryView(
        public_id=inquiry.public_id,
        reference=reference(inquiry),
        topic_label=TOPIC_LABELS[inquiry.topic],
        message=inquiry.message,
        received_at=inquiry.received_at,
        state=inquiry.state,
        source=f"{source_sentence(inquiry)}. Reference {reference(inquiry)}.",
        suspicions=inquiry.suspicions,
        actions=_inquiry_actions(inquiry) if may_act() else [],
    )


def _inquiry_actions(inquiry: Inquiry) -> list[Action]:
    def action(label: str, verb: str, key: str, kind: str = "quiet") -> Action:
        return Action(label, url_for(f"staff.{verb}", public_id=inquiry.public_id, **list_place()), key, kind)

    spam = action("Mark as spam", "mark_spam", "s")
    match inquiry.state:
        case InquiryState.OPEN:
            return [action("Mark handled", "mark_handled", "e"), spam]
        case InquiryState.HANDLED:
            return [action("Reopen", "reopen", "e"), spam]
        case InquiryState.SUSPECTED:
            return [action("Not spam, release", "release", "e", "primary"), spam]
        case InquiryState.SPAM:
            return [action("Not spam, release", "release", "e")]


def mail_view(mail: Mail) -> MailView:
    """Return a mail with the decisions that it waits for."""
    actions = []
    if mail.needs_decision and may_act():
        actions = [
            Action("Send again", url_for("staff.send_again", message_id=mail.id, **list_place())),
            Action("Leave it", url_for("staff.leave", message_id=mail.id, **list_place())),
        ]
    return MailView(
        id=mail.id,
        kind=mail.kind,
        label=mail.label,
        writer=mail.writer,
        recipient=mail.recipient,
        subject=mail.subject,
        status=mail.status.value.capitalize(),
        status_kind=STATUS_KINDS[mail.status],
        explanation=mail.explanation,
        due_at=mail.sent_at or mail.due_at,
        words=mail.words,
        text=mail.text,
        events=list(mail.events),
        actions=actions,
    )


def run_view(run: Run, contact_public_id: str, *, in_question: bool = False) -> RunView:
    """Return a run as stations on its way: what was decided and why, then the mails to come with their local times.

    `in_question` says that its next mail waits for a word as a draft.
    """
    waits = run.status is EnrollmentStatus.PAUSED
    kinds = {
        EnrollmentStatus.ACTIVE: "grey",
        EnrollmentStatus.PAUSED: "amber",
        EnrollmentStatus.FINISHED: "done",
    }
    return RunView(
        sequence=run.sequence,
        status="Waiting" if waits else run.status.value.capitalize(),
        status_kind=kinds.get(run.status, "grey"),
        explanation=_run_explanation(run, in_question),
        stations=[_passed(past, run) for past in run.past]
        + [_ahead(mail, run, first=number == 0) for number, mail in enumerate(run.to_come)],
        actions=_run_actions(run, contact_public_id, in_question) if may_act() else [],
    )


def _run_actions(run: Run, contact_public_id: str, in_question: bool) -> list[Action]:
    place = {"public_id": contact_public_id, **list_place()}
    actions = []
    if run.status is EnrollmentStatus.PAUSED and not in_question:
        actions.append(Action("Let them go on", url_for("staff.let_follow_ups_go_on", **place)))
    if run.status in (EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED):
        actions.append(Action("Stop these follow-ups", url_for("staff.stop_follow_ups", run_id=run.id, **place)))
    return actions


def _run_explanation(run: Run, in_question: bool) -> str:
    match run.status:
        case EnrollmentStatus.ACTIVE:
            return f"{len(run.to_come)} to come, as things stand." if run.to_come else "Nothing more is to come."
        case EnrollmentStatus.PAUSED if run.waits_until:
            return f"{run.reason} They go on by themselves on {zones.written(run.waits_until, run.zone)}."
        case EnrollmentStatus.PAUSED if in_question:
            return f"{run.reason} They go on when you have decided about the follow-up above."
        case EnrollmentStatus.PAUSED if run.drafts:
            return f"{run.reason} The next mail will wait for your word."
        case EnrollmentStatus.PAUSED:
            return f"{run.reason} They wait until one of you lets them go on."
        case EnrollmentStatus.FINISHED:
            return "Every mail of it had its turn."
        case _:
            return run.reason


OUTCOMES = {
    StepOutcome.QUEUED: "Written",
    StepOutcome.MOVED: "Moved",
    StepOutcome.HELD: "Held back",
    StepOutcome.SKIPPED: "Skipped",
    StepOutcome.STOPPED: "Stopped",
    StepOutcome.DRAFTED: "Waits for your word",
    StepOutcome.DROPPED: "Not sent",
}


def _passed(past: Past, run: Run) -> dict[str, str]:
    what = f"Mail {past.mail_status.value}" if past.mail_status else OUTCOMES[past.outcome]
    told = [f"{what}, {zones.written(past.at, run.zone)}.", past.sentence, past.mail_reason]
    return {"label": past.subject, "state": "passed", "note": " ".join(part for part in told if part)}


def _ahead(mail: Expected, run: Run, *, first: bool) -> dict[str, str]:
    when = "Will wait for your word from" if mail.draft else "To come on"
    told = [f"{when} {zones.written(mail.at, run.zone)}.", mail.why, *mail.depends_on]
    return {"label": mail.subject, "state": "here" if first else "ahead", "note": " ".join(p for p in told if p)}
