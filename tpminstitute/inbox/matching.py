"""Whose a mail is: by a signed address, by our mail that it answers, or by its sender; in that order."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from tpminstitute.contacts.identity import AddressError, EmailAddress, read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_public_id, knows_address, locked, locked_by_address
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.mail.incoming.model import ReadMail
from tpminstitute.mail.models import Message
from tpminstitute.mail.reply_addresses import Purpose, Tag

FORGED = "The address it was sent to looks like one of ours, but its signature is wrong: it was forged or damaged."

_MOST_REFERENCES = 100
"""Message-IDs looked up for one mail; a thread may name hundreds."""


@dataclass(frozen=True)
class Match:
    """Whose a mail is. `answers` is the mail of ours that it refers to; `doubt` says why a person must look first."""

    contact: Contact | None
    answers: Message | None
    sender: EmailAddress | None
    doubt: str = ""


def identify(session: Session, settings: Settings, mail: ReadMail, tags: Sequence[Tag]) -> Match:
    """Return whose a mail is; its contact is locked until the transaction ends.

    A sender whom we know is believed to be that contact. Somebody else who answers a contact's mail is shown with that
    contact and never trusted, and neither is a forged address.
    """
    sender = sender_of(mail.sender.email)
    answers = answered_message(session, settings, mail)
    known = locked_by_address(session, sender.key) if sender else None
    visitor_tags = [tag for tag in tags if tag.purpose is Purpose.VISITOR]
    if any(not tag.genuine for tag in visitor_tags):
        return Match(known, answers, sender, FORGED)
    if known is not None:
        return Match(known, answers, sender)
    owner = _owner(session, visitor_tags, answers)
    if owner is None:
        return Match(None, answers, sender)
    doubt = "" if sender and knows_address(session, owner, sender.key) else _stranger(mail, owner)
    return Match(owner, answers, sender, doubt)


def own_addresses(settings: Settings) -> set[str]:
    """Return the addresses that the institute itself writes from, in lower case."""
    return {settings.mail_from.lower(), settings.institute_email.lower()}


def sender_of(address: str) -> EmailAddress | None:
    """Return the address a mail says it is from, or None when it is none that mail could be sent to."""
    try:
        return read_email(address)
    except AddressError:
        return None


def answered_message(session: Session, settings: Settings, mail: ReadMail) -> Message | None:
    """Return the mail of ours that a mail refers to, by Message-ID or by our own reference header, nearest first."""
    domain = settings.mail_from.rpartition("@")[2]
    named = [*mail.refers_to, *(f"<{reference}@{domain}>" for reference in mail.references)][:_MOST_REFERENCES]
    if not named:
        return None
    ours = select(Message).where(Message.message_id.in_(named)).options(defer(Message.content))
    found = {row.message_id: row for row in session.scalars(ours)}
    return next((found[name] for name in named if name in found), None)


def _owner(session: Session, tags: Sequence[Tag], answers: Message | None) -> Contact | None:
    """Return whom a tag or the mail of ours names; who was erased is nobody, so that what they write begins anew."""
    for tag in tags:
        contact = by_public_id(session, tag.subject)
        if contact is not None and not contact.gone:
            return locked(session, contact.id)
    about = answers.contact_id if answers is not None else None
    owner = locked(session, about) if about is not None else None
    return None if owner is None or owner.gone else owner


def _stranger(mail: ReadMail, owner: Contact) -> str:
    who = one_line(mail.sender.email, 80) or "an unknown address"
    return f"It was written from {who}, which is not known as an address of {one_line(owner.name, 60)}."
