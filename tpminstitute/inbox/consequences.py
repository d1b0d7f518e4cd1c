"""What a mail that came in causes: who it is filed with, and what it stops, pauses, closes or only records."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.comments.notices import stop_address
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person, locked
from tpminstitute.contacts.topics import Topic
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.inbox import conversations, letters, returned
from tpminstitute.inbox.matching import FORGED, Match, identify, own_addresses, sender_of
from tpminstitute.inbox.models import ReceivedMail, Standing, Writer
from tpminstitute.inbox.opt_out import opt_out
from tpminstitute.inbox.sending import hold_back
from tpminstitute.inbox.staff_mail import take_from_staff
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.mail import outbox
from tpminstitute.mail.incoming.model import ReadMail, ReceivedKind
from tpminstitute.mail.models import Message, MessageKind
from tpminstitute.mail.reply_addresses import Tag, tags_in
from tpminstitute.pipeline.service import open_lead
from tpminstitute.screening.service import Evidence
from tpminstitute.sequences.pauses import pause_for_contact
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

ANSWERED = "They answered."

STRANGER = "Somebody answered in their place; a person decides whether it was them."

WAITS = "A mail came in that waits for a look: it may be somebody else's."
"""What the timeline says; who wrote stands on the mail, and goes with it when they are erased."""

AWAY_WITHOUT_DATE = timedelta(days=7)
"""How long follow-ups wait for somebody whose out-of-office names no day."""

LONGEST_ABSENCE = timedelta(days=366)

MORNING = time(9, tzinfo=UTC)
"""When follow-ups go on at the day of return."""

EMPTY = "(The mail has no text.)"

_SUBJECT_LIMIT = 120
_NAME_LIMIT = 200


def is_copy_of_ours(session: Session, settings: Settings, mail: ReadMail) -> bool:
    """Return whether a mail is one that we sent ourselves: the outbox has it, and nothing need be kept twice."""
    if mail.sender.email.lower() not in own_addresses(settings) or not mail.references:
        return False
    domain = settings.mail_from.rpartition("@")[2]
    named = [mail.message_id, *(f"<{reference}@{domain}>" for reference in mail.references)]
    return session.scalar(select(Message.id).where(Message.message_id.in_(named)).limit(1)) is not None


def follow(session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail) -> None:
    """Do what a stored mail causes; `row` is filled in with whose it is and how far it is trusted."""
    tags = tags_in(settings, mail.recipients)
    if not take_from_staff(session, settings, row, mail, tags):
        _take_from_others(session, settings, row, mail, tags)
    session.flush()


def _take_from_others(
    session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail, tags: Sequence[Tag]
) -> None:
    report = mail.kind in (ReceivedKind.BOUNCE, ReceivedKind.COMPLAINT)
    if mail.sender.email.lower() in own_addresses(settings) and not report:
        row.writer = Writer.OURSELVES
        return
    found = identify(session, settings, mail, tags)
    row.contact_id = found.contact.id if found.contact else None
    row.answers_id = found.answers.id if found.answers else None
    match mail.kind:
        case ReceivedKind.PERSON:
            _hear(session, settings, row, mail, found)
        case ReceivedKind.UNSUBSCRIBE:
            _leave(session, settings, row, mail, found)
        case ReceivedKind.OUT_OF_OFFICE:
            _be_away(session, row, found)
        case ReceivedKind.AUTOMATIC:
            _only_record(session, row, found.contact)
        case ReceivedKind.BOUNCE | ReceivedKind.COMPLAINT:
            _come_back(session, row, mail, found)


def _hear(session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail, found: Match) -> None:
    """A person wrote: a reply, a stranger on somebody's thread, or the beginning of a conversation."""
    if found.contact is None:
        begin_by_mail(session, settings, row, found.doubt, flagged=mail.flagged_as_spam, answerable=mail.answerable)
        return
    if found.doubt:
        _doubt(row, found.doubt)
        pause_for_contact(session, found.contact.id, STRANGER)
        record(session, found.contact.id, ActivityKind.STRANGER_WROTE, WAITS)
        hold_back(session, found.contact.id)
        conversations.waits_for_institute(session, found.contact.id)
        _tell_institute(session, settings, row, found.contact)
        return
    take_as_reply(session, settings, row, found.contact)


def take_as_reply(session: Session, settings: Settings, row: ReceivedMail, contact: Contact) -> None:
    """Do what a reply by a known person causes: it opens a lead, stops the follow-ups, and waits for an answer.

    The caller holds the contact's row.
    """
    open_lead(session, contact.id)
    sentence = f"Wrote a mail: “{one_line(row.subject, _SUBJECT_LIMIT) or 'without a subject'}”."
    record(session, contact.id, ActivityKind.REPLY_RECEIVED, sentence, actor=Actor.VISITOR)
    stop_for_contact(session, contact.id, ANSWERED)
    hold_back(session, contact.id)
    conversations.waits_for_institute(session, contact.id)
    _tell_institute(session, settings, row, contact)


