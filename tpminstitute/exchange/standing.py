"""How the contacts behind some addresses stand now, read at once for a batch of rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Consent, ConsentChange, Contact, ContactAddress, ContactTag, Note
from tpminstitute.core.bulk import one_of
from tpminstitute.exchange.models import ImportRow
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.pipeline.models import Lead

COLUMNS = (
    "name",
    "phone_typed",
    "phone_e164",
    "topic",
    "owner_id",
    "first_seen_at",
    "time_zone",
    "time_zone_source",
    "background",
    "background_source",
)
"""The columns of a contact that an import may fill."""

_OF_CONTACTS = [getattr(Contact, name) for name in ("id", "email_key", *COLUMNS)]


@dataclass
class Standing:
    """One contact as it stands: its columns, and what hangs on it as far as an import would add to it."""

    id: int
    email_key: str
    columns: dict[str, Any]
    tags: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    lead: Lead | None = None
    consent: ConsentChange | None = None


@dataclass(frozen=True)
class Standings:
    """The contacts behind some addresses by any address of theirs, which of the addresses are closed, and which further
    addresses are spoken for: other rows of the file have them as their own.
    """

    by_key: Mapping[str, Standing]
    closed: Mapping[str, SuppressionReason]
    spoken_for: set[str]


def standings(
    session: Session, import_id: int, told: Sequence[Mapping[str, Any]], keys: Sequence[str], *, lock: bool
) -> Standings:
    """Return how the contacts stand whom some rows of an import mean.

    Parameters: `told`, the values of the rows; `keys`, their addresses' keys; `lock`, whether the contacts' rows are
    held until the transaction ends, so that nobody changes them meanwhile.
    """
    further = [key for values in told for key, _ in values.get("more_email", ())]
    every = sorted({*keys, *further})
    own = select(*_OF_CONTACTS).where(one_of(session, Contact.email_key, every)).order_by(Contact.id)
    found = {row.email_key: row for row in _held(session, own, lock)}
    others = select(ContactAddress.email_key, ContactAddress.contact_id).where(
        one_of(session, ContactAddress.email_key, every)
    )
    holders = {key: contact_id for key, contact_id in session.execute(others) if key not in found}
    if holders:
        more = (
            select(*_OF_CONTACTS).where(one_of(session, Contact.id, sorted(set(holders.values())))).order_by(Contact.id)
        )
        by_id = {row.id: row for row in [*_held(session, more, lock), *found.values()]}
        found |= {key: by_id[contact_id] for key, contact_id in holders.items()}
    by_id = {
        row.id: Standing(row.id, row.email_key, {name: getattr(row, name) for name in COLUMNS})
        for row in found.values()
    }
    if by_id:
        _add_what_hangs_on_them(session, by_id, notes=any("notes" in values for values in told))
    closed = select(Suppression.email_key, Suppression.reason).where(one_of(session, Suppression.email_key, every))
    spoken_for = select(ImportRow.email_key).where(
        ImportRow.import_id == import_id, one_of(session, ImportRow.email_key, further)
    )
    return Standings(
        {key: by_id[row.id] for key, row in found.items()},
        dict(session.execute(closed).all()),
        set(session.scalars(spoken_for)) if further else set(),
    )


def _held(session: Session, query: Select[Any], lock: bool) -> Iterable[Any]:
    return session.execute(query.with_for_update(key_share=True) if lock else query).all()


def _add_what_hangs_on_them(session: Session, by_id: Mapping[int, Standing], *, notes: bool) -> None:
    ids = sorted(by_id)
    for contact_id, tag in session.execute(
        select(ContactTag.contact_id, ContactTag.tag).where(one_of(session, ContactTag.contact_id, ids))
    ):
        by_id[contact_id].tags.add(tag)
    for lead in session.scalars(select(Lead).where(one_of(session, Lead.contact_id, ids)).order_by(Lead.id)):
        by_id[lead.contact_id].lead = lead
    said = (
        select(Consent.contact_id, Consent.change).where(one_of(session, Consent.contact_id, ids)).order_by(Consent.id)
    )
    for contact_id, change in session.execute(said):
        by_id[contact_id].consent = change
    if notes:
        for contact_id, body in session.execute(
            select(Note.contact_id, Note.body).where(one_of(session, Note.contact_id, ids))
        ):
            by_id[contact_id].notes.add(body)


def moment(stored: str) -> datetime:
    """Return a moment as rows store it."""
    return datetime.fromisoformat(stored)
