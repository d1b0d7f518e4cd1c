"""Mails by staff that come in: an answer to a notice goes on to the visitor, a copy to a dropbox is filed."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.identity import AddressError, EmailAddress, read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import Person, by_public_id, find_or_add, locked
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.inbox import conversations
from tpminstitute.inbox.answers import Answer, reply, touch
from tpminstitute.inbox.dropboxes import owner_of_dropbox
from tpminstitute.inbox.matching import FORGED, own_addresses
from tpminstitute.inbox.models import ReceivedMail, Standing, Writer
from tpminstitute.mail.incoming.model import ReadMail, ReceivedKind
from tpminstitute.mail.personal import ReplyError
from tpminstitute.mail.reply_addresses import Purpose, Tag
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

NOT_STAFF = (
    "It answers a notice, but from an address that is no staff member's. It was not sent on: "
    "if it is a colleague's, copy it into a reply."
)

ERASED = "It answers a notice about a person who was erased since: there is no address to send it on to."

_MOST_FILED = 20
"""Contacts that one copied mail is filed with."""


def take_from_staff(
    session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail, tags: Sequence[Tag]
) -> bool:
    """Take in a mail to one of the staff's signed addresses.

    Returns False when it isn't theirs (a visitor who answered to all), and is to be taken as any other mail.
    """
    for tag in tags:
        if tag.purpose is Purpose.STAFF:
            _answer_notice(session, settings, row, mail, tag)
            return True
        if tag.purpose is Purpose.DROPBOX:
            owner = owner_of_dropbox(session, tag.subject)
            if owner is not None and _wrote(settings, mail, owner):
                _file(session, settings, row, mail, owner)
                return True
    return False


def _answer_notice(session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail, tag: Tag) -> None:
    contact = by_public_id(session, tag.subject) if tag.genuine else None
    if contact is None:
        row.standing, row.doubt = Standing.DOUBTFUL, FORGED
        return
    if contact.gone:
        row.standing, row.doubt = Standing.DOUBTFUL, ERASED
        return
    contact = locked(session, contact.id)
    row.contact_id = contact.id
    account = _staff_account(session, mail)
    if account is None and not _is_institute(settings, mail):
        _wait(session, row, contact, NOT_STAFF)
        return
    row.writer, row.account_id = Writer.STAFF, account.id if account else None
    if mail.kind is not ReceivedKind.PERSON:
        return
    try:
        reply(session, settings, contact, Answer(key=f"mail:{row.fingerprint}", text=mail.words, account=account))
    except ReplyError as refusal:
        _wait(session, row, contact, f"It was not sent on. {refusal}")


def _wait(session: Session, row: ReceivedMail, contact: Contact, doubt: str) -> None:
    row.standing, row.doubt = Standing.DOUBTFUL, doubt
    sentence = f"An answer to a notice waits for a look. {doubt}"
    record(session, contact.id, ActivityKind.STRANGER_WROTE, sentence)
    conversations.waits_for_institute(session, contact.id)


def _file(session: Session, settings: Settings, row: ReceivedMail, mail: ReadMail, owner: Account) -> None:
    """File a copy with everybody it was sent to; who isn't known yet becomes a contact."""
    row.writer, row.account_id = Writer.STAFF, owner.id
    if mail.kind is not ReceivedKind.PERSON:
        return
    readers = _readers(session, settings, mail)
    for reader in readers:
        contact = find_or_add(session, Person(reader.address.partition("@")[0], reader))
        row.contact_id = row.contact_id or contact.id
        sentence = f"Wrote from their own mail program: “{one_line(mail.subject, 120) or 'without a subject'}”."
        touch(session, settings, contact, owner, sentence, ActivityKind.STAFF_MAIL_FILED)
    if not readers:
        row.standing, row.doubt = Standing.DOUBTFUL, "It was copied to a dropbox, and names nobody it was sent to."


def _readers(session: Session, settings: Settings, mail: ReadMail) -> list[EmailAddress]:
    """Return whom a copied mail was sent to, in an order that keeps two such mails from waiting for each other."""
    ours = own_addresses(settings) | {mail.sender.email.lower()}
    ours.update(session.scalars(select(Account.email)))
    tagged = settings.reply_address.lower().partition("@")[0] + "+"
    found: dict[str, EmailAddress] = {}
    for recipient in mail.recipients:
        try:
            address = read_email(recipient)
        except AddressError:
            continue
        if address.key not in ours and not address.key.startswith(tagged):
            found[address.key] = address
    return [found[key] for key in sorted(found)][:_MOST_FILED]


def _staff_account(session: Session, mail: ReadMail) -> Account | None:
    """Return the account of whoever wrote, if they may act for the institute."""
    return session.scalar(
        select(Account).where(Account.email == mail.sender.email.lower(), Account.active, Account.role != Role.READER)
    )


def _wrote(settings: Settings, mail: ReadMail, owner: Account) -> bool:
    return mail.sender.email.lower() == owner.email or _is_institute(settings, mail)


def _is_institute(settings: Settings, mail: ReadMail) -> bool:
    return mail.sender.email.lower() in own_addresses(settings)
