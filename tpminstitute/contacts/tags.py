"""Words that staff put on a contact, to find and to follow up by."""

import unicodedata
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import ContactTag
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

LONGEST = 60
"""Characters of a tag."""

MOST = 50
"""Tags of one contact."""


def normal(typed: str) -> str:
    """Return a tag as it is kept: in small letters, composed (NFC), with single spaces and nothing hidden.

    Raises `Refusal` when nothing is left or it is longer than `LONGEST` characters.
    """
    tag = unicodedata.normalize("NFC", one_line(typed, len(typed)).lower()).strip()
    if not tag:
        raise Refusal("A tag needs a word. Nothing was changed.")
    if len(tag) > LONGEST:
        raise Refusal(f"A tag has {LONGEST} characters at most, and this one has {len(tag)}. Nothing was changed.")
    return tag


_TAGS = select(ContactTag.tag).where(ContactTag.contact_id == bindparam("contact")).order_by(ContactTag.tag)


def tags_of(session: Session, contact_id: int) -> Sequence[str]:
    """Return a contact's tags by the alphabet."""
    return session.scalars(_TAGS, {"contact": contact_id}).all()


def add_tag(session: Session, contact_id: int, typed: str, account_id: int) -> bool:
    """Put a tag on a contact; returns False when it is there already, in large letters or small.

    Raises `Refusal` for what is no tag (`normal`), and for one more than `MOST`.
    """
    tag = normal(typed)
    locked(session, contact_id)
    tags = tags_of(session, contact_id)
    if tag in tags:
        return False
    if len(tags) >= MOST:
        raise Refusal(f"A contact has {MOST} tags at most. Nothing was changed: take one off first.")
    session.add(ContactTag(contact_id=contact_id, tag=tag, account_id=account_id, at=clock.now()))
    session.flush()
    record(session, contact_id, ActivityKind.TAGS_CHANGED, f"Added the tag “{tag}”.", account_id=account_id)
    return True


def remove_tag(session: Session, contact_id: int, tag: str, account_id: int) -> bool:
    """Take a tag off a contact; returns False when it isn't there any more."""
    removed = session.execute(
        delete(ContactTag)
        .where(ContactTag.contact_id == contact_id, ContactTag.tag == tag)
        .returning(ContactTag.tag)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if removed is None:
        return False
    record(session, contact_id, ActivityKind.TAGS_CHANGED, f"Took off the tag “{tag}”.", account_id=account_id)
    return True
