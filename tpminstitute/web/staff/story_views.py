"""What the template of a contact's story is given: each entry with what can be done, what is to come, the filters."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import request, url_for
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.notes import Written
from tpminstitute.core.text import visible
from tpminstitute.inbox.sending import to_be_taken_back
from tpminstitute.inbox.story import Choice, Entry, Place
from tpminstitute.inbox.threads import Asked, Heard, Said
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.queries import Entry as Fact
from tpminstitute.web.staff.access import list_place, may_act
from tpminstitute.web.staff.thread_views import HeardView, heard_view
from tpminstitute.web.staff.views import Action, InquiryView, MailView, inquiry_view, mail_view

LABELS = {
    Choice.ALL: "All",
    Choice.CONVERSATION: "Conversation",
    Choice.NOTES: "Notes",
    Choice.FOLLOW_UPS: "Follow-ups",
    Choice.FACTS: "Facts",
}

EMPTY = {
    Choice.ALL: "Nothing has happened yet. What they write, what goes out to them and what you note appears here.",
    Choice.CONVERSATION: "Nothing was said yet. What they write, and what goes out to them, appears here.",
    Choice.NOTES: "No notes yet. What you note about them, calls and reminders appear here.",
    Choice.FOLLOW_UPS: "No follow-ups yet. What begins, waits or stops, and each mail of it, appears here.",
    Choice.FACTS: "Nothing was recorded yet. Everything that happens to this contact is told here in one line.",
}

_PLACE = re.compile(r"([0-9]{0,9})\.([0-9]{0,9})\.([0-9]{0,9})\.([0-9]{0,9})\.([0-9]{0,9})")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


@dataclass(frozen=True)
class Words:
    """A part of a text; `href` is '' where it is no web address."""

    text: str
    href: str


@dataclass(frozen=True)
class NoteView:
    """A note as staff read it, in `parts`; `raw` is the text to be changed; no addresses for who only looks."""

    id: int
    author: str
    at: datetime
    changed_at: datetime | None
    changed_by: str
    number: int
    raw: str
    parts: list[Words]
    change_url: str
    remove_url: str


@dataclass(frozen=True)
class FactView:
    """One line of what happened."""

    at: datetime
    sentence: str
    actor: str
    call: bool


@dataclass(frozen=True)
class EntryView:
    """One thing that happened: an inquiry (perhaps with the mail it came as), a mail that came in or went out, a note,
    or anything else as a fact."""

    inquiry: InquiryView | None = None
    heard: HeardView | None = None
    said: MailView | None = None
    note: NoteView | None = None
    fact: FactView | None = None


@dataclass(frozen=True)
class FilterView:
    """One way to look at a story."""

    label: str
    href: str
    current: bool


def entry_views(session: Session, contact: Contact, entries: Sequence[Entry]) -> list[EntryView]:
    """Return the entries of a story with the actions that the looker's role allows."""
    replies = [entry.mail.id for entry in entries if isinstance(entry, Said) and entry.mail.kind is MessageKind.REPLY]
    back = to_be_taken_back(session, replies) if replies and may_act() else set()
    return [_entry_view(session, contact, entry, back) for entry in entries]


def _entry_view(session: Session, contact: Contact, entry: Entry, back: Collection[int]) -> EntryView:
    match entry:
        case Asked():
            mail = heard_view(entry.mail) if entry.mail else None
            return EntryView(inquiry=inquiry_view(session, entry.inquiry), heard=mail)
        case Heard():
            return EntryView(heard=heard_view(entry))
        case Said():
            return EntryView(said=_said_view(contact, entry, back))
        case Written():
            return EntryView(note=note_view(contact, entry))
        case Fact():
            call = entry.kind is ActivityKind.CALL_NOTED
            return EntryView(fact=FactView(entry.at, entry.sentence, entry.actor, call))


def _said_view(contact: Contact, entry: Said, back: Collection[int]) -> MailView:
    view = mail_view(entry.mail)
    if entry.mail.id in back:
        place = {"public_id": contact.public_id, "message_id": entry.mail.id, **list_place()}
        view.actions.append(Action("Take back", url_for("staff.take_reply_back", **place)))
    elif may_act() and entry.mail.kind is MessageKind.REPLY and entry.mail.status is MessageStatus.SENT:
        url = url_for("staff.propose_answer", public_id=contact.public_id, message_id=entry.mail.id)
        view = replace(view, publish_url=url)
    return view


def note_view(contact: Contact, note: Written) -> NoteView:
    """Return a note, its web addresses as links and every hidden character in it written out."""
    place = {"public_id": contact.public_id, "note_id": note.id, **list_place()}
    return NoteView(
        id=note.id,
        author=note.author,
        at=note.at,
        changed_at=note.changed_at,
        changed_by=note.changed_by,
        number=note.number,
        raw=note.body,
        parts=_parts(visible(note.body)),
        change_url=url_for("staff.change_note", **place) if may_act() else "",
        remove_url=url_for("staff.remove_note", number=note.number, **place) if may_act() else "",
    )


def chosen_view() -> Choice:
    """Return what of the story the address asks for, all of it for anything that is no choice."""
    asked = request.args.get("only", "")
    return Choice(asked) if asked in {choice.value for choice in Choice} else Choice.ALL


def filter_views(contact: Contact, chosen: Choice) -> list[FilterView]:
    """Return the ways to look at a contact's story."""
    return [FilterView(label, page_url(contact, choice, None), choice is chosen) for choice, label in LABELS.items()]


def place_of(text: str) -> Place:
    """Return where a page of the story begins, the newest for anything that is no place."""
    found = _PLACE.fullmatch(text)
    return Place(*(int(part) if part else None for part in found.groups())) if found else Place()


def page_url(contact: Contact, choice: Choice, place: Place | None) -> str:
    """Return the address of a page of the story; None is its newest."""
    written = None
    if place:
        ends = (place.fact, place.said, place.note, place.heard, place.asked)
        written = ".".join(str(end or "") for end in ends)
    only = None if choice is Choice.ALL else choice.value
    url = url_for("staff.contact", public_id=contact.public_id, only=only, earlier=written, **list_place())
    return f"{url}#timeline-title"


def _parts(text: str) -> list[Words]:
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts += [Words(text[at : found.start()], ""), Words(found[0], found[0])]
        at = found.end()
    return [part for part in (*parts, Words(text[at:], "")) if part.text]
