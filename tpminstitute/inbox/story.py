"""Read the story of one contact: all that was said, noted and done, in the order it happened, newest first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, false, func, literal, not_, or_, select, union_all
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Note
from tpminstitute.contacts.notes import Written, notes_of
from tpminstitute.inbox.models import Inquiry, ReceivedMail
from tpminstitute.inbox.threads import Asked, Heard, Said, asked_and_heard
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.queries import mails_by
from tpminstitute.timeline.models import Activity, ActivityKind
from tpminstitute.timeline.queries import Entry as Fact
from tpminstitute.timeline.queries import timeline_of

PAGE = 30
"""Entries that one page of a story shows."""


class Choice(StrEnum):
    """What of a story is shown."""

    ALL = "all"
    CONVERSATION = "conversation"
    NOTES = "notes"
    FOLLOW_UPS = "follow-ups"
    FACTS = "facts"


Entry = Asked | Heard | Said | Written | Fact

TO_THE_PERSON = (MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP, MessageKind.REPLY, MessageKind.PUBLICATION)
"""Our mails that belong to the conversation; the others go to the institute itself."""

TOLD_OTHERWISE = (
    ActivityKind.INQUIRY_RECEIVED,
    ActivityKind.INQUIRY_SUSPECTED,
    ActivityKind.REPLY_RECEIVED,
    ActivityKind.AUTOMATIC_MAIL_RECEIVED,
    ActivityKind.STRANGER_WROTE,
    ActivityKind.STAFF_REPLIED,
    ActivityKind.STAFF_MAIL_FILED,
    ActivityKind.REPLY_SCHEDULED,
    ActivityKind.MAIL_SENT,
    ActivityKind.NOTE_ADDED,
    ActivityKind.NOTE_CHANGED,
)
"""Facts that stand in the story as the thing itself: they are told again only where facts alone are asked for."""

OF_NOTES = (
    ActivityKind.CALL_NOTED,
    ActivityKind.NOTE_REMOVED,
    ActivityKind.REMINDER_SET,
    ActivityKind.REMINDER_CHANGED,
    ActivityKind.REMINDER_DONE,
)

OF_FOLLOW_UPS = (
    ActivityKind.CONSENT_GRANTED,
    ActivityKind.CONSENT_WITHDRAWN,
    ActivityKind.ENROLLED,
    ActivityKind.ENROLLMENT_STOPPED,
    ActivityKind.ENROLLMENT_FINISHED,
    ActivityKind.ENROLLMENT_SKIPPED,
    ActivityKind.ENROLLMENT_PAUSED,
    ActivityKind.ENROLLMENT_RESUMED,
    ActivityKind.ENROLLMENT_MOVED,
    ActivityKind.FOLLOW_UP_DRAFTED,
    ActivityKind.FOLLOW_UP_DECIDED,
    ActivityKind.WISH_CHANGED,
)


@dataclass(frozen=True)
class Place:
    """Where a page of a story begins: only what has a smaller id than these, each in its own table."""

    fact: int | None = None
    said: int | None = None
    note: int | None = None
    heard: int | None = None
    asked: int | None = None


@dataclass(frozen=True)
class Page:
    """A page of a story, newest first; `older` is where the next one begins, if there is one."""

    entries: Sequence[Entry]
    older: Place | None


@dataclass(frozen=True)
class _Source:
    """A table that a story is read from: which rows of it, and when each happened."""

    id: Any
    at: Any
    rows: ColumnElement[bool]


def story_of(
    session: Session, contact_id: int, choice: Choice, place: Place, without_mails: Collection[int] = ()
) -> Page:
    """Return a page of what `choice` shows of a contact's story, newest first.

    Parameters: `without_mails`, the ids of mails that are shown elsewhere, as those that are to go yet.
    """
    found = _newest(session, contact_id, choice, place, without_mails)
    shown = _merged(found)
    entries = _read(session, contact_id, shown)
    if sum(len(rows) for rows in found.values()) == len(shown):
        return Page(entries, None)
    ends = {field.name: min(_ids(shown, field.name), default=getattr(place, field.name)) for field in fields(Place)}
    return Page(entries, Place(**ends))


def _sources(choice: Choice) -> Mapping[str, _Source]:
    """Return the tables in the order in which what happened at one moment is told, the last thing first."""
    contact_id = bindparam("contact", type_=Integer)
    heard = and_(ReceivedMail.contact_id == contact_id, ReceivedMail.inquiry_id.is_(None))
    spoken = choice in (Choice.ALL, Choice.CONVERSATION)
    noted = choice in (Choice.ALL, Choice.NOTES)
    elsewhere = Message.id.in_(bindparam("without", expanding=True))
    said = and_(Message.contact_id == contact_id, not_(elsewhere), _mails(choice))
    return {
        "fact": _Source(Activity.id, Activity.at, and_(Activity.contact_id == contact_id, _facts(choice))),
        "said": _Source(Message.id, func.coalesce(Message.goes_at, Message.created_at), said),
        "note": _Source(Note.id, Note.at, and_(Note.contact_id == contact_id, noted)),  # type: ignore[arg-type]
        "heard": _Source(ReceivedMail.id, ReceivedMail.received_at, heard if spoken else false()),
        "asked": _Source(Inquiry.id, Inquiry.received_at, Inquiry.contact_id == contact_id if spoken else false()),
    }


def _facts(choice: Choice) -> ColumnElement[bool]:
    match choice:
        case Choice.ALL:
            return Activity.kind.not_in(TOLD_OTHERWISE)
        case Choice.CONVERSATION:
            return Activity.kind == ActivityKind.CALL_NOTED
        case Choice.NOTES:
            return Activity.kind.in_(OF_NOTES)
        case Choice.FOLLOW_UPS:
            return Activity.kind.in_(OF_FOLLOW_UPS)
        case Choice.FACTS:
            return not_(false())


def _mails(choice: Choice) -> ColumnElement[bool]:
    """Return which mails of ours are told; a reply that was taken back isn't said, and a fact tells of it."""
    taken_back = and_(Message.kind == MessageKind.REPLY, Message.status == MessageStatus.CANCELLED)
    match choice:
        case Choice.ALL:
            undecided = Message.status.in_((MessageStatus.FAILED, MessageStatus.UNCERTAIN))
            return and_(or_(Message.kind.in_(TO_THE_PERSON), undecided), not_(taken_back))
        case Choice.CONVERSATION:
            return and_(Message.kind.in_(TO_THE_PERSON), not_(taken_back))
        case Choice.FOLLOW_UPS:
            return Message.kind == MessageKind.FOLLOW_UP
        case Choice.FACTS:
            return Message.kind.not_in(TO_THE_PERSON)
        case Choice.NOTES:
            return false()


