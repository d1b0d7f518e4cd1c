"""Asking for a call from one's own page: an inquiry that waits for its owner, with the times in both clocks."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.factories import ADA, an_account, contact_of, count, messages, submitted
from tpminstitute.contacts.models import ZoneSource
from tpminstitute.contacts.owners import assign
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock, zones
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.letters import source_sentence
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.inbox.service import locked_inquiry, mark_handled
from tpminstitute.mail.models import MessageKind
from tpminstitute.own_page.calls import FURTHEST, MOST_A_DAY, Wish, ask_for_call, calls_of
from tpminstitute.today.items import Whose
from tpminstitute.today.queries import promise_in, today

PHONE = ("020 7946 0958", "+442079460958")


@pytest.fixture
def ada(db, settings):
    """Ada wrote and was answered, and lives in London; the clock stands still but for what a test shifts."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False) as clockwork:
        public_id = submitted(db, settings).public_id
        with db.write() as session:
            seen_to(session, public_id, "Alice")
            contact = locked(session, contact_of(db).id)
            contact.time_zone, contact.time_zone_source = "Europe/London", ZoneSource.PERSON
        clockwork.shift(60)
        yield clockwork


def seen_to(session, public_id, by):
    """Somebody of the institute answers a letter."""
    found = locked_inquiry(session, public_id)
    assert found
    mark_handled(session, found, an_account(session, by).id)


def asked(db, settings, after=timedelta(days=2), of=ADA, **parts):
    """Ask for a call. Returns: the inquiry that it became."""
    said = {"moments": [clock.now() + after], "phone_typed": PHONE[0], "phone_e164": PHONE[1]}
    said |= {"about": "Which course fits?", "nonce": "one"}
    with db.write() as session:
        found = ask_for_call(session, settings, locked(session, contact_of(db, of).id), Wish(**said | parts))
        return found.public_id


def inquiry(db, public_id):
    with db.read() as session:
        return session.scalars(select(Inquiry).where(Inquiry.public_id == public_id)).one()


def calls(db, settings):
    with db.read() as session:
        return calls_of(session, settings, contact_of(db))


def test_a_call_is_an_inquiry_that_says_the_times_by_both_clocks(db, settings, ada):
    moment = clock.now() + timedelta(days=2)
    found = inquiry(db, asked(db, settings))
    assert found.state is InquiryState.OPEN
    assert found.message.startswith(f"Please call me at {PHONE[0]}. This time suits me:\n- ")
    assert zones.written(moment, ZoneInfo("Europe/London")) in found.message
    assert zones.written(moment, settings.institute_zone) in found.message
    assert found.message.endswith("What it is about:\nWhich course fits?")
    assert source_sentence(found) == "Wrote on the page about themselves, to ask for a call"


def test_it_waits_on_today_for_whoever_owns_them_and_is_acknowledged(db, settings, ada):
    with db.write() as session:
        bob = an_account(session, "Bob").id
        assign(session, locked(session, contact_of(db).id), bob, bob, instead_of=None)
    asked(db, settings)
    with db.read() as session:
        (item,) = today(session, settings, Whose(bob)).items
    assert (item.source, item.name, item.owner_id) == ("people", "Ada Lovelace", bob)
    assert item.excerpt.startswith("Please call me")
    mails = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    assert len(mails) == 2


def test_the_page_shows_it_with_its_promise_until_it_was_seen_to(db, settings, ada):
    public_id = asked(db, settings)
    (call,) = calls(db, settings)
    with db.read() as session:
        assert call.due == promise_in(session, settings).due_at(clock.now())
    assert (call.answered, call.late) == (False, False)
    ada.move_to(call.due + timedelta(seconds=1))
    assert calls(db, settings)[0].late
    with db.write() as session:
        seen_to(session, public_id, "Carol")
    (call,) = calls(db, settings)
    assert (call.answered, call.due) == (True, None)


def test_the_same_form_twice_is_one_call(db, settings, ada):
    assert asked(db, settings) == asked(db, settings)
    assert asked(db, settings, about="Something else") != asked(db, settings)
    assert count(db, Inquiry) == 3


@on_sqlite
@pytest.mark.parametrize("after", [timedelta(0), -timedelta(days=1), FURTHEST + timedelta(seconds=1)])
def test_a_time_that_is_over_or_too_far_ahead_is_refused(db, settings, ada, after):
    with pytest.raises(Refusal, match="Nothing was sent"):
        asked(db, settings, after)
    assert count(db, Inquiry) == 1


@on_sqlite
def test_a_flood_of_calls_ends_and_the_first_ones_are_kept(db, settings, ada):
    for number in range(MOST_A_DAY):
        asked(db, settings, nonce=str(number))
    asked(db, settings, nonce="0")
    with pytest.raises(Refusal, match="The others were kept"):
        asked(db, settings, nonce="more")
    assert count(db, Inquiry) == MOST_A_DAY + 1


def test_what_a_stranger_writes_is_weighed_and_what_is_suspected_is_set_apart(db, settings, ada):
    submitted(db, settings, email="charlie@example.org", name="Charlie")
    spam = "Cheap casino viagra pills https://a.example https://b.example https://c.example https://d.example"
    assert inquiry(db, asked(db, settings, of="charlie@example.org", about=spam)).state is InquiryState.SUSPECTED
    assert inquiry(db, asked(db, settings, about=spam)).state is InquiryState.OPEN
    with db.read() as session:
        (apart,) = calls_of(session, settings, contact_of(db, "charlie@example.org"))
    assert (apart.due, apart.answered) == (calls(db, settings)[0].due, False)
