"""What the desk's templates are given: rows turned into labels, sentences and possible actions."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import url_for
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.models import ConsentChange, Contact
from tpminstitute.contacts.time_zones import SOURCES, clock_of
from tpminstitute.contacts.topics import topics_of
from tpminstitute.inbox.along import along_words
from tpminstitute.inbox.letters import reference, source_sentence
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.mail.closed_addresses import ClosedAddress, closed_address_of
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.mail.queries import Mail, Said
from tpminstitute.sequences.models import Pace
from tpminstitute.sequences.queries import topic_of_runs
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
    score: int | None
    along: dict[str, str]
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
    publish_url: str = ""
    """Where a reply is published as a question and answer; '' for any other mail."""


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
        said.append(f"Paused until {end:%a %-d %b %Y}.")
    if kept.pace is Pace.LESS_OFTEN:
        said.append("Less often: each after twice the usual time.")
    if kept.only_topic:
        topic = topic_of_runs(session, contact_id)
        said.append(f"Only about “{topic}”." if topic else "Only about their own topic.")
    return said


def inquiry_view(session: Session, inquiry: Inquiry) -> InquiryView:
    """Return an inquiry with the actions that its state and the looker's role allow."""
    return InquiryView(
        public_id=inquiry.public_id,
        reference=reference(inquiry),
        topic_label=topics_of(session).label(inquiry.topic),
        message=inquiry.message,
        received_at=inquiry.received_at,
        state=inquiry.state,
        source=f"{source_sentence(inquiry)}. Reference {reference(inquiry)}.",
        suspicions=inquiry.suspicions,
        score=inquiry.score,
        along=along_words(inquiry.along),
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