def _newest(
    session: Session, contact_id: int, choice: Choice, place: Place, without_mails: Collection[int]
) -> Mapping[str, Sequence[tuple[datetime, int]]]:
    """Return when the newest rows of each table happened, and their ids, newest first; asked in one statement."""
    before = {name: row_id for name, row_id in vars(place).items() if row_id is not None}
    query = _newest_of(choice, frozenset(before))
    found: dict[str, list[tuple[datetime, int]]] = {field.name: [] for field in fields(Place)}
    for name, at, row_id in session.execute(query, before | {"contact": contact_id, "without": without_mails}):
        found[name].append((at, row_id))
    return {name: sorted(rows, key=lambda row: row[1], reverse=True) for name, rows in found.items()}


@cache
def _newest_of(choice: Choice, before: frozenset[str]) -> Any:
    """Return the statement; `before` names the tables whose page begins below an id, a parameter of the same name."""
    newest = []
    for name, source in _sources(choice).items():
        query = select(literal(name).label("name"), source.at.label("at"), source.id.label("id")).where(source.rows)
        if name in before:
            query = query.where(source.id < bindparam(name))
        newest.append(select(query.order_by(source.id.desc()).limit(PAGE + 1).subquery()))
    return union_all(*newest)


def _merged(found: Mapping[str, Sequence[tuple[datetime, int]]]) -> list[tuple[str, int]]:
    """Return the newest of several lists, each of which keeps its own order, whatever the clock did."""
    rest = {name: list(reversed(rows)) for name, rows in found.items()}
    shown: list[tuple[str, int]] = []
    while len(shown) < PAGE and any(rest.values()):
        name = max((name for name, rows in rest.items() if rows), key=lambda name: rest[name][-1][0])
        shown.append((name, rest[name].pop()[1]))
    return shown


def _ids(shown: Sequence[tuple[str, int]], name: str) -> list[int]:
    return [row_id for kind, row_id in shown if kind == name]


def _read(session: Session, contact_id: int, shown: Sequence[tuple[str, int]]) -> list[Entry]:
    read: dict[tuple[str, int], Entry] = {}
    for fact in timeline_of(session, contact_id, _ids(shown, "fact")):
        read["fact", fact.id] = fact
    mails, notes = _ids(shown, "said"), _ids(shown, "note")
    for mail in mails_by(session, mails) if mails else ():
        read["said", mail.id] = Said(mail)
    for note in notes_of(session, contact_id, notes) if notes else ():
        read["note", note.id] = note
    for spoken in asked_and_heard(session, _ids(shown, "asked"), _ids(shown, "heard")):
        read["asked" if isinstance(spoken, Asked) else "heard", _id_of(spoken)] = spoken
    return [read[key] for key in shown]


def _id_of(spoken: Asked | Heard) -> int:
    return spoken.inquiry.id if isinstance(spoken, Asked) else spoken.id
