"""Notes of staff: kept, changed, removed and put back, with nobody's words lost."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from tests.factories import an_account, contact_of, count, submitted
from tpminstitute.contacts.models import Note, RemovedNote
from tpminstitute.contacts.notes import (
    LONGEST,
    NoteError,
    StaleNote,
    add_note,
    change_note,
    notes_of,
    remove_note,
    restore_note,
)
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.timeline.queries import timeline_of


@pytest.fixture
def people(db, settings):
    """Alice and Bob, and Ada, about whom they write."""
    submitted(db, settings)
    with db.write() as session:
        return an_account(session).id, an_account(session, "Bob").id


def noted(db, people, body="Starts in May."):
    with db.write() as session:
        return add_note(session, contact_of(db).id, body, people[0])


def changed(db, note_id, by, number=1, body="Starts in June."):
    with db.write() as session:
        return change_note(session, contact_of(db).id, note_id, number, body, by)


def removed(db, note_id, by, number=1):
    with db.write() as session:
        remove_note(session, contact_of(db).id, note_id, number, by)


def restored(db, note_id, by):
    with db.write() as session:
        restore_note(session, contact_of(db).id, note_id, by)


def note(db, note_id):
    with db.read() as session:
        return notes_of(session, contact_of(db).id, [note_id])[0]


def test_a_note_is_kept_with_its_author_and_said_on_the_timeline(db, people):
    kept = note(db, noted(db, people, " Starts in May.\r\nhttps://example.org "))
    assert (kept.author, kept.body, kept.changed_by) == ("Alice", "Starts in May.\nhttps://example.org", "")
    with db.read() as session:
        newest = timeline_of(session, contact_of(db).id)[0]
    assert (newest.sentence, newest.actor) == ("Wrote a note.", "Alice")


@pytest.mark.parametrize("body", ["", " \n\t", "\u200b\u2060", "x" * (LONGEST + 1)])
def test_a_note_that_is_empty_or_too_long_is_refused(db, people, body):
    with pytest.raises(NoteError):
        noted(db, people, body)
    assert count(db, Note) == 0


def test_a_changed_note_names_who_changed_it_and_counts_the_change(db, people):
    note_id = noted(db, people)
    assert changed(db, note_id, people[1])
    kept = note(db, note_id)
    assert (kept.body, kept.author, kept.changed_by, kept.number) == ("Starts in June.", "Alice", "Bob", 2)


def test_saving_the_same_words_changes_nothing(db, people):
    note_id = noted(db, people)
    assert not changed(db, note_id, people[1], body="Starts in May. ")
    assert note(db, note_id).number == 1


def test_who_began_from_an_older_text_gets_the_newer_one_shown_and_overwrites_nothing(db, people):
    note_id = noted(db, people)
    changed(db, note_id, people[1])
    with pytest.raises(StaleNote, match="Bob changed this note") as stale:
        changed(db, note_id, people[0], body="Starts in July.")
    assert (stale.value.newest.body, stale.value.newest.number) == ("Starts in June.", 2)
    assert note(db, note_id).body == "Starts in June."
    assert changed(db, note_id, people[0], number=2, body="Starts in July.")


def test_a_note_of_another_contact_is_none_of_this_one(db, settings, people):
    note_id = noted(db, people)
    submitted(db, settings, email="charlie@outside.example")
    other = contact_of(db, "charlie@outside.example").id
    for attempt in (
        lambda session: change_note(session, other, note_id, 1, "Mine", people[0]),
        lambda session: remove_note(session, other, note_id, 1, people[0]),
        lambda session: restore_note(session, other, note_id, people[0]),
    ):
        with pytest.raises(Refusal), db.write() as session:
            attempt(session)
    assert note(db, note_id).body == "Starts in May."


def test_a_removed_note_is_put_back_as_it_stood(db, people):
    note_id = noted(db, people)
    changed(db, note_id, people[1])
    before = note(db, note_id)
    removed(db, note_id, people[0], number=2)
    assert count(db, Note) == 0
    restored(db, note_id, people[0])
    assert note(db, note_id) == before
    with pytest.raises(Refusal, match="there already"):
        restored(db, note_id, people[0])


def test_a_note_that_says_something_else_by_now_is_not_removed(db, people):
    note_id = noted(db, people)
    changed(db, note_id, people[1])
    with pytest.raises(Refusal, match="says something else"):
        removed(db, note_id, people[0], number=1)
    assert note(db, note_id).body == "Starts in June."


def test_a_note_that_was_removed_meanwhile_leaves_the_writer_their_words(db, people):
    note_id = noted(db, people)
    removed(db, note_id, people[1])
    with pytest.raises(NoteError, match="Your text is still here"):
        changed(db, note_id, people[0])


def test_putting_back_a_note_takes_nothing_from_one_written_since(db, people):
    note_id = noted(db, people)
    removed(db, note_id, people[0])
    noted(db, people, "Prefers the phone.")
    restored(db, note_id, people[0])
    with db.read() as session:
        bodies = session.scalars(select(Note.body).order_by(Note.body)).all()
    assert bodies == ["Prefers the phone.", "Starts in May."]


def test_a_removed_note_is_gone_for_good_after_a_day(db, people):
    removed(db, noted(db, people), people[0])
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        removed(db, noted(db, people, "Another"), people[0])
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(RemovedNote)) == 1
        assert session.scalars(select(RemovedNote.body)).one() == "Another"
