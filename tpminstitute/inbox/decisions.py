"""What staff decide about a mail that waits for a look: the same person, somebody else, or nothing to do."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.service import add_address, locked
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.consequences import STRANGER, begin_by_mail, take_as_reply
from tpminstitute.inbox.matching import sender_of
from tpminstitute.inbox.models import ReceivedMail, Standing, Writer
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.sequences.pauses import resume_after
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

STALE = "This mail was decided on by now, perhaps a colleague was quicker. Nothing was changed."


def locked_mail(session: Session, public_id: str) -> ReceivedMail | None:
    """Return the received mail with that public id, locked until the transaction ends, or None."""
    return session.scalar(select(ReceivedMail).where(ReceivedMail.public_id == public_id).with_for_update())


def is_same_person(session: Session, settings: Settings, mail: ReceivedMail, account_id: int) -> None:
    """Believe that a stranger's mail is by the contact it is filed with: their address is kept, the mail is a reply.

    Raises `Refusal` when it was decided on before, when it is filed with nobody, or when the address is another's.
    """
    _expect_doubt(mail)
    sender = sender_of(mail.sender_email)
    if mail.contact_id is None or sender is None or mail.kind is not ReceivedKind.PERSON:
        raise Refusal("This mail can't be taken as a contact's: it names no sender. Nothing was changed.")
    contact = locked(session, mail.contact_id)
    add_address(session, contact, sender, account_id)
    sentence = f"Confirmed {sender.address} as an address of theirs."
    record(session, contact.id, ActivityKind.ADDRESS_CONFIRMED, sentence, account_id=account_id)
    _trust(mail)
    take_as_reply(session, settings, mail, contact)


def is_somebody_else(session: Session, settings: Settings, mail: ReceivedMail, account_id: int) -> None:
    """Say that a stranger's mail is by somebody of their own: it becomes their inquiry, and the follow-ups go on.

    Raises `Refusal` when it was decided on before or names no sender.
    """
    _expect_doubt(mail)
    sender = sender_of(mail.sender_email)
    if sender is None or mail.kind is not ReceivedKind.PERSON:
        raise Refusal("This mail names no sender who could be a contact. Nothing was changed.")
    if mail.contact_id is not None:
        contact = locked(session, mail.contact_id)
        sentence = "Decided that a mail that was filed here is by somebody else."
        record(session, contact.id, ActivityKind.ADDRESS_DENIED, sentence, account_id=account_id)
        resume_after(session, contact.id, STRANGER, "It was somebody else who answered.", account_id)
    _trust(mail)
    mail.contact_id = None
    session.flush()
    begin_by_mail(session, settings, mail, flagged=False, answerable=True)


def set_aside(session: Session, mail: ReceivedMail, account_id: int) -> None:
    """Say that there is nothing to do about a mail that waits for a look; raises `Refusal` when it doesn't wait."""
    _expect_doubt(mail)
    if mail.contact_id is not None:
        sentence = "Set aside a mail that waited for a look."
        record(session, mail.contact_id, ActivityKind.ADDRESS_DENIED, sentence, account_id=account_id)
        resume_after(session, mail.contact_id, STRANGER, "The mail was set aside.", account_id)
    _trust(mail)


def _expect_doubt(mail: ReceivedMail) -> None:
    if mail.standing is not Standing.DOUBTFUL or mail.writer is Writer.OURSELVES:
        raise Refusal(STALE)


def _trust(mail: ReceivedMail) -> None:
    mail.standing, mail.doubt = Standing.TRUSTED, ""