def begin_by_mail(
    session: Session, settings: Settings, row: ReceivedMail, doubt: str = "", *, flagged: bool, answerable: bool
) -> None:
    """Make an inquiry of a mail by somebody unknown; it passes the same screening as a form.

    Parameters: `doubt`, what else speaks against it; `flagged`, whether the receiving server takes it for spam;
    `answerable`, whether it may be answered automatically. A mail that names no usable sender waits for a person.
    """
    sender = sender_of(row.sender_email)
    if sender is None:
        _doubt(row, "It names no sender that could be answered.")
        return
    name = one_line(row.sender_name, _NAME_LIMIT) or sender.address.partition("@")[0]
    written = "\n\n".join(part for part in (row.subject, row.words or row.text) if part)
    message, page_wrote = (written, 0) if written else (EMPTY, len(EMPTY))
    found = [doubt] if doubt else []
    found += ["The mail server that took it in thinks it is spam."] if flagged else []
    found += [] if answerable else ["It says of itself that it must not be answered automatically."]
    submission = Submission(
        form_key=row.fingerprint,
        person=Person(name, sender),
        topic=Topic.OTHER,
        message=message,
        wording=None,
        source_page=letters.BY_MAIL,
        source_referrer="",
        evidence=Evidence(name, sender.key, message[page_wrote:]),
        suspicions=found,
        mail_id=row.id,
        page_wrote=page_wrote,
    )
    submit_inquiry(session, settings, submission)
    session.refresh(row)


def _leave(session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail, found: Match) -> None:
    """An unsubscribe by mail: as good as the link that stands in the same mails, whoever sends it.

    In answer to word of a comment it ends such mails, and in answer to nothing of ours both these and follow-ups.
    """
    answered = found.answers
    if answered is not None and answered.kind is MessageKind.COMMENT_ANSWER and found.doubt != FORGED:
        stop_address(session, answered.recipient_key)
        return
    if found.contact is None or found.doubt == FORGED:
        _hear(session, settings, row, mail, found)
        return
    if answered is None:
        stop_address(session, found.contact.email_key)
    opt_out(session, found.contact)


def _be_away(session: Session, row: ReceivedMail, found: Match) -> None:
    if found.contact is None or found.doubt:
        _only_record(session, row, found.contact)
        return
    until = _back_at(row)
    if until is None:
        _only_record(session, row, found.contact)
        return
    sentence = f"They are away until {until:%-d %b %Y}."
    if row.return_on is None:
        sentence = f"They are away and name no day; the follow-ups go on {until:%-d %b %Y}."
    record(session, found.contact.id, ActivityKind.AUTOMATIC_MAIL_RECEIVED, f"An out-of-office came. {sentence}")
    pause_for_contact(session, found.contact.id, sentence, until)


def _back_at(row: ReceivedMail) -> datetime | None:
    """Return when somebody is back, or None for a day that is over or too far away to be meant."""
    if row.return_on is None:
        return clock.now() + AWAY_WITHOUT_DATE
    until = datetime.combine(row.return_on, MORNING)
    return until if clock.now() < until < clock.now() + LONGEST_ABSENCE else None


def _only_record(session: Session, row: ReceivedMail, contact: Contact | None) -> None:
    if contact is not None:
        sentence = f"An automatic mail came: “{one_line(row.subject, _SUBJECT_LIMIT) or 'without a subject'}”."
        record(session, contact.id, ActivityKind.AUTOMATIC_MAIL_RECEIVED, sentence)


def _come_back(session: Session, row: ReceivedMail, mail: ReadMail, found: Match) -> None:
    """A report counts only when it names a mail of ours: anybody can write one about any address."""
    if found.answers is None:
        row.contact_id = None
        return
    row.contact_id = found.answers.contact_id
    if row.contact_id is not None:
        locked(session, row.contact_id)
    if mail.kind is ReceivedKind.COMPLAINT:
        returned.complained_of(session, found.answers)
    elif mail.bounce is not None:
        returned.bounced(session, found.answers, mail.bounce)


def _doubt(row: ReceivedMail, doubt: str) -> None:
    row.standing, row.doubt = Standing.DOUBTFUL, doubt


def _tell_institute(session: Session, settings: Settings, row: ReceivedMail, contact: Contact) -> None:
    for notice in letters.mail_notices(session, settings, row, contact):
        outbox.queue(session, settings, notice)
