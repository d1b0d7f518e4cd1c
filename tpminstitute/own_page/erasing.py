"""Erasing oneself: asked for, a day to think again, then carried out."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.exchange.forgetting import forget_in_files
from tpminstitute.merging.service import address_keys
from tpminstitute.own_page import mails
from tpminstitute.own_page.times import A_DAY
from tpminstitute.own_page.told import by_their_clock
from tpminstitute.privacy.erasing import erase, family, shells_of
from tpminstitute.privacy.models import Erasure, ErasureWish
from tpminstitute.sequences.service import take_up_again
from tpminstitute.sequences.stopping import stop_for_contact
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

log = structlog.get_logger(__name__)

REASON = "The person asked to be erased."
_STAY = "me-stay"


_OPEN = (
    select(ErasureWish)
    .where(ErasureWish.contact_id.in_(family()), ErasureWish.cancelled_at.is_(None), ErasureWish.done_at.is_(None))
    .order_by(ErasureWish.due_at)
    .limit(1)
)


def open_wish(session: Session, contact: Contact) -> ErasureWish | None:
    """Return the wish of a contact, or of one that was merged into them, that is still to be carried out, or None."""
    return session.scalar(_OPEN, {"contact": contact.id})


def ask_to_be_erased(session: Session, settings: Settings, contact: Contact) -> ErasureWish:
    """Let a contact be erased in a day: follow-ups stop now, and a mail says how to take it back.

    The caller holds the contact's row. A second time changes nothing.
    """
    found = open_wish(session, contact)
    if found is not None:
        return found
    now = clock.now()
    wish = ErasureWish(contact_id=contact.id, asked_at=now, due_at=now + A_DAY)
    session.add(wish)
    session.flush()
    stop_for_contact(session, contact.id, REASON)
    due = zones.written(wish.due_at, by_their_clock(settings, contact))
    sentence = f"Asked to be erased. It happens on {zones.written(wish.due_at, settings.institute_zone)}."
    record(session, contact.id, ActivityKind.ERASURE_ASKED, sentence, actor=Actor.VISITOR)
    mails.send(
        session, settings, contact, "erasure-asked", f"wish:{wish.id}", due=due, stay_url=stay_url(settings, wish)
    )
    return wish


def stay_url(settings: Settings, wish: ErasureWish) -> str:
    """Return the address at which a wish to be erased is taken back."""
    return f"{settings.public_url}/me/stay/{Signer(settings.secret_key, _STAY).sign(wish.id)}"


def wish_of_token(session: Session, settings: Settings, token: str) -> ErasureWish | None:
    """Return the wish that a token takes back, or None for any other token."""
    try:
        wish_id = Signer(settings.secret_key, _STAY).read(token)
    except BadToken:
        return None
    return session.get(ErasureWish, wish_id) if type(wish_id) is int else None


def take_back(session: Session, settings: Settings, contact: Contact) -> bool:
    """Take back the wish to be erased, and let the follow-ups go on that it stopped; returns False without one.

    The caller holds the contact's row.
    """
    wish = open_wish(session, contact)
    if wish is None or contact.erased_at is not None:
        return False
    wish.cancelled_at = clock.now()
    session.flush()
    sentence = "Took back the wish to be erased."
    record(session, contact.id, ActivityKind.ERASURE_TAKEN_BACK, sentence, actor=Actor.VISITOR)
    take_up_again(session, settings, contact.id, REASON)
    return True


def carry_out(db: Database, settings: Settings) -> int:
    """Erase those whose day to think again is over; returns how many. Any number of workers may run at once.

    Who gets a mail at this very moment is erased the next time; whom staff erased earlier is done.
    """
    with db.read() as session:
        due = (ErasureWish.cancelled_at.is_(None), ErasureWish.done_at.is_(None), ErasureWish.due_at <= clock.now())
        ids = session.scalars(select(ErasureWish.id).where(*due).order_by(ErasureWish.due_at)).all()
    return sum(_carry_out(db, settings, wish_id) for wish_id in ids)


def _carry_out(db: Database, settings: Settings, wish_id: int) -> bool:
    try:
        with db.write() as session:
            contact = locked(session, session.get_one(ErasureWish, wish_id).contact_id)
            wish = session.get_one(ErasureWish, wish_id, populate_existing=True)
            if wish.cancelled_at is not None or wish.done_at is not None:
                return False
            wish.done_at = clock.now()
            session.flush()
            if contact.erased_at is not None:
                return False
            keys = address_keys(session, [contact.id, *shells_of(session, contact.id)])
            erase(session, contact.id, None)
            forget_in_files(session, settings, keys)
            return True
    except Refusal as refusal:
        log.info("erasure_waits", wish=wish_id, why=str(refusal))
        return False


def erased_by_wish(session: Session, erasure: Erasure) -> bool:
    """Return whether an erasure carried out somebody's own wish; one by staff before its day ends it afterwards."""
    ids = [erasure.contact_id, *shells_of(session, erasure.contact_id)]
    carried_out = (ErasureWish.contact_id.in_(ids), ErasureWish.done_at <= erasure.at)
    return session.scalar(select(ErasureWish.id).where(*carried_out).limit(1)) is not None


def due_of(session: Session, contact: Contact) -> datetime | None:
    """Return when a contact is erased by their own wish, or None."""
    wish = open_wish(session, contact)
    return None if wish is None else wish.due_at
