"""What is held of somebody who commented on the guide and is no contact: known by the address they left, no more."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.comments.models import CommentWriter
from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.exchange.forgetting import forget_in_files
from tpminstitute.own_page import mails
from tpminstitute.own_page.links import OPENS_ALL, Closed
from tpminstitute.own_page.times import A_DAY
from tpminstitute.privacy.erasing import erase_writer
from tpminstitute.privacy.models import WriterErasure

_OWN, _STAY = "me-writer", "me-writer-stay"


@dataclass(frozen=True)
class Writer:
    """Somebody who commented: their address, until when their link opens the page, and when they are forgotten by their
    own wish, if they are. `hears` is a comment of theirs about which answers are mailed, if there is one."""

    email: EmailAddress
    until: datetime
    due_at: datetime | None
    hears: CommentWriter | None


def newest_writer(session: Session, email_key: str) -> CommentWriter | None:
    """Return who wrote the newest comment with an address, or None."""
    theirs = select(CommentWriter).where(CommentWriter.email_key == email_key)
    return session.scalar(theirs.order_by(CommentWriter.comment_id.desc()).limit(1))


def writer_url(settings: Settings, writer: CommentWriter) -> str:
    """Return the address, made now, at which somebody sees what they commented; it opens for `OPENS_ALL`."""
    made_at = int(clock.now().timestamp() * 1000)
    return f"{settings.public_url}/me/comments/{Signer(settings.secret_key, _OWN).sign([writer.public_id, made_at])}"


def mail_writer(session: Session, settings: Settings, writer: CommentWriter) -> None:
    """Mail such a link to whoever wrote the comment."""
    to = EmailAddress(writer.email, writer.email_key)
    link_url = writer_url(settings, writer)
    mails.send_elsewhere(session, settings, None, "comments-link", tokens.secret(), to, link_url=link_url)


def open_writer(session: Session, settings: Settings, token: str) -> Writer | Closed:
    """Return whose comments a token opens, or why it opens none."""
    try:
        public_id, made = Signer(settings.secret_key, _OWN).read(token)
        made_at = datetime.fromtimestamp(made / 1000, UTC)
    except (BadToken, TypeError, ValueError, OverflowError, OSError):
        return Closed.UNKNOWN
    if clock.now() > made_at + OPENS_ALL:
        return Closed.OVER
    found = session.scalar(select(CommentWriter).where(CommentWriter.public_id == str(public_id)))
    if found is None:
        return Closed.ERASED
    asked = session.get(WriterErasure, found.email_key)
    hears = select(CommentWriter).where(CommentWriter.email_key == found.email_key, CommentWriter.wording != "")
    return Writer(
        EmailAddress(found.email, found.email_key),
        made_at + OPENS_ALL,
        asked.due_at if asked else None,
        session.scalar(hears.where(CommentWriter.ended_at.is_(None)).limit(1)),
    )


def ask_to_be_forgotten(session: Session, settings: Settings, writer: Writer) -> None:
    """Let all that is known by an address be erased in a day, and mail how to take it back; twice changes nothing."""
    now, email = clock.now(), writer.email
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"nonce": tokens.public_id(), "asked_at": now, "due_at": now + A_DAY}
    asked = insert(WriterErasure).values(email_key=email.key, email=email.address, **values)
    wish = session.scalar(asked.on_conflict_do_nothing(index_elements=["email_key"]).returning(WriterErasure))
    if wish is None:
        return
    due = zones.written(wish.due_at, settings.institute_zone)
    words = {"due": due, "stay_url": stay_url(settings, wish)}
    mails.send_elsewhere(session, settings, None, "comments-erasure-asked", wish.nonce, email, **words)


def stay_url(settings: Settings, wish: WriterErasure) -> str:
    """Return the address at which a wish to be forgotten is taken back."""
    return f"{settings.public_url}/me/comments/stay/{Signer(settings.secret_key, _STAY).sign(wish.nonce)}"


def wish_to_stay(session: Session, settings: Settings, token: str) -> WriterErasure | Closed | None:
    """Return the wish that a token takes back, None for one that is over, `Closed.UNKNOWN` for any other token."""
    try:
        nonce = Signer(settings.secret_key, _STAY).read(token)
    except BadToken:
        return Closed.UNKNOWN
    return session.scalar(select(WriterErasure).where(WriterErasure.nonce == str(nonce)))


def stay(session: Session, email_key: str) -> None:
    """Take back the wish to be forgotten; a second time changes nothing."""
    theirs = WriterErasure.email_key == email_key
    session.execute(delete(WriterErasure).where(theirs).execution_options(synchronize_session=False))


def forget_due(db: Database, settings: Settings) -> int:
    """Erase those whose day to think again is over; returns how many. Any number of workers may run at once."""
    with db.read() as session:
        due = select(WriterErasure.email_key).where(WriterErasure.due_at <= clock.now())
        keys = session.scalars(due.order_by(WriterErasure.due_at)).all()
    return sum(_forget(db, settings, key) for key in keys)


def _forget(db: Database, settings: Settings, email_key: str) -> bool:
    with db.write() as session:
        held = select(WriterErasure).where(WriterErasure.email_key == email_key, WriterErasure.due_at <= clock.now())
        wish = session.scalar(held.with_for_update())
        if wish is None:
            return False
        session.delete(wish)
        session.flush()
        erase_writer(session, email_key)
        forget_in_files(session, settings, [email_key])
        return True
