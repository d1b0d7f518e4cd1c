"""Find or make the contact behind an address."""

from dataclasses import dataclass

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.time_zones import FoundZone, find_zone, is_news, keep_time_zone
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal

_BY_ADDRESS = (
    select(Contact)
    .where(
        or_(
            Contact.email_key == bindparam("key"),
            Contact.id.in_(select(ContactAddress.contact_id).where(ContactAddress.email_key == bindparam("key"))),
        )
    )
    .order_by(Contact.email_key != bindparam("key"))
    .limit(1)
)
_LOCKED_BY_ADDRESS = _BY_ADDRESS.with_for_update(key_share=True)
"""Made once: it is asked of every mail that comes in."""


@dataclass(frozen=True)
class Person:
    """What somebody says of themselves; `time_zone` is what their browser says, any text."""

    name: str
    email: EmailAddress
    phone_typed: str = ""
    phone_e164: str | None = None
    time_zone: str = ""


def find_or_add(session: Session, person: Person) -> Contact:
    """Return the contact with the person's address, made now if it is new, locked until the transaction ends.

    What is already known is never overwritten by a form that anybody can fill in; gaps are filled. Only of the time
    zone the newest browser counts, unless staff set it: people move, and the worst is a mail at an odd hour.
    An address that seems new is looked for twice: who waited for a merge to end finds it with the one that remains.
    """
    zone = find_zone(person.time_zone, person.phone_e164)
    contact = locked_by_address(session, person.email.key) or locked_by_address(session, person.email.key)
    if contact is None:
        _add_if_new(session, person, zone)
        contact = session.scalars(
            select(Contact).where(Contact.email_key == person.email.key).with_for_update(key_share=True)
        ).one()
    if person.phone_typed and not contact.phone_typed:
        session.execute(
            update(Contact)
            .where(Contact.id == contact.id)
            .values(phone_typed=person.phone_typed, phone_e164=person.phone_e164)
        )
    if zone is not None and is_news(contact, zone):
        keep_time_zone(session, contact.id, zone)
    return contact


def by_address(session: Session, email_key: str) -> Contact | None:
    """Return the contact with that address, their own or a further one, or None."""
    return session.scalar(_BY_ADDRESS, {"key": email_key})


def locked_by_address(session: Session, email_key: str) -> Contact | None:
    """Return the contact with that address, their own or a further one, locked until the transaction ends, or None."""
    return session.scalar(_LOCKED_BY_ADDRESS, {"key": email_key})


def locked(session: Session, contact_id: int) -> Contact:
    """Return a contact, locked until the transaction ends; for one that was merged, the one that remains."""
    found = session.scalars(
        select(Contact)
        .where(Contact.id == contact_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    return found if found.merged_into_id is None else locked(session, found.merged_into_id)


def knows_address(session: Session, contact: Contact, email_key: str) -> bool:
    """Return whether an address is the contact's own, or a further one that a staff member confirmed."""
    further = select(ContactAddress.id).where(
        ContactAddress.contact_id == contact.id, ContactAddress.email_key == email_key
    )
    return contact.email_key == email_key or session.scalar(further) is not None


def add_address(session: Session, contact: Contact, email: EmailAddress, account_id: int | None) -> None:
    """Keep a further address of a contact; raises `Refusal` when it is somebody's already.

    Parameters: `account_id`, who of the staff confirmed it; None if its owner proved it.
    """
    holder = locked_by_address(session, email.key)
    if holder is not None and holder.id != contact.id:
        raise Refusal(f"{email.address} belongs to another contact already. Nothing was changed.")
    if holder is None:
        now = clock.now()
        confirmed = {"account_id": account_id, "at": now, "proved_at": now if account_id is None else None}
        session.add(ContactAddress(contact_id=contact.id, email=email.address, email_key=email.key, **confirmed))
        session.flush()


_BY_PUBLIC_ID = select(Contact).where(Contact.public_id == bindparam("public_id"))


def by_public_id(session: Session, public_id: str) -> Contact | None:
    """Return the contact with that public id, or None; for one that was merged, the one that remains."""
    found = session.scalar(_BY_PUBLIC_ID, {"public_id": public_id})
    while found is not None and found.merged_into_id is not None:
        found = session.get_one(Contact, found.merged_into_id)
    return found


def _add_if_new(session: Session, person: Person, zone: FoundZone | None) -> None:
    dialect = session.get_bind().dialect.name
    insert_or_ignore = postgresql.insert if dialect == "postgresql" else sqlite.insert
    session.execute(
        insert_or_ignore(Contact)
        .values(
            public_id=tokens.public_id(),
            email=person.email.address,
            email_key=person.email.key,
            name=person.name,
            phone_typed=person.phone_typed,
            phone_e164=person.phone_e164,
            first_seen_at=clock.now(),
            time_zone=zone.name if zone else None,
            time_zone_source=zone.source if zone else None,
        )
        .on_conflict_do_nothing(index_elements=["email_key"])
    )
