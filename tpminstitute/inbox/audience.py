"""Choose many contacts at once: by what they wrote about, when, where they stand, and the words put on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Background, Contact, ContactTag
from tpminstitute.contacts.topics import topics_of
from tpminstitute.inbox.models import Inquiry
from tpminstitute.pipeline.models import Lead


@dataclass(frozen=True)
class Audience:
    """Whom a choice means; what is None (or empty) doesn't narrow it.

    `topic` and the time are those of the newest inquiry of each; `stage_id` is where their newest lead stands; `whose`
    are the ids of the only contacts that may be meant, such as those of a list.
    """

    topic: str | None = None
    stage_id: int | None = None
    tag: str = ""
    background: Background | None = None
    wrote_from: datetime | None = None
    wrote_before: datetime | None = None
    public_id: str = ""
    whose: Select[int] | None = None


@dataclass(frozen=True)
class Candidate:
    """A contact that was chosen, what they last wrote about, in words, when, and their place in the list."""

    contact: Contact
    topic: str
    wrote_at: datetime
    place: int


def candidates(session: Session, audience: Audience, most: int, after: int | None = None) -> Sequence[Candidate]:
    """Return the contacts that `audience` means, who wrote last first, `most` of them, those after a place on."""
    newest = select(func.max(Inquiry.id)).where(Inquiry.followed_through_at.is_not(None)).group_by(Inquiry.contact_id)
    if audience.whose is not None:
        newest = newest.where(Inquiry.contact_id.in_(audience.whose))
    chosen = (
        select(Contact, Inquiry)
        .join(Inquiry, Inquiry.contact_id == Contact.id)
        .where(Inquiry.id.in_(newest))
        .order_by(Inquiry.id.desc())
        .limit(most)
    )
    if after is not None:
        chosen = chosen.where(Inquiry.id < after)
    rows = session.execute(_narrowed(chosen, audience)).all()
    topics = topics_of(session)
    return [
        Candidate(contact, topics.label(inquiry.topic), inquiry.received_at, inquiry.id) for contact, inquiry in rows
    ]


def _narrowed(chosen: Select[Contact, Inquiry], audience: Audience) -> Select[Contact, Inquiry]:
    if audience.topic is not None:
        chosen = chosen.where(Inquiry.topic == audience.topic)
    if audience.wrote_from is not None:
        chosen = chosen.where(Inquiry.received_at >= audience.wrote_from)
    if audience.wrote_before is not None:
        chosen = chosen.where(Inquiry.received_at < audience.wrote_before)
    if audience.background is not None:
        chosen = chosen.where(Contact.background == audience.background)
    if audience.tag:
        chosen = chosen.where(
            exists().where(ContactTag.contact_id == Contact.id, ContactTag.tag == audience.tag.lower())
        )
    if audience.stage_id is not None:
        newest_leads = select(func.max(Lead.id)).group_by(Lead.contact_id)
        there = select(Lead.contact_id).where(Lead.id.in_(newest_leads), Lead.stage_id == audience.stage_id)
        chosen = chosen.where(Contact.id.in_(there))
    if audience.public_id:
        chosen = chosen.where(Contact.public_id == audience.public_id)
    return chosen
