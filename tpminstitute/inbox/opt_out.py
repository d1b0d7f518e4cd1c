"""Leaving the follow-ups: by the link in a mail, or by a mail program's own button (RFC 8058)."""

from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.models import ConsentChange, Contact
from tpminstitute.contacts.service import by_public_id
from tpminstitute.core.config import Settings
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.suppression import suppress
from tpminstitute.sequences.service import stop_for_contact
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

REASON = "The person unsubscribed."


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


def opt_out(session: Session, contact: Contact) -> None:
    """Stop the contact's follow-ups for good; a second time changes nothing."""
    if not opted_out(session, contact):
        consent.withdraw(session, contact.id, "unsubscribe link")
        sentence = "Unsubscribed from follow-ups."
        record(session, contact.id, ActivityKind.CONSENT_WITHDRAWN, sentence, actor=Actor.VISITOR)
    suppress(session, contact.email_key, SuppressionReason.OPT_OUT)
    stop_for_contact(session, contact.id, REASON)
