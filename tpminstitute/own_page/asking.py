"""Asking for a link to one's own data: by an address that anybody may type, and by the button on one's own page."""

from datetime import timedelta

from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import own_url
from tpminstitute.contacts.service import locked_by_address
from tpminstitute.core import tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.own_page import mails
from tpminstitute.own_page.times import A_DAY
from tpminstitute.own_page.writers import mail_writer, newest_writer
from tpminstitute.screening.arrivals import is_within
from tpminstitute.screening.digests import network_of

MOST_A_DAY = 3
"""Mails with such a link to one address."""

MOST_OF_A_NETWORK = 20
"""How often a network may ask within an hour, for whatever addresses."""


class TooOften(Refusal):
    """A network asked too often."""

    def __init__(self) -> None:
        """Say when to come back."""
        super().__init__(
            "From where you are this was asked for very often just now, so nothing was sent. Try again in an hour, or "
            "write to us: a person answers."
        )


def ask_by_address(session: Session, settings: Settings, email: EmailAddress, network_address: str) -> None:
    """Mail a fresh link to who has that address, if anybody has; the same is done for an address nobody has.

    Who only commented on the guide gets one to their comments.

    Parameters: `network_address`, where it was asked from. The answer must not tell the two apart, and neither may the
    time that it takes: the letter is written for nobody, too. Raises `TooOften` for a network, whoever it asks about.
    """
    network = network_of(network_address)
    hour = timedelta(hours=1)
    if network and not is_within(session, settings.secret_key, f"own:network:{network}", MOST_OF_A_NETWORK, hour):
        raise TooOften
    contact = locked_by_address(session, email.key)
    may = may_mail(session, settings, email.key)
    writer = newest_writer(session, email.key) if contact is None else None
    if not may or (contact is None and writer is None):
        url = own_url(settings, tokens.public_id(), asked_for=True)
        mails.letter(settings, "link", url, link_url=url)
    elif contact is not None:
        _mail(session, settings, contact)
    elif writer is not None:
        mail_writer(session, settings, writer)


def ask_from_page(session: Session, settings: Settings, contact: Contact) -> None:
    """Mail a fresh link to a contact's address, for who has an older one; not more than `MOST_A_DAY` times a day."""
    if may_mail(session, settings, contact.email_key):
        _mail(session, settings, contact)


def may_mail(session: Session, settings: Settings, email_key: str) -> bool:
    """Return whether an address may get another mail that somebody asked for on the site, and count it."""
    return is_within(session, settings.secret_key, f"own:address:{email_key}", MOST_A_DAY, A_DAY)


def _mail(session: Session, settings: Settings, contact: Contact) -> None:
    url = own_url(settings, contact.public_id, asked_for=True)
    mails.send(session, settings, contact, "link", tokens.secret(), link_url=url)
