"""The mails about somebody's own data: nothing that anybody typed is in them but an address that mail shall go to."""

from dataclasses import replace

from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_form, own_url
from tpminstitute.core import tokens
from tpminstitute.core.config import Settings
from tpminstitute.mail import outbox
from tpminstitute.mail.compose import Address, feedback_id
from tpminstitute.mail.letters import TEMPLATES, Frame, Letter, letter_sources, render
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.reply_addresses import reply_to_institute

LETTERS = TEMPLATES / "own"
"""Where these letters are; nobody edits them at the desk."""

REASON = "You get this because somebody asked for it on our site with this address."


def letter(settings: Settings, key: str, url: str, **variables: str) -> Letter:
    """Make the letter `key` of templates/email/own; `url` is the reader's way to what is held about them."""
    frame = Frame(
        institute_name=settings.institute_name,
        institute_email=settings.institute_email,
        postal_address=settings.postal_address,
        reason=REASON,
        signature=settings.letter_signature,
        own_url=url,
    )
    return render(letter_sources(LETTERS)[key], variables, frame)


def send(
    session: Session,
    settings: Settings,
    contact: Contact,
    key: str,
    once: str,
    **words: str,
) -> bool:
    """Queue the letter `key` to a contact.

    Parameters: `once`, what the mail is owed once for; `words`, the letter's variables. Returns False when it was
    queued before.
    """
    made = letter(settings, key, own_url(settings, contact.public_id), **words)
    theirs = EmailAddress(contact.email, contact.email_key)
    order = _order(settings, contact, key, once, theirs, made)
    return outbox.queue(session, settings, replace(order, reply_to=reply_to_institute(settings, contact.public_id)))


def send_elsewhere(
    session: Session,
    settings: Settings,
    contact: Contact | None,
    key: str,
    once: str,
    to: EmailAddress,
    **words: str,
) -> bool:
    """Queue the letter `key` to an address that isn't where mails to a contact go, or is no contact's.

    Whoever reads mail there may be somebody else, so it holds neither a link nor a reply address of the contact's.
    """
    made = letter(settings, key, own_form(settings), **words)
    return outbox.queue(session, settings, _order(settings, contact, key, once, to, made))


def _order(
    settings: Settings, contact: Contact | None, key: str, once: str, to: EmailAddress, made: Letter
) -> outbox.Order:
    return outbox.Order(
        kind=MessageKind.OWN_DATA,
        contact_id=contact.id if contact else None,
        cause=f"own_data:{contact.id}" if contact else "own_data",
        dedupe_key=f"own:{key}:{tokens.digest(once)[:32]}",
        recipient=Address("", to.address),
        recipient_key=to.key,
        letter=made,
        headers={
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": feedback_id(MessageKind.OWN_DATA, key, settings.mail_from),
        },
    )
