"""Contacts as an export writes them: some of all, in batches, each with the fields that were asked for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.identity import AddressError, read_phone
from tpminstitute.contacts.models import (
    Consent,
    ConsentChange,
    Contact,
    ContactAddress,
    ContactCard,
    ContactTag,
    Note,
    ZoneSource,
)
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.bulk import one_of
from tpminstitute.core.db import Database
from tpminstitute.exchange.fields import ONLY_SHOWN, Field
from tpminstitute.lists.rows import Row, rows_of
from tpminstitute.lists.wording import CONSENTS, FOLLOW_UPS, ORIGINS, TURNS
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.pipeline.models import Lead, Stage

BATCH = 1000
"""Contacts that are read at once."""

Values = dict[Field, Any]
"""What an export says of one contact: texts, lists of texts, moments, and whether they unsubscribed."""


@dataclass(frozen=True)
class Selection:
    """Which contacts are meant: those on whose card all of `where` holds (`lists.filters.Chosen.where`), or all who
    have one; a person who was merged into another or erased has none.
    """

    where: tuple[ColumnElement[bool], ...] = ()


def count(session: Session, selection: Selection) -> int:
    """Return how many contacts are meant."""
    return session.scalar(select(func.count()).select_from(ContactCard).where(*selection.where)) or 0


def batches(db: Database, selection: Selection, fields: Sequence[Field]) -> Iterator[list[Values]]:
    """Yield what there is to say of the contacts, by their ids, in short transactions: a slow reader holds nothing up
    and a million contacts need no more memory than a thousand.
    """
    last = 0
    while True:
        with db.read() as session:
            meant = select(ContactCard.contact_id).where(ContactCard.contact_id > last, *selection.where)
            ids = session.scalars(meant.order_by(ContactCard.contact_id).limit(BATCH)).all()
            query = select(Contact).where(one_of(session, Contact.id, ids)).order_by(Contact.id)
            found = _values(session, session.scalars(query).all(), fields)
        if found:
            yield found
        if len(ids) < BATCH:
            return
        last = ids[-1]


def _values(session: Session, contacts: Sequence[Contact], fields: Sequence[Field]) -> list[Values]:
    ids = [contact.id for contact in contacts]
    listed = any(field in ONLY_SHOWN for field in fields)
    shown = {row.id: row for row in rows_of(session, ids)} if listed else {}
    lookups: dict[Field, Any] = {
        Field.MORE_EMAIL: lambda: _lists(session, ContactAddress.contact_id, ContactAddress.email, ids),
        Field.TAGS: lambda: _lists(session, ContactTag.contact_id, ContactTag.tag, ids),
        Field.NOTE: lambda: _lists(session, Note.contact_id, Note.body, ids, Note.id),
        Field.STAGE: lambda: _stages(session, ids),
        Field.OWNER: lambda: dict(session.execute(select(Account.id, Account.email)).all()),
        Field.TOPIC: lambda: _topics(session, ids),
    }
    looked_up = {field: look() for field, look in lookups.items() if field in fields and ids}
    consents = _consents(session, ids)
    left = _unsubscribed(session, contacts)
    return [
        _of(contact, fields, looked_up, consents.get(contact.id), contact.id in left)
        | _shown(shown, contact.id, fields)
        for contact in contacts
    ]


def _shown(rows: Mapping[int, Row], contact_id: int, fields: Sequence[Field]) -> Values:
    """Return what lists show of a contact beside what can be imported."""
    row = rows.get(contact_id)
    if row is None:
        return {}
    said: Values = {
        Field.CAME_BY: ORIGINS[row.source],
        Field.CONSENT: CONSENTS[row.consent],
        Field.TURN: TURNS[row.turn],
        Field.FOLLOW_UPS: FOLLOW_UPS[row.follow_ups],
        Field.LAST_TOUCH: row.touched_at,
    }
    return {field: said[field] for field in fields if field in said}


def _of(
    contact: Contact, fields: Sequence[Field], looked_up: Mapping[Field, Any], consent: Consent | None, left: bool
) -> Values:
    agreed = consent if consent and consent.change is ConsentChange.GRANTED and not left else None
    known_zone = contact.time_zone_source in (ZoneSource.BROWSER, ZoneSource.STAFF, ZoneSource.PERSON)
    own: Values = {
        Field.NAME: contact.name,
        Field.EMAIL: contact.email,
        Field.PHONE: _phone(contact) if Field.PHONE in fields else "",
        Field.FIRST_SEEN: contact.first_seen_at,
        Field.TIME_ZONE: contact.time_zone if known_zone else None,
        Field.BACKGROUND: contact.background,
        Field.OPTED_OUT: left or (consent is not None and consent.change is ConsentChange.WITHDRAWN),
        Field.CONSENT_AT: agreed.at if agreed else None,
        Field.CONSENT_WORDING: agreed.wording if agreed else None,
        Field.CONSENT_SOURCE: agreed.source if agreed else None,
        Field.OWNER: looked_up.get(Field.OWNER, {}).get(contact.owner_id),
        Field.TOPIC: looked_up.get(Field.TOPIC, {}).get(contact.id),
        Field.STAGE: looked_up.get(Field.STAGE, {}).get(contact.id),
    }
    several = (Field.MORE_EMAIL, Field.TAGS, Field.NOTE)
    own |= {field: looked_up[field].get(contact.id, []) for field in several if field in looked_up}
    return {field: own[field] for field in fields if field in own}


def _phone(contact: Contact) -> str:
    """Return the number as it was typed, or in E.164 where only knowing its country made a number of it."""
    if contact.phone_e164 is None:
        return contact.phone_typed
    try:
        again = read_phone(contact.phone_typed)
    except AddressError:
        again = None
    return contact.phone_typed if again == contact.phone_e164 else contact.phone_e164


def _lists(session: Session, owner: Any, value: Any, ids: Sequence[int], order: Any = None) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    query = select(owner, value).where(one_of(session, owner, ids)).order_by(value if order is None else order)
    for contact_id, text in session.execute(query):
        found[contact_id].append(text)
    return found


def _stages(session: Session, ids: Sequence[int]) -> dict[int, str]:
    query = (
        select(Lead.contact_id, Stage.name)
        .join(Stage, Stage.id == Lead.stage_id)
        .where(one_of(session, Lead.contact_id, ids))
    )
    return dict(session.execute(query.order_by(Lead.id)).all())


def _topics(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return the topic of each as lists show it, by its label."""
    topics = topics_of(session)
    query = select(ContactCard.contact_id, ContactCard.topic).where(one_of(session, ContactCard.contact_id, ids))
    return {contact_id: topics.label(key) for contact_id, key in session.execute(query) if key is not None}


def _consents(session: Session, ids: Sequence[int]) -> dict[int, Consent]:
    """Return the newest grant or withdrawal of each."""
    query = select(Consent).where(one_of(session, Consent.contact_id, ids)).order_by(Consent.id)
    return {consent.contact_id: consent for consent in session.scalars(query)}


def _unsubscribed(session: Session, contacts: Sequence[Contact]) -> set[int]:
    by_key = {contact.email_key: contact.id for contact in contacts}
    query = select(Suppression.email_key).where(
        one_of(session, Suppression.email_key, by_key), Suppression.reason == SuppressionReason.OPT_OUT
    )
    return {by_key[key] for key in session.scalars(query)}
