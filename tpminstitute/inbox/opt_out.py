"""Leaving the follow-ups, by the link in a mail or a mail program's own button (RFC 8058), and coming back."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.consent import Wording
from tpminstitute.contacts.models import Consent, ConsentChange, Contact
from tpminstitute.contacts.service import by_public_id
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.suppression import lift, suppress, suppression_of
from tpminstitute.sequences.service import take_up_again
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.sequences.wishes import lock
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

REASON = "The person unsubscribed."

SOURCE = "unsubscribe link"


def contact_of_token(session: Session, settings: Settings, token: str) -> Contact | None:
    """Return the contact whose unsubscribe token this is, or None for a forged or damaged one."""
    try:
        public_id = Signer(settings.secret_key, "unsubscribe").read(token)
    except BadToken:
        return None
    return by_public_id(session, public_id) if isinstance(public_id, str) else None


def opted_out(session: Session, contact: Contact) -> bool:
    """Return whether the contact took back the consent to be followed up."""
    newest = consent.current(session, contact.id)
    return newest is not None and newest.change is ConsentChange.WITHDRAWN


def unsubscribed(session: Session, contact: Contact) -> bool:
    """Return whether an unsubscription stands: a consent on a form, which anybody can fill in, doesn't undo it."""
    by_themselves = or_(Consent.change == ConsentChange.WITHDRAWN, Consent.source == SOURCE)
    newest = select(Consent.change).where(Consent.contact_id == contact.id, by_themselves).order_by(Consent.id.desc())
    return session.scalar(newest.limit(1)) is ConsentChange.WITHDRAWN


def opt_out(session: Session, contact: Contact) -> None:
    """Stop the contact's follow-ups for good; a second time changes nothing."""
    lock(session, contact)
    if not opted_out(session, contact):
        consent.withdraw(session, contact.id, SOURCE)
        sentence = "Unsubscribed from follow-ups."
        record(session, contact.id, ActivityKind.CONSENT_WITHDRAWN, sentence, actor=Actor.VISITOR)
    suppress(session, contact.email_key, SuppressionReason.OPT_OUT)
    stop_for_contact(session, contact.id, REASON)


def stays_away(session: Session, contact: Contact) -> bool:
    """Return whether the address gets no follow-ups now: its owner left, or it is closed for another reason."""
    return opted_out(session, contact) or suppression_of(session, contact.email_key) is not None


def may_come_back(session: Session, contact: Contact) -> bool:
    """Return whether the owner of the address can undo what closed it: only what they did themselves."""
    suppression = suppression_of(session, contact.email_key)
    if suppression is None:
        return opted_out(session, contact)
    return suppression.reason is SuppressionReason.OPT_OUT


def come_back(session: Session, settings: Settings, contact: Contact, words: Wording) -> None:
    """Undo an opt-out for whoever holds the signed link: agree to `words`, open the address, go on with the runs.

    A second time changes nothing. Raises `Refusal` when the address is closed for a reason that isn't theirs to lift.
    """
    lock(session, contact)
    if not stays_away(session, contact):
        return
    if not may_come_back(session, contact):
        raise Refusal("This address is closed for another reason. Write to us, and a person will look at it.")
    suppression = suppression_of(session, contact.email_key)
    if suppression is not None:
        lift(session, suppression.id, SuppressionReason.OPT_OUT)
        sentence = "Opened the address to follow-ups again, by the link in a mail."
        record(session, contact.id, ActivityKind.ADDRESS_REOPENED, sentence, actor=Actor.VISITOR)
    consent.grant(session, contact.id, words, SOURCE)
    sentence = "Agreed to be followed up by e-mail again."
    record(session, contact.id, ActivityKind.CONSENT_GRANTED, sentence, actor=Actor.VISITOR)
    take_up_again(session, settings, contact.id, REASON)
