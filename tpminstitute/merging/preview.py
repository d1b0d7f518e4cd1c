"""What a merge of two contacts would do, field by field, before anything changes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.background import LABELS
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.tags import tags_of
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core.belonging import Belonging, belongings
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.suppression import SENTENCES
from tpminstitute.merging import joining
from tpminstitute.merging.choices import FIELDS, LEAD, Field, Side, differ, usual_side
from tpminstitute.merging.service import address_keys, both_run, closed_keys, usual_run
from tpminstitute.pipeline.models import Lead, Stage
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.models import Sequence as Plan

COUNTED = {
    "inquiries": ("1 inquiry", "{} inquiries"),
    "received_mails": ("1 mail from them", "{} mails from them"),
    "messages": ("1 mail of ours", "{} mails of ours"),
    "notes": ("1 note", "{} notes"),
    "reminders": ("1 reminder", "{} reminders"),
    "enrollments": ("1 run of follow-ups", "{} runs of follow-ups"),
    "activities": ("1 entry on the timeline", "{} entries on the timeline"),
}
"""What is counted of what moves."""


@dataclass(frozen=True)
class Choice:
    """Something of which only one can stay: what each side says, and which is chosen if nobody says."""

    name: str
    label: str
    first: str
    second: str
    side: Side
    note: str = ""


@dataclass(frozen=True)
class Preview:
    """What a merge would do. `first` remains. `seen` changes as soon as anything of this does."""

    first: Contact
    second: Contact
    choices: Sequence[Choice]
    alike: Sequence[tuple[str, str]]
    tags: Sequence[str]
    moves: Sequence[str]
    warnings: Sequence[str]
    seen: str


def preview(session: Session, one_id: int, other_id: int) -> Preview:
    """Return what a merge would do; raises `Refusal` when the two aren't two contacts."""
    found = session.scalars(select(Contact).where(Contact.id.in_((one_id, other_id)))).all()
    if len(found) != 2 or any(contact.gone for contact in found):
        raise Refusal("These are not two contacts any more: one was merged or erased meanwhile. Nothing was changed.")
    first, second = sorted(found, key=lambda contact: (contact.first_seen_at, contact.id))
    keys = address_keys(session, (first.id, second.id))
    closed = closed_keys(session, keys)
    choices = [_field(session, one, first, second, closed) for one in FIELDS if differ(one, first, second)]
    choices += _lead(session, first, second)
    choices += [_run(session, *runs) for runs in both_run(session, first.id, second.id).values()]
    alike = [(one.label, _shown(session, one, first)) for one in FIELDS if not differ(one, first, second)]
    told = Preview(
        first=first,
        second=second,
        choices=choices,
        alike=[(label, says) for label, says in alike if says],
        tags=sorted({*tags_of(session, first.id), *tags_of(session, second.id)}),
        moves=_moves(session, second.id),
        warnings=_warnings(session, first, second, keys),
        seen="",
    )
    said = repr((first.id, second.id, first.number, second.number, told.choices, told.tags, told.moves, told.warnings))
    return Preview(**{**told.__dict__, "seen": hashlib.sha256(said.encode()).hexdigest()[:16]})


def _field(session: Session, one: Field, first: Contact, second: Contact, closed: Mapping[str, bool]) -> Choice:
    note = "The other one is kept as a further address." if one.name == "email" else ""
    return Choice(
        one.name,
        one.label,
        _shown(session, one, first),
        _shown(session, one, second),
        usual_side(one, first, second, closed),
        note,
    )


def _shown(session: Session, one: Field, contact: Contact) -> str:
    match one.name:
        case "name":
            return contact.name
        case "email":
            return contact.email
        case "phone":
            return contact.phone_typed
        case "time_zone":
            return (contact.time_zone or "").replace("_", " ")
        case "topic":
            return topics_of(session).label(contact.topic) if contact.topic else ""
        case "background":
            return LABELS[contact.background] if contact.background else ""
        case _:
            owner = session.get(Account, contact.owner_id) if contact.owner_id else None
            return owner.name if owner else ""


def _lead(session: Session, first: Contact, second: Contact) -> list[Choice]:
    rows = session.execute(
        select(Lead.contact_id, Stage.name, Lead.opened_at)
        .join(Stage, Stage.id == Lead.stage_id)
        .where(Lead.contact_id.in_((first.id, second.id)), Lead.closed_at.is_(None))
    ).all()
    said = {contact_id: _since(stage, opened) for contact_id, stage, opened in rows}
    if len(said) < 2:
        return []
    note = "They are one opportunity from then on, open since the older of the two."
    return [Choice(LEAD, "Open lead", said[first.id], said[second.id], Side.FIRST, note)]


def _since(stage: str, opened: datetime) -> str:
    return f"{stage}, since {opened.day} {opened:%b %Y}"


def _run(session: Session, of_first: Enrollment, of_second: Enrollment) -> Choice:
    plan = session.get_one(Plan, of_first.sequence_id)
    first, second = (f"before mail {run.next_position}, {run.status.value}" for run in (of_first, of_second))
    note = "The other run stops: nobody gets the same follow-ups twice."
    return Choice(f"run:{plan.id}", f"Follow-ups “{plan.name}”", first, second, usual_run(of_first, of_second), note)


def _moves(session: Session, second_id: int) -> list[str]:
    contacts = Contact.__table__
    assert isinstance(contacts, Table)
    direct = {one.table.name: one for one in belongings(contacts) if one.owner and one.owner.table is contacts}
    return in_words({table: _count(session, direct[table], second_id) for table in COUNTED if table in direct})


def in_words(numbers: Mapping[str, int]) -> list[str]:
    """Return how many rows of which tables there are, as staff say it; of tables that nobody counts, nothing."""
    found = [(numbers.get(table, 0), words) for table, words in COUNTED.items()]
    return [one if number == 1 else many.format(number) for number, (one, many) in found if number]


def _count(session: Session, one: Belonging, contact_id: int) -> int:
    return session.scalar(select(func.count()).select_from(one.table).where(one.of([contact_id]))) or 0


def _warnings(session: Session, first: Contact, second: Contact, keys: Sequence[str]) -> list[str]:
    closing = joining.personal_closing(session, first, second, keys)
    if not closing:
        return []
    reason = next(iter(closing.values()))
    return [f"{SENTENCES[reason]} That holds for every address of theirs from then on."]
