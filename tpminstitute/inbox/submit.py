"""Take an inquiry in: one function, one transaction (DESIGN.md 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.background import keep_result
from tpminstitute.contacts.consent import Wording
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person, find_or_add
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.inbox import conversations, letters
from tpminstitute.inbox.along import NOTHING, Along, keep_along
from tpminstitute.inbox.judging import is_known
from tpminstitute.inbox.models import Inquiry, InquiryState, ReceivedMail
from tpminstitute.inbox.sending import hold_back
from tpminstitute.mail import outbox
from tpminstitute.mail.letters import LetterError
from tpminstitute.mail.suppression import SENTENCES, suppression_of
from tpminstitute.pipeline.service import open_lead
from tpminstitute.screening.points import FOUND_ELSEWHERE, Reason
from tpminstitute.screening.service import Evidence, Verdict, screen
from tpminstitute.sequences.enrolling import EnrollmentOrder, begin_for_inquiry
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Submission:
    """One sending of the contact form, checked and read.

    `form_key` is the same for each repetition of the same form; `topic` is a topic's key; `wording` is None without
    consent; `evidence` is what screening looks at, None where it is switched off; `suspicions` are sentences of what
    else speaks against it, each of which is enough; `mail_id` is the received mail that it came as, if it was one;
    `along` is what its writer sent along; `page_wrote`, how many characters the message begins with that we wrote.
    """

    form_key: str
    person: Person
    topic: str
    message: str
    wording: Wording | None
    source_page: str
    source_referrer: str
    evidence: Evidence | None = None
    suspicions: Sequence[str] = ()
    mail_id: int | None = None
    along: Along = NOTHING
    page_wrote: int = 0


def submit_inquiry(session: Session, settings: Settings, submission: Submission) -> str:
    """Store an inquiry and set in motion what it causes: lead, mails, follow-ups.

    A repeated submission changes nothing and answers as the first did. A suspected one is stored and set apart.
    Returns the inquiry's public id.
    """
    reach(FailPoint.INTAKE_BEFORE_STORE)
    earlier = _earlier(session, submission)
    if earlier is not None:  # asked first, too: whoever was erased isn't made a contact again by an old form
        return earlier
    contact = find_or_add(session, submission.person)
    earlier = _earlier(session, submission)
    if earlier is not None:
        return earlier
    verdict = _verdict(session, settings, contact, submission)
    inquiry = _store(session, contact, submission, verdict)
    keep_along(session, inquiry.id, submission.along)
    if submission.mail_id is not None:
        belongs = {"inquiry_id": inquiry.id, "contact_id": contact.id}
        session.execute(update(ReceivedMail).where(ReceivedMail.id == submission.mail_id).values(**belongs))
    if verdict.suspected:
        sentence = "An inquiry was set apart by screening. " + " ".join(verdict.told)
        record(session, contact.id, ActivityKind.INQUIRY_SUSPECTED, sentence)
    else:
        follow_through(session, settings, inquiry, contact)
    reach(FailPoint.INTAKE_BEFORE_COMMIT)
    return inquiry.public_id


def _earlier(session: Session, submission: Submission) -> str | None:
    return session.scalar(select(Inquiry.public_id).where(Inquiry.form_key == submission.form_key))


def _verdict(session: Session, settings: Settings, contact: Contact, submission: Submission) -> Verdict:
    """Return what screening says, and what the door says beside it."""
    elsewhere = [Reason(FOUND_ELSEWHERE, sentence) for sentence in submission.suspicions]
    if submission.evidence is None:
        return Verdict(elsewhere)
    verdict = screen(session, settings.secret_key, submission.evidence)
    if verdict.suspected and is_known(session, contact.id):
        verdict = verdict.and_known()
    return Verdict([*elsewhere, *verdict.reasons])


def follow_through(session: Session, settings: Settings, inquiry: Inquiry, contact: Contact) -> None:
    """Do what an inquiry causes, once: open a lead, queue notice and acknowledgement, enroll who agreed."""
    session.execute(update(Inquiry).where(Inquiry.id == inquiry.id).values(followed_through_at=clock.now()))
    open_lead(session, contact.id)
    if inquiry.along is not None and inquiry.along.pathway_background is not None:
        keep_result(session, contact.id, inquiry.along.pathway_background)
    hold_back(session, contact.id)
    conversations.waits_for_institute(session, contact.id)
    for notice in letters.notices(session, settings, inquiry, contact):
        outbox.queue(session, settings, notice)
    _acknowledge(session, settings, inquiry, contact)
    if inquiry.consent_id is not None:
        _start_follow_ups(session, settings, inquiry, contact)


def _acknowledge(session: Session, settings: Settings, inquiry: Inquiry, contact: Contact) -> None:
    """Queue the acknowledgement; a letter that can't be made costs the visitor that mail, and never the inquiry."""
    try:
        order = letters.acknowledgement(session, settings, inquiry, contact)
    except LetterError as problem:
        log.error("letter_broken", inquiry=inquiry.id, problem=str(problem))
        sentence = f"The acknowledgement was not sent. {problem}"
        record(session, contact.id, ActivityKind.MAIL_NOT_SENT, sentence)
        return
    outbox.queue(session, settings, order)


def _store(session: Session, contact: Contact, submission: Submission, verdict: Verdict) -> Inquiry:
    consent_id = None
    if submission.wording is not None:
        source = f"contact form at {submission.source_page}"
        consent_id = consent.grant(session, contact.id, submission.wording, source)
    person = submission.person
    inquiry = session.scalars(
        insert(Inquiry).returning(Inquiry),
        {
            "public_id": tokens.public_id(),
            "form_key": submission.form_key,
            "contact_id": contact.id,
            "consent_id": consent_id,
            "name": person.name,
            "email": person.email.address,
            "phone_typed": person.phone_typed,
            "phone_e164": person.phone_e164,
            "topic": submission.topic,
            "message": submission.message,
            "page_wrote": submission.page_wrote,
            "state": InquiryState.SUSPECTED if verdict.suspected else InquiryState.OPEN,
            "suspicions": verdict.told,
            "score": verdict.score if verdict.reasons or submission.evidence else None,
            "source_page": submission.source_page,
            "source_referrer": submission.source_referrer,
            "received_at": clock.now(),
            "followed_through_at": None,
        },
    ).one()
    sentence = f"Sent an inquiry: {topics_of(session).label(submission.topic)}."
    record(session, contact.id, ActivityKind.INQUIRY_RECEIVED, sentence, actor=Actor.VISITOR)
    if consent_id is not None:
        sentence = "Agreed to be followed up by e-mail."
        record(session, contact.id, ActivityKind.CONSENT_GRANTED, sentence, actor=Actor.VISITOR)
    return inquiry


def _start_follow_ups(session: Session, settings: Settings, inquiry: Inquiry, contact: Contact) -> None:
    """Enroll, unless the address is closed: a form that anybody can fill in doesn't undo an opt-out."""
    suppression = suppression_of(session, contact.email_key)
    if suppression is not None:
        sentence = f"No follow-ups were started. {SENTENCES[suppression.reason]}"
        record(session, contact.id, ActivityKind.ENROLLMENT_SKIPPED, sentence)
        return
    order = EnrollmentOrder(contact.id, f"inquiry:{inquiry.id}", topics_of(session).label(inquiry.topic))
    begin_for_inquiry(session, settings, order)
