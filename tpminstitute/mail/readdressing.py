"""Mails that wait while their reader's address changes: they go to the new one, and what closes that one holds."""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, not_, or_, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ContactAddress
from tpminstitute.contacts.own_links import own_form, own_url, read_own_link
from tpminstitute.core import clock, jobs
from tpminstitute.core.config import Settings
from tpminstitute.mail.compose import ComposeError, readdressed
from tpminstitute.mail.models import Message, MessageKind, MessageStatus, Suppression, SuppressionReason
from tpminstitute.mail.outbox import UNSENT, describe
from tpminstitute.mail.suppression import closed_to_this_message

FOLLOWS = (MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP, MessageKind.REPLY, MessageKind.PUBLICATION)
"""What is for the person. A mail about their own data, or of answers to a comment, is for the address it was asked for
with; any other goes to the institute's own people."""


def readdress_waiting(session: Session, settings: Settings, contact: Contact, former_key: str) -> Sequence[str]:
    """Let the mails that wait for a contact's former address go to their address of today; returns what they are.

    The caller holds the contact's row and has written the new address to it: so nobody waits here for a worker that
    waits for that row. A worker that holds one of the mails finds out before it sends the content; one that it is
    looking at in this very moment goes where it was to go. What the person wanted no more at the former address
    isn't sent to the new one either; that mail to the former one came back says nothing about the new one.
    """
    waiting = session.scalars(
        select(Message)
        .where(
            Message.contact_id == contact.id,
            Message.recipient_key == former_key,
            Message.kind.in_(FOLLOWS),
            Message.status.in_(UNSENT),
            or_(not_(closed_to_this_message()), _came_back(former_key)),
        )
        .order_by(Message.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for message in waiting:
        if message.status is MessageStatus.CLAIMED:
            message.status, message.lease_token, message.lease_until = MessageStatus.QUEUED, None, None
        if message.attempts:
            message.attempts, message.due_at, message.reason = 0, clock.now(), ""
        try:
            readdress(settings, message, contact)
        except ComposeError as problem:
            message.status, message.reason = MessageStatus.FAILED, str(problem)
    session.flush()
    if waiting:
        jobs.hint(session, jobs.Job.DELIVER)
    return [describe(message.kind, message.subject) for message in waiting]


def was_left_since(session: Session, contact: Contact, email_key: str, moment: datetime) -> bool:
    """Return whether an address of a contact's became a further one after `moment`: another took its place."""
    later = (ContactAddress.contact_id == contact.id, ContactAddress.at >= moment)
    return session.scalar(select(ContactAddress.id).where(ContactAddress.email_key == email_key, *later)) is not None


def has_moved(session: Session, message: Message, contact: Contact) -> bool:
    """Return whether a mail was written to what was its contact's address then and isn't any more."""
    return message.kind in FOLLOWS and was_left_since(session, contact, message.recipient_key, message.created_at)


def readdress(settings: Settings, message: Message, contact: Contact) -> None:
    """Let an unsent mail go to its contact's address of today, with links of today to what is held about them.

    What a person decided about sending to the former address, though it is closed, isn't decided about this one.
    Raises `ComposeError` for an address that no mail can be made for.
    """
    own = own_url(settings, contact.public_id)
    content = readdressed(message.content, contact.email, lambda text: _renewed(settings, contact, own, text))
    message.recipient, message.recipient_key = contact.email, contact.email_key
    message.recipient_domain = contact.email_key.rpartition("@")[2]
    message.despite_closed = False
    message.content = content


def _came_back(email_key: str) -> ColumnElement[bool]:
    return exists().where(Suppression.email_key == email_key, Suppression.reason == SuppressionReason.HARD_BOUNCE)


def _renewed(settings: Settings, contact: Contact, own: str, text: str) -> str:
    """Return `text` with `own` in place of the contact's own links: those in former mails may be void."""

    def renewed(match: re.Match[str]) -> str:
        link = read_own_link(settings, match["token"])
        return own if link and link.public_id == contact.public_id else match[0]

    return re.sub(rf"{re.escape(own_form(settings))}/(?P<token>[\w.-]+)", renewed, text)
