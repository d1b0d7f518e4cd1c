"""Another address for our mails: asked for on one's own page, and theirs once it was proved by a link mailed there.

Whether somebody else has that address is told to nobody but its reader: asking does the same for every address, and
proving one that is another contact's changes nothing but what staff see, who decide whether the two are one.
"""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import this_millisecond
from tpminstitute.contacts.service import locked, locked_by_address
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import masked
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.inbox.details import move_address
from tpminstitute.merging.duplicates import suggest
from tpminstitute.own_page import mails
from tpminstitute.own_page.asking import may_mail
from tpminstitute.own_page.links import void_links
from tpminstitute.own_page.times import A_DAY
from tpminstitute.privacy.models import AddressWish
from tpminstitute.screening.arrivals import is_within
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

PROVED_WITHIN = timedelta(days=1)
"""How long the link that proves an address does so."""

MOST_WISHES = 5
"""How often a contact may ask within a day, for whatever addresses."""

_PURPOSE = "me-address"


class Proved(StrEnum):
    """What came of proving an address: mails go there now, or a person looks first, since a contact has it already."""

    MOVED = "moved"
    WAITS = "waits"


def ask_for_address(session: Session, settings: Settings, contact: Contact, email: EmailAddress) -> None:
    """Mail a link to `email` by which it becomes the contact's; an earlier wish of theirs ends.

    The caller holds the contact's row. Raises `Refusal` when it is their address already, or they asked very often.
    """
    if email.key == contact.email_key:
        raise Refusal("Our mails go to this address already. Nothing was changed.")
    if not is_within(session, settings.secret_key, f"own:wishes:{contact.id}", MOST_WISHES, A_DAY):
        raise Refusal(
            f"You asked for another address {MOST_WISHES} times within a day, so nothing was sent. Try again tomorrow, "
            "or write to us: a person does it."
        )
    session.execute(delete(AddressWish).where(AddressWish.contact_id == contact.id))
    wish = AddressWish(
        contact_id=contact.id,
        nonce=tokens.public_id(),
        email=email.address,
        email_key=email.key,
        asked_at=clock.now(),
        proved_at=None,
    )
    session.add(wish)
    session.flush()
    if may_mail(session, settings, email.key):
        words = {"masked": masked(contact.email), "confirm_url": proof_url(settings, wish)}
        mails.send_elsewhere(session, settings, contact, "address-confirm", wish.nonce, email, **words)


def proof_url(settings: Settings, wish: AddressWish) -> str:
    """Return the address at which a wish's new address is proved."""
    return f"{settings.public_url}/me/address/{Signer(settings.secret_key, _PURPOSE).sign(wish.nonce)}"


def wish_of_proof(session: Session, settings: Settings, token: str) -> AddressWish | None:
    """Return the wish whose address a token proves; None for any other token, and for one that is over."""
    try:
        nonce = Signer(settings.secret_key, _PURPOSE).read(token)
    except BadToken:
        return None
    if not isinstance(nonce, str):
        return None
    held = (AddressWish.nonce == nonce, AddressWish.asked_at >= clock.now() - PROVED_WITHIN)
    return session.scalar(select(AddressWish).where(*held).execution_options(populate_existing=True))


def wish_for_address(session: Session, contact: Contact) -> AddressWish | None:
    """Return the address that a contact asked for within the last day, or None.

    One that was proved and is another contact's looks like one that waits to be proved: who asked isn't told.
    """
    wish = session.get(AddressWish, contact.id)
    return wish if wish is not None and wish.asked_at >= clock.now() - PROVED_WITHIN else None


def prove(session: Session, settings: Settings, token: str) -> Proved | None:
    """Let mails go to the address that a token proves, and tell the former one; returns None for a token that is over.

    An address of another contact's stays theirs, and staff are shown the two as perhaps one person.
    """
    found = wish_of_proof(session, settings, token)
    contact = locked(session, found.contact_id) if found else None
    wish = wish_of_proof(session, settings, token)
    if contact is None or wish is None or contact.erased_at is not None:
        return None
    holder = locked_by_address(session, wish.email_key)
    if holder is not None and holder.id != contact.id:
        _leave_to_staff(session, wish, contact, holder)
        return Proved.WAITS
    _move(session, settings, contact, wish)
    return Proved.MOVED


def tidy(session: Session) -> None:
    """Forget wishes that can't be proved any more: an address in them may be a stranger's."""
    over = AddressWish.asked_at < clock.now() - PROVED_WITHIN
    session.execute(delete(AddressWish).where(over).execution_options(synchronize_session=False))


def _leave_to_staff(session: Session, wish: AddressWish, contact: Contact, holder: Contact) -> None:
    if wish.proved_at is not None:
        return
    wish.proved_at = clock.now()
    session.flush()
    suggest(session, contact.id, holder.id)
    sentence = "Proved that they read mail at an address of another contact’s. Are the two one person?"
    record(session, contact.id, ActivityKind.ADDRESS_PROVED, sentence, actor=Actor.VISITOR)


def _move(session: Session, settings: Settings, contact: Contact, wish: AddressWish) -> None:
    former, email = EmailAddress(contact.email, contact.email_key), EmailAddress(wish.email, wish.email_key)
    once = wish.nonce
    session.delete(wish)
    void_links(session, contact, this_millisecond())  # not those that mails to the new address get now
    move_address(session, settings, contact, email, None)
    contact.number += 1
    session.flush()
    sentence = f"Corrected what we hold: the address was {former.address}."
    record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, actor=Actor.VISITOR)
    mails.send_elsewhere(session, settings, contact, "address-moved", once, former, masked=masked(email.address))
