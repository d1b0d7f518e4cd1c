"""Who is at the door with a link to their own data, and what it opens.

A link stands in every mail to a person, and mails are forwarded. So it opens only what was sent to that address
anyway, and small things that do no harm; everything else takes a link that was asked for and is at most an hour old.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.own_links import OwnLink, read_own_link
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.privacy.models import VoidedLinks

LASTS = timedelta(days=90)
"""How long a link in a mail opens the page."""

OPENS_ALL = timedelta(hours=1)
"""How long a link that was asked for opens everything."""


class Closed(StrEnum):
    """Why a link doesn't open what it is used for: none of ours, too old or made void, of somebody who was erased, or
    not asked for within the last hour."""

    UNKNOWN = "unknown"
    OVER = "over"
    ERASED = "erased"
    NOT_FRESH = "not_fresh"


@dataclass(frozen=True)
class Opened:
    """Whose page a link opens; `all` says whether it opens everything, `until` how long it does."""

    contact: Contact
    made_at: datetime
    all: bool
    until: datetime


def open_link(
    session: Session, settings: Settings, token: str, *, lock: bool = False, all: bool = False
) -> Opened | Closed:
    """Return what a token opens, or why it opens nothing; that of a merged contact opens the one that remains.

    Parameters: `lock`, whether the contact's row is held until the transaction ends; `all`, whether it is used for
    something that only a link opens that opens everything.
    """
    link = read_own_link(settings, token)
    whose = session.scalar(select(Contact).where(Contact.public_id == link.public_id)) if link else None
    if link is None or whose is None:
        return Closed.UNKNOWN
    contact = locked(session, whose.id) if lock else remaining(session, whose)
    if contact.erased_at is not None:
        return Closed.ERASED
    if not _holds(session, link, [whose.id, contact.id]):
        return Closed.OVER
    until = link.made_at + OPENS_ALL
    fresh = link.asked_for and clock.now() <= until
    return Closed.NOT_FRESH if all and not fresh else Opened(contact, link.made_at, fresh, until)


def void_links(session: Session, contact: Contact, before: datetime) -> None:
    """Let every link to a contact's data that was made before that moment open nothing any more."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(VoidedLinks).values(contact_id=contact.id, before=before)
    session.execute(row.on_conflict_do_update(index_elements=["contact_id"], set_={"before": row.excluded.before}))


def is_void(session: Session, ids: list[int], made_at: datetime) -> bool:
    """Return whether links of contacts with one of `ids` that were made at `made_at` were voided since."""
    found = select(VoidedLinks.contact_id).where(VoidedLinks.contact_id.in_(ids), VoidedLinks.before > made_at)
    return session.scalar(found.limit(1)) is not None


def _holds(session: Session, link: OwnLink, ids: list[int]) -> bool:
    return clock.now() - link.made_at <= LASTS and not is_void(session, ids, link.made_at)


def remaining(session: Session, contact: Contact) -> Contact:
    """Return the contact that remains of one that was merged, or the same."""
    while contact.merged_into_id is not None:
        contact = session.get_one(Contact, contact.merged_into_id)
    return contact
