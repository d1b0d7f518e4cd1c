"""How much automatic mail a contact got lately, so that nobody gets too much at once, whatever it is for."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.mail.models import WHOSE, Message, MessageKind, MessageStatus

AUTOMATIC = (MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP)
COUNTED = (
    MessageStatus.QUEUED,
    MessageStatus.CLAIMED,
    MessageStatus.SENDING,
    MessageStatus.HELD,
    MessageStatus.SENT,
    MessageStatus.UNCERTAIN,
)
"""Mails that arrived, may have, or will; one that was cancelled or failed troubled nobody."""


def automatic_mails(session: Session, settings: Settings, contact_ids: Collection[int]) -> dict[int, list[datetime]]:
    """Return when automatic mails went to contacts in the last FOLLOW_UP_DAYS days, by the contact's id, oldest first.

    A mail counts from when it was sent; one that waits in the outbox, from when it was written.
    """
    found: dict[int, list[datetime]] = {contact_id: [] for contact_id in contact_ids}
    at = func.coalesce(Message.sent_at, Message.created_at)
    mails = session.execute(
        select(WHOSE, Message.sent_at, Message.created_at)
        .where(
            Message.contact_id.in_(contact_ids),
            Message.kind.in_(AUTOMATIC),
            Message.status.in_(COUNTED),
            at > clock.now() - timedelta(days=settings.follow_up_days),
        )
        .order_by(at)
    )
    for contact_id, sent_at, created_at in mails:
        found[contact_id].append(sent_at or created_at)
    return found


def room_at(settings: Settings, mails: Sequence[datetime]) -> datetime | None:
    """Return when one more mail may go to somebody who got `mails` lately (oldest first), or None for now."""
    most = settings.follow_up_most
    if not most or len(mails) < most:
        return None
    return mails[-most] + timedelta(days=settings.follow_up_days)
