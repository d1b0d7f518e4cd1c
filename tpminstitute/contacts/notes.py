"""Notes of staff about a contact: written, changed, removed, and put back while that is fresh."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session, aliased

from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Note, RemovedNote
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import without_hidden
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record

LONGEST = 10_000
"""Characters of a note."""

KEPT_FOR = timedelta(days=1)
"""How long a removed note can be put back; then it is gone for good."""

_COPIED = ("contact_id", "account_id", "body", "at", "changed_at", "changed_by_id", "number")


class NoteError(Refusal):
    """A note can't be kept as it is; the sentence says why."""


@dataclass(frozen=True)
class Written:
    """A note as staff read it; `changed_by` is '' as long as nobody changed it."""

    id: int
    author: str
    body: str
    at: datetime
    changed_at: datetime | None
    changed_by: str
    number: int


class StaleNote(Refusal):
    """Somebody changed the note in the meantime; `newest` is how it stands now."""

    def __init__(self, newest: Written) -> None:
        """Name who was quicker."""
        super().__init__(
            f"{newest.changed_by or newest.author} changed this note while you were writing. Nothing was saved, and "
            "what you typed is still here. Look at both, then save again to put yours in place of theirs."
        )
        self.newest = newest


def add_note(session: Session, contact_id: int, body: str, account_id: int) -> int:
    """Keep a note about a contact; returns its id. Raises `NoteError` for one that is empty or too long."""
    note = Note(contact_id=contact_id, account_id=account_id, body=_checked(body), at=clock.now(), number=1)
    session.add(note)
    session.flush()
    record(session, contact_id, ActivityKind.NOTE_ADDED, "Wrote a note.", account_id=account_id)
    return note.id


def change_note(session: Session, contact_id: int, note_id: int, number: int, body: str, account_id: int) -> bool:
    """Change a note of a contact; returns False when it says the same already.

    Parameters: `number`, that of the text which the writer began from.
    Raises `NoteError` for a text that can't be kept, and when the note was removed; `StaleNote` when it changed since.
    """
    text = _checked(body)
    note = _locked(session, contact_id, note_id)
    if note is None:
        raise NoteError("This note was removed meanwhile. Your text is still here: add it as a note of its own.")
    if note.body == text:
        return False
    if note.number != number:
        raise StaleNote(note_of(session, note))
    note.body, note.number, note.changed_at, note.changed_by_id = text, number + 1, clock.now(), account_id
    session.flush()
    record(session, contact_id, ActivityKind.NOTE_CHANGED, "Changed a note.", account_id=account_id)
    return True


def remove_note(session: Session, contact_id: int, note_id: int, number: int, account_id: int) -> None:
    """Remove a note of a contact; for `KEPT_FOR` it can be put back.

    Raises `Refusal` when it isn't there any more, or says something else than the text of `number`.
    """
    note = _locked(session, contact_id, note_id)
    if note is None:
        raise Refusal("This note was removed already. Nothing was changed.")
    if note.number != number:
        raise Refusal("This note says something else by now, so it was not removed. Read it again first.")
    session.execute(delete(RemovedNote).where(RemovedNote.removed_at < clock.now() - KEPT_FOR))
    session.execute(delete(RemovedNote).where(RemovedNote.id == note.id))
    copied = {name: getattr(note, name) for name in _COPIED}
    session.add(RemovedNote(id=note.id, removed_at=clock.now(), **copied))
    session.delete(note)
    session.flush()
    record(session, contact_id, ActivityKind.NOTE_REMOVED, "Removed a note.", account_id=account_id)


def restore_note(session: Session, contact_id: int, note_id: int, account_id: int) -> None:
    """Put back a note that was removed; raises `Refusal` when that is too long ago or was done already."""
    removed = session.scalar(
        select(RemovedNote).where(RemovedNote.id == note_id, RemovedNote.contact_id == contact_id).with_for_update()
    )
    if removed is None:
        raise Refusal("There is no such note to put back: it is there already, or it was removed too long ago.")
    taken = session.get(Note, note_id) is not None  # SQLite gives the newest row's id away again
    copied = {name: getattr(removed, name) for name in _COPIED}
    session.add(Note(id=None if taken else note_id, **copied))
    session.delete(removed)
    session.flush()
    record(session, contact_id, ActivityKind.UNDONE, "Put back a note that was removed.", account_id=account_id)


_Author, _Changer = aliased(Account), aliased(Account)
_NOTES = (
    select(Note, _Author.name, _Changer.name)
    .join(_Author, _Author.id == Note.account_id)
    .outerjoin(_Changer, _Changer.id == Note.changed_by_id)
    .where(Note.contact_id == bindparam("contact"), Note.id.in_(bindparam("ids", expanding=True)))
)


def notes_of(session: Session, contact_id: int, ids: list[int]) -> list[Written]:
    """Return those notes of a contact that have one of `ids`."""
    rows = session.execute(_NOTES, {"contact": contact_id, "ids": ids})
    return [
        Written(note.id, wrote, note.body, note.at, note.changed_at, changed or "", note.number)
        for note, wrote, changed in rows
    ]


def note_of(session: Session, note: Note) -> Written:
    """Return a note as staff read it."""
    (written,) = notes_of(session, note.contact_id, [note.id])
    return written


def _locked(session: Session, contact_id: int, note_id: int) -> Note | None:
    return session.scalar(
        select(Note)
        .where(Note.id == note_id, Note.contact_id == contact_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _checked(body: str) -> str:
    text = without_hidden(body).strip()
    if not text:
        raise NoteError("Write something first: the note is empty.")
    if len(text) > LONGEST:
        raise NoteError(f"Shorten the note: it has {len(text):,} characters, and {LONGEST:,} are the most.")
    return text
