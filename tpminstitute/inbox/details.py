"""Who a contact is, in staff's words: changed without overwriting a colleague, and put in by hand."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.service import Person, add_address, find_or_add, locked_by_address
from tpminstitute.contacts.time_zones import find_zone, is_news, keep_time_zone
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.models import SuppressionReason
from tpminstitute.mail.readdressing import readdress_waiting
from tpminstitute.mail.suppression import suppress, suppression_of
from tpminstitute.pipeline.service import open_lead
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record


@dataclass(frozen=True)
class Details:
    """Who somebody is: a name, an address that was read, and a phone number as typed and, if it is one, in E.164."""

    name: str
    email: EmailAddress
    phone_typed: str = ""
    phone_e164: str | None = None


class StaleContact(Refusal):
    """A colleague changed who the contact is in the meantime."""

    def __init__(self) -> None:
        """Say what was kept, and what to do."""
        super().__init__(
            "A colleague changed who they are while you were typing. Nothing was saved, and what you typed is still "
            "here. Look at both, then save again to put yours in place of theirs."
        )


class Known(Refusal):
    """There is a contact with that address already: `public_id` is whose page it is."""

    def __init__(self, public_id: str) -> None:
        """Say so."""
        super().__init__("There is a contact with this address already. Nothing was added.")
        self.public_id = public_id


def change_details(
    session: Session, settings: Settings, contact: Contact, details: Details, number: int, account_id: int
) -> bool:
    """Change who a contact is; returns False when they are called so already.

    The caller holds the contact's row. An address that is replaced stays theirs as a further one. Who unsubscribed
    stays unsubscribed at the new address, and mails that wait go there.
    Parameters: `number`, that of the contact as the writer saw it.
    Raises `StaleContact`, and `Refusal` for an address that is another contact's.
    """
    changed = _differences(contact, details)
    if not changed:
        return False
    if contact.number != number:
        raise StaleContact
    if contact.email_key != details.email.key:
        move_address(session, settings, contact, details.email, account_id)
    contact.name, contact.email, contact.email_key = details.name, details.email.address, details.email.key
    if contact.phone_typed != details.phone_typed:  # else what a visitor's own country made of it stays
        contact.phone_typed, contact.phone_e164 = details.phone_typed, details.phone_e164
    contact.number = number + 1
    session.flush()
    zone = find_zone("", contact.phone_e164)
    if zone is not None and is_news(contact, zone):
        keep_time_zone(session, contact.id, zone)
    sentence = f"Changed who they are: {', '.join(changed)}."
    record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, account_id=account_id)
    return True


def add_by_hand(session: Session, details: Details, account_id: int) -> Contact:
    """Put somebody in who didn't write, such as a caller, with a lead; returns the contact.

    Raises `Known` when the address is a contact's already.
    """
    known = locked_by_address(session, details.email.key)
    if known is not None:
        raise Known(known.public_id)
    contact = find_or_add(session, Person(details.name, details.email, details.phone_typed, details.phone_e164))
    record(session, contact.id, ActivityKind.CONTACT_ADDED, "Put in by hand.", account_id=account_id)
    open_lead(session, contact.id)
    return contact


def move_address(
    session: Session, settings: Settings, contact: Contact, email: EmailAddress, account_id: int | None
) -> None:
    """Let mails to a contact go to another address from now on; the former one stays theirs as a further one.

    The caller holds the contact's row. Who unsubscribed stays unsubscribed at the new address. What waits to be sent to
    the former one goes to the new one.
    Parameters: `account_id`, who of the staff does it; None if the contact proved the address.
    Raises `Refusal` for an address that is another contact's.
    """
    holder = locked_by_address(session, email.key)
    if holder is not None and holder.id != contact.id:
        raise Refusal(f"{email.address} belongs to another contact already. Nothing was changed.")
    session.execute(
        delete(ContactAddress).where(ContactAddress.contact_id == contact.id, ContactAddress.email_key == email.key)
    )
    former = EmailAddress(contact.email, contact.email_key)
    closed = suppression_of(session, contact.email_key)
    if closed is not None and closed.reason is SuppressionReason.OPT_OUT:
        suppress(session, email.key, SuppressionReason.OPT_OUT, "Unsubscribed under a former address.", account_id)
    contact.email, contact.email_key = email.address, email.key
    session.flush()
    kept = select(ContactAddress.id).where(ContactAddress.email_key == former.key)
    if session.scalar(kept) is None:
        add_address(session, contact, former, account_id)
    for mail in readdress_waiting(session, settings, contact, former.key):
        sentence = f"{mail} waited to be sent, and goes to the new address."
        record(session, contact.id, ActivityKind.MAIL_REQUEUED, sentence, actor=Actor.VISITOR, account_id=account_id)


def _differences(contact: Contact, details: Details) -> list[str]:
    found = []
    if contact.name != details.name:
        found.append(f"the name was “{contact.name}”")
    if contact.email != details.email.address:
        found.append(f"the address was {contact.email}")
    if contact.phone_typed != details.phone_typed:
        found.append(f"the phone number was {contact.phone_typed or 'not known'}")
    return found
