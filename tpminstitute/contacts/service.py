"""Find or make the contact behind an address."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock, tokens


@dataclass(frozen=True)
class Person:
    """What somebody says of themselves."""

    name: str
    email: EmailAddress
    phone_typed: str = ""
    phone_e164: str | None = None


def find_or_add(session: Session, person: Person) -> Contact:
    """Return the contact with the person's address, made now if it is new, locked until the transaction ends.

    What is already known is never overwritten by a form that anybody can fill in; gaps are filled.
    """
    _add_if_new(session, person)
    contact = session.scalars(
        select(Contact).where(Contact.email_key == person.email.key).with_for_update(key_share=True)
    ).one()
    if person.phone_typed and not contact.phone_typed:
        session.execute(
            update(Contact)
            .where(Contact.id == contact.id)
            .values(phone_typed=person.phone_typed, phone_e164=person.phone_e164)
        )
    return contact


def by_public_id(session: Session, public_id: str) -> Contact | None:
    """Return the contact with that public id, or None."""
    return session.scalar(select(Contact).where(Contact.public_id == public_id))


def _add_if_new(session: Session, person: Person) -> None:
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
        )
        .on_conflict_do_nothing(index_elements=["email_key"])
    )
