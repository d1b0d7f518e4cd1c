"""The story of a contact: everything in the order it happened, page by page, and by what is asked for."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import insert

from tests.doors.mails import came_in
from tests.factories import an_account, contact_of, submitted
from tpminstitute.contacts.notes import Written, add_note
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.inbox.calls import note_call
from tpminstitute.inbox.story import PAGE, TOLD_OTHERWISE, Choice, Place, story_of
from tpminstitute.inbox.threads import Asked, Heard, Said
from tpminstitute.timeline.models import Activity, ActivityKind, Actor

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def lived(db, settings):
    """Ada wrote and agreed; Alice called her, wrote a note and answered; Ada wrote again, each an hour later."""
    with db.write() as session:
        alice = an_account(session)
    with time_machine.travel(START) as clockwork:
        submitted(db, settings, consents=True)
        clockwork.move_to(START + timedelta(hours=1))
        with db.write() as session:
            note_call(session, settings, locked(session, contact_of(db).id), alice, "She starts in May.")
        clockwork.move_to(START + timedelta(hours=2))
        with db.write() as session:
            add_note(session, contact_of(db).id, "Prefers the phone.", alice.id)
        clockwork.move_to(START + timedelta(hours=3))
        with db.write() as session:
            reply(session, settings, locked(session, contact_of(db).id), Answer("one", "Come on Monday.", alice))
        clockwork.move_to(START + timedelta(hours=4))
        came_in(db, settings, text="I will.")


def page(db, choice=Choice.ALL, place=None, **fields):
    with db.read() as session:
        return story_of(session, contact_of(db).id, choice, place or Place(), **fields)


def shown(db, choice):
    """What is shown, a word or sentence each."""
    return [said_of(entry) for entry in page(db, choice).entries]


def said_of(entry):
    match entry:
        case Asked():
            return "asked"
        case Heard():
            return "heard"
        case Said():
            return entry.mail.label
        case Written():
            return "note"
        case _:
            return entry.sentence


def test_everything_is_told_once_in_the_order_it_happened(db, lived):
    told = shown(db, Choice.ALL)
    things = [word for word in told if word in ("asked", "heard", "note", "Reply", "Acknowledgement")]
    assert things == ["heard", "Reply", "note", "Acknowledgement", "asked"]
    assert told.index("note") < told.index("Spoke to them: She starts in May.") < told.index("Acknowledgement")
    assert not [entry for entry in page(db).entries if getattr(entry, "kind", None) in TOLD_OTHERWISE]
    moments = [entry.mail.at if isinstance(entry, Said) else entry.at for entry in page(db).entries]
    assert moments == sorted(moments, reverse=True)


def test_the_conversation_is_what_was_written_and_spoken(db, lived):
    assert shown(db, Choice.CONVERSATION) == [
        "heard",
        "Reply",
        "Spoke to them: She starts in May.",
        "Acknowledgement",
        "asked",
    ]


def test_the_notes_are_what_staff_noted(db, lived):
    assert shown(db, Choice.NOTES) == ["note", "Spoke to them: She starts in May."]


def test_the_follow_ups_are_what_began_waited_and_stopped(db, lived):
    told = " ".join(shown(db, Choice.FOLLOW_UPS))
    assert "Agreed to be followed up by e-mail." in told
    assert "They answered." in told
    assert "asked" not in told


def test_the_facts_are_all_of_them_with_the_mails_to_ourselves(db, lived):
    told = shown(db, Choice.FACTS)
    assert {"Notice to the institute", "Wrote a note.", "Sent an inquiry: Becoming a technical program manager."} <= {
        *told
    }
    assert not {"asked", "heard", "note", "Reply"} & {*told}


@pytest.mark.parametrize("choice", list(Choice))
def test_a_long_story_is_turned_page_by_page_without_loss_or_repetition(db, lived, choice):
    contact_id = contact_of(db).id
    with db.write() as session:
        facts = [
            {
                "contact_id": contact_id,
                "at": clock.now() - timedelta(minutes=n % 7),  # the clock went back and forth
                "kind": (ActivityKind.CALL_NOTED, ActivityKind.ENROLLED)[n % 2],
                "actor": Actor.SYSTEM,
                "account_id": None,
                "sentence": f"fact {n}",
            }
            for n in range(3 * PAGE)
        ]
        session.execute(insert(Activity), facts)
    told, place = [], Place()
    while place is not None:
        turned = page(db, choice, place)
        assert 0 < len(turned.entries) <= PAGE
        told += turned.entries
        place = turned.older
    assert len(told) == len({(type(entry), said_of(entry), repr(entry)) for entry in told})
    numbered = [int(said_of(entry).split()[1]) for entry in told if said_of(entry).startswith("fact ")]
    mine = {Choice.ALL: 1, Choice.FACTS: 1}.get(choice, 2)
    assert numbered == sorted(numbered, reverse=True)
    assert len(numbered) == 3 * PAGE // mine


def test_a_contact_with_nothing_has_an_empty_story(db, lived):
    with db.read() as session:
        assert story_of(session, 10**6, Choice.ALL, Place()).entries == []
