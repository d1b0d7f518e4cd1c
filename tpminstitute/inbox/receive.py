"""Take a mail in, whatever door it came through: read it, store it once, and do what it asks for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, make_transient_to_detached

from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.inbox.consequences import follow, is_copy_of_ours
from tpminstitute.inbox.contents import keep_content
from tpminstitute.inbox.matching import own_addresses
from tpminstitute.inbox.models import Door, ReceivedMail, Standing, Writer
from tpminstitute.mail.incoming.model import Mailbox, ReadMail, ReceivedKind
from tpminstitute.mail.incoming.read import read_mail

log = structlog.get_logger(__name__)

LARGEST = 25 * 1024 * 1024
"""Octets of a mail that are kept; of a larger one it is the beginning, and that is said."""

TOO_LARGE = "The mail was larger than 25 MB. Its beginning was kept; the files in it may be cut off."

_ID_LIMIT = 500
_MOST_REFERENCES = 50
_TEXT_LIMIT = 1_000_000


_STORE = {
    name: dialect.insert(ReceivedMail.__table__)
    .on_conflict_do_nothing(index_elements=["fingerprint"])
    .returning(ReceivedMail.id)
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
}
"""Made once for each database, on the table: a statement of this size costs more to build than to run, and having the
row read back by the ORM costs as much again."""


@dataclass(frozen=True)
class Incoming:
    """A mail as it arrived. `recipients` are the addresses it was delivered to, where the door knows them."""

    content: bytes
    door: Door
    recipients: Sequence[str] = ()
    arrived_at: datetime | None = None


@dataclass(frozen=True)
class Receipt:
    """What became of a mail: the public id it is kept under, or None for a copy of one that we sent ourselves.

    `first` is False when it had been stored before.
    """

    public_id: str | None
    first: bool


def receive(db: Database, settings: Settings, incoming: Incoming) -> Receipt:
    """Read a mail, store it once, and do what it causes, in one transaction.

    Once this returns, the mail is kept, and the door may tell whoever brought it. A mail that can't be taken in as
    what it is, is kept as it came and shown to staff, so that it never stops the ones behind it.
    Raises what the database raises when it can't be reached: then nothing was stored, and the mail must be brought
    again.
    """
    mail = _read(settings, incoming)
    try:
        with db.write() as session:
            return _take_in(session, settings, incoming, mail)
    except OperationalError:
        raise
    except (SQLAlchemyError, ValueError, TypeError, LookupError) as problem:
        log.exception("mail_kept_unread", message_id=mail.message_id)
        return _keep_unread(db, incoming, mail, problem)


def fingerprint(mail: ReadMail, content: bytes) -> str:
    """Return what is the same for one mail whatever way it came, and differs for two with the same Message-ID.

    Servers add headers, change line ends and encode bodies anew on the way; what was written stays. A mail that bears
    neither a Message-ID nor a text is told from others by its bytes, `content`.
    """
    if not mail.message_id and not mail.text.strip():
        return hashlib.sha256(content).hexdigest()
    sent = mail.sent_at.isoformat() if mail.sent_at else ""
    parts = [mail.message_id, mail.sender.email.lower(), mail.subject, sent, " ".join(mail.text.split())]
    parts += [f"{attachment.name}:{attachment.size}" for attachment in mail.attachments]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _read(settings: Settings, incoming: Incoming) -> ReadMail:
    ours = own_addresses(settings) | {settings.reply_address.lower()}
    mail = read_mail(incoming.content[:LARGEST], ours=ours - {""})
    recipients = tuple(dict.fromkeys([*incoming.recipients, *mail.recipients]))
    problems = (*mail.problems, TOO_LARGE) if len(incoming.content) > LARGEST else mail.problems
    return replace(mail, recipients=recipients, problems=problems)


def _take_in(session: Session, settings: Settings, incoming: Incoming, mail: ReadMail) -> Receipt:
    if is_copy_of_ours(session, settings, mail):
        return Receipt(None, first=False)
    row = _store(session, incoming, mail)
    if row is None:
        earlier = select(ReceivedMail.public_id).where(ReceivedMail.fingerprint == fingerprint(mail, incoming.content))
        return Receipt(session.scalars(earlier).one(), first=False)
    keep_content(session, row, incoming.content[:LARGEST], mail.attachments)
    follow(session, settings, row, mail)
    return Receipt(row.public_id, first=True)


def _store(session: Session, incoming: Incoming, mail: ReadMail) -> ReceivedMail | None:
    """Write the mail's row, or return None when it was stored before."""
    values = {
        "public_id": tokens.public_id(),
        "fingerprint": fingerprint(mail, incoming.content),
        "door": incoming.door,
        "kind": mail.kind,
        "writer": Writer.VISITOR,
        "standing": Standing.TRUSTED,
        "doubt": "",
        "message_id": mail.message_id[:_ID_LIMIT],
        "refers_to": [reference[:_ID_LIMIT] for reference in mail.refers_to[:_MOST_REFERENCES]],
        "sender_name": mail.sender.name,
        "sender_email": mail.sender.email,
        "recipients": list(mail.recipients[:_MOST_REFERENCES]),
        "subject": mail.subject,
        "words": mail.words[:_TEXT_LIMIT],
        "text": mail.text[:_TEXT_LIMIT],
        "problems": list(mail.problems),
        "sent_at": mail.sent_at,
        "received_at": clock.now(),
        "return_on": mail.return_on,
        "contact_id": None,
        "answers_id": None,
        "inquiry_id": None,
        "account_id": None,
    }
    mail_id = session.connection().execute(_STORE[session.get_bind().dialect.name], values).scalar_one_or_none()
    return None if mail_id is None else _as_stored(session, ReceivedMail(id=mail_id, **values))


def _as_stored(session: Session, row: ReceivedMail) -> ReceivedMail:
    """Let the session look after a row that is in the table as it is here."""
    make_transient_to_detached(row)
    session.add(row)
    return row


def _keep_unread(db: Database, incoming: Incoming, mail: ReadMail, problem: Exception) -> Receipt:
    """Keep a mail that broke what reads it: its bytes, and a row that waits for a person."""
    digest = hashlib.sha256(incoming.content).hexdigest()
    bare = ReadMail(
        kind=ReceivedKind.PERSON,
        message_id=digest,
        sender=Mailbox("", mail.sender.email.encode("ascii", "replace").decode("ascii")[:_ID_LIMIT]),
        reply_to="",
        recipients=(),
        subject="A mail that could not be read",
        sent_at=None,
        refers_to=(),
        references=(),
        text="",
        passages=(),
        html="",
        answerable=False,
    )
    with db.write() as session:
        row = _store(session, incoming, bare)
        if row is None:
            return Receipt(None, first=False)
        row.standing = Standing.DOUBTFUL
        row.doubt = (
            f"It could not be taken in as usual ({type(problem).__name__}). It is kept as it came: open it whole."
        )
        keep_content(session, row, incoming.content[:LARGEST], ())
        return Receipt(row.public_id, first=True)
