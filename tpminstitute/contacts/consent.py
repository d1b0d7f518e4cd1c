"""Consent: what people agree to, in which words, and whether they still do."""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Consent, ConsentChange
from tpminstitute.core import clock


@dataclass(frozen=True)
class Wording:
    """The words of a consent; a change of words is a new version, and earlier ones stay below."""

    version: str
    text: str


WORDINGS = (
    Wording(
        "2026-11",
        "Yes, TPM Institute may also send me a few e-mails about becoming a technical program manager. "
        "I can stop them at any time with one click.",
    ),
)

CURRENT_WORDING = WORDINGS[-1]


def wording(version: str) -> Wording | None:
    """Return the wording of `version`, or None when there never was one."""
    return next((one for one in WORDINGS if one.version == version), None)


def grant(session: Session, contact_id: int, words: Wording, source: str) -> int:
    """Record that a contact agreed to `words`; `source` says where. Returns the consent's id."""
    return _record(session, contact_id, ConsentChange.GRANTED, words, source)


def withdraw(session: Session, contact_id: int, source: str) -> int:
    """Record that a contact agrees no longer; `source` says where. Returns the withdrawal's id."""
    return _record(session, contact_id, ConsentChange.WITHDRAWN, Wording("", ""), source)


_NEWEST = select(Consent).where(Consent.contact_id == bindparam("contact")).order_by(Consent.id.desc()).limit(1)


def current(session: Session, contact_id: int) -> Consent | None:
    """Return the contact's newest grant or withdrawal, or None when there is neither."""
    return session.scalar(_NEWEST, {"contact": contact_id})


def _record(session: Session, contact_id: int, change: ConsentChange, words: Wording, source: str) -> int:
    return session.execute(
        insert(Consent)
        .values(
            contact_id=contact_id,
            change=change,
            wording_version=words.version,
            wording=words.text,
            source=source,
            at=clock.now(),
        )
        .returning(Consent.id)
    ).scalar_one()
