"""Replies while they are being written: kept on the server as they are typed, one for each writer and contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, cast, delete, null, select, union_all
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Presence
from tpminstitute.contacts.presence import FRESH
from tpminstitute.core import clock, tokens
from tpminstitute.core.db import UtcDateTime
from tpminstitute.inbox.models import DeskReply, ReplyDraft
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.mail.personal import LONGEST

LONGEST_SUBJECT = 300
"""Characters of a subject as it is typed."""


@dataclass(frozen=True)
class Unsent:
    """A reply as it was typed; `nonce` is the same from its first letter until it is sent."""

    subject: str
    text: str
    nonce: str


@dataclass(frozen=True)
class Writing:
    """Who else has begun a reply, since when, and when the last letter of it was typed."""

    name: str
    since: datetime
    at: datetime


@dataclass(frozen=True)
class Beside:
    """Who else has a reply to a contact begun and not sent, the newest words first, and who has the page open now."""

    writing: Sequence[Writing]
    here: Sequence[str]


def keep_draft(session: Session, contact_id: int, account_id: int, unsent: Unsent) -> Unsent | None:
    """Keep a reply as it was typed, in place of what the same writer had typed before.

    An empty one is forgotten. What was sent already isn't kept once more; other words from the same page are another
    reply, and get a nonce of their own. Returns the reply as it is kept, or None when nothing is.
    """
    if not unsent.text.strip():
        drop_draft(session, contact_id, account_id)
        return None
    sent = _sent_as(session, unsent.nonce)
    if unsent.text in sent:
        return None
    kept = Unsent(
        unsent.subject[:LONGEST_SUBJECT],
        unsent.text[: 2 * LONGEST],  # more than can be sent, so that what is too long is kept as well
        tokens.public_id() if sent or not unsent.nonce else unsent.nonce,
    )
    _write(session, contact_id, account_id, kept)
    return kept


def draft_of(session: Session, contact_id: int, account_id: int) -> ReplyDraft | None:
    """Return the reply to a contact that a writer left unsent, or None."""
    return session.get(ReplyDraft, (contact_id, account_id), populate_existing=True)


def drop_draft(session: Session, contact_id: int, account_id: int, *, nonce: str | None = None) -> None:
    """Forget what a writer left unsent; with `nonce` only if it is that reply."""
    drop = delete(ReplyDraft).where(ReplyDraft.contact_id == contact_id, ReplyDraft.account_id == account_id)
    session.execute(drop if nonce is None else drop.where(ReplyDraft.nonce == nonce))


def add_to_draft(session: Session, contact_id: int, account_id: int, subject: str, text: str) -> None:
    """Put a text back into a writer's hands, above what they have begun since."""
    begun = draft_of(session, contact_id, account_id)
    rest = f"\n\n{begun.text}" if begun is not None and begun.text.strip() != text.strip() else ""
    _write(session, contact_id, account_id, Unsent(subject, text + rest, tokens.public_id()))


_WRITING = (
    select(Account.name, ReplyDraft.begun_at, ReplyDraft.at)
    .join(Account, Account.id == ReplyDraft.account_id)
    .where(ReplyDraft.contact_id == bindparam("contact"), ReplyDraft.account_id != bindparam("account"))
)
_HERE = (
    select(Account.name, cast(null(), UtcDateTime), Presence.at)
    .join(Account, Account.id == Presence.account_id)
    .where(
        Presence.contact_id == bindparam("contact"),
        Presence.account_id != bindparam("account"),
        Presence.at > bindparam("since"),
    )
)
_BESIDE = union_all(_WRITING, _HERE)


def beside(session: Session, contact_id: int, account_id: int) -> Beside:
    """Return who else works on a contact, or left a reply to them unfinished; asked in one statement."""
    whose = {"contact": contact_id, "account": account_id, "since": clock.now() - FRESH}
    writing: list[Writing] = []
    here: list[str] = []
    for name, begun_at, at in session.execute(_BESIDE, whose):
        if begun_at is None:
            here.append(name)
        else:
            writing.append(Writing(name, begun_at, at))
    return Beside(sorted(writing, key=lambda one: one.at, reverse=True), sorted(here))


def _sent_as(session: Session, nonce: str) -> Sequence[str]:
    """Return the texts that were sent under a nonce and stand."""
    return session.scalars(
        select(DeskReply.text)
        .join(Message, Message.id == DeskReply.message_id)
        .where(DeskReply.nonce == nonce, Message.status != MessageStatus.CANCELLED)
    ).all()


def _write(session: Session, contact_id: int, account_id: int, unsent: Unsent) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    now = clock.now()
    values = {"subject": unsent.subject, "text": unsent.text, "nonce": unsent.nonce, "at": now}
    session.execute(
        insert(ReplyDraft)
        .values(contact_id=contact_id, account_id=account_id, begun_at=now, **values)
        .on_conflict_do_update(index_elements=["contact_id", "account_id"], set_=values)
    )
