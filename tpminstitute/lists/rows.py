"""The rows of a list: what a contact's line may show, and the columns that one chooses from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import ConsentStanding, Contact, ContactCard, ContactTag, FollowUps, Origin
from tpminstitute.contacts.topics import topics_of
from tpminstitute.inbox.models import Turn
from tpminstitute.pipeline.models import Stage


class Column(StrEnum):
    """What a line may show beside the name."""

    EMAIL = "email"
    PHONE = "phone"
    STAGE = "stage"
    OWNER = "owner"
    TOPIC = "topic"
    TAGS = "tags"
    SOURCE = "source"
    CONSENT = "consent"
    TURN = "turn"
    FOLLOW_UPS = "follow_ups"
    TOUCHED = "touched"
    SEEN = "seen"


COLUMN_LABELS = {
    Column.EMAIL: "E-mail",
    Column.PHONE: "Phone",
    Column.STAGE: "Stage",
    Column.OWNER: "Looked after by",
    Column.TOPIC: "Topic",
    Column.TAGS: "Tags",
    Column.SOURCE: "Came by",
    Column.CONSENT: "Consent",
    Column.TURN: "Whose turn",
    Column.FOLLOW_UPS: "Follow-ups",
    Column.TOUCHED: "Last touch",
    Column.SEEN: "First seen",
}

USUAL = (Column.EMAIL, Column.STAGE, Column.OWNER, Column.TOPIC, Column.TAGS, Column.TOUCHED)
"""What a list shows until somebody chooses."""


@dataclass(frozen=True)
class Row:
    """One contact as a line of the list."""

    id: int
    public_id: str
    name: str
    email: str
    phone: str
    stage: str
    owner: str
    topic: str
    tags: tuple[str, ...]
    source: Origin
    consent: ConsentStanding
    turn: Turn
    follow_ups: FollowUps
    touched_at: datetime
    seen_at: datetime


def read_columns(words: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns that are named, in the order in which they stand on the page; unknown ones are passed over."""
    return tuple(column for column in Column if column.value in words)


def rows_of(session: Session, ids: Sequence[int]) -> list[Row]:
    """Return the lines of these contacts, in their order; one that is gone by now has none."""
    found = session.execute(
        select(Contact, ContactCard, Stage.name, Account.name)
        .join(ContactCard, ContactCard.contact_id == Contact.id)
        .outerjoin(Stage, Stage.id == ContactCard.stage_id)
        .outerjoin(Account, Account.id == ContactCard.owner_id)
        .where(Contact.id.in_(ids))
    ).all()
    tags, topics = _tags_of(session, ids), topics_of(session)
    rows = {
        contact.id: Row(
            contact.id,
            contact.public_id,
            contact.name,
            contact.email,
            contact.phone_typed,
            stage or "",
            owner or "",
            topics.label(card.topic) if card.topic else "",
            tuple(tags.get(contact.id, ())),
            card.source,
            card.consent,
            Turn(card.turn),
            card.follow_ups,
            card.last_touch_at,
            card.first_seen_at,
        )
        for contact, card, stage, owner in found
    }
    return [rows[each] for each in ids if each in rows]


def _tags_of(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    tags = select(ContactTag.contact_id, ContactTag.tag).where(ContactTag.contact_id.in_(ids)).order_by(ContactTag.tag)
    for contact_id, tag in session.execute(tags):
        found.setdefault(contact_id, []).append(tag)
    return found
