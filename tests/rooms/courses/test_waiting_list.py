"""Waiting lists: joined by a letter, kept in order, told by a person, followed through merging and erasing."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from tests.conftest import on_sqlite
from tests.factories import an_account, contact_of, messages, submitted
from tests.rooms.courses_kept import TITLE, a_course, a_date, joins, kept_course, said_full, seen, seen_course
from tests.rooms.test_schema import refused
from tpminstitute.accounts.models import Role
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.courses import editing
from tpminstitute.courses.asking import asked_course, key_of
from tpminstitute.inbox import sending, waiting_list
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.unsent import Unsent, draft_of
from tpminstitute.inbox.wait_models import CourseWait
from tpminstitute.inbox.waiting_list import count_waiting, take_off, tell, waits_of, who_waits
from tpminstitute.mail.models import MessageKind
from tpminstitute.merging.choices import Choices
from tpminstitute.merging.service import merge
from tpminstitute.merging.undoing import unmerge
from tpminstitute.privacy import export
from tpminstitute.privacy.erasing import erase
from tpminstitute.timeline.models import Activity, ActivityKind

BOB = "bob@example.org"


@pytest.fixture
def full(db, settings, alice, course):
    """A date of the course, whose last place went."""
    date_id = a_date(db, course, alice.id)
    said_full(db, settings, date_id, alice.id)
    return date_id


def place_on(db, course):
    """What a letter asks for that wants a place on the course's first date."""
    found = seen_course(db, course)
    return asked_course(seen(db), key_of(found, found.dates[0], waits=True))


def begun(session, alice, contact):
    return draft_of(session, contact.id, alice.id)


def waiting(db, course):
    with db.read() as session:
        return list(who_waits(session, course))


def names(db, course):
    return [one.name for one in waiting(db, course)]


def facts(db):
    with db.read() as session:
        kinds = Activity.kind == ActivityKind.WAITING_LIST
        return session.scalars(select(Activity.sentence).where(kinds).order_by(Activity.id)).all()


def told(db, settings, course, alice, wait, before=None):
    with db.write() as session:
        return tell(session, settings, course, wait.id, before, alice.id)


def test_who_asks_for_a_place_waits_in_the_order_of_the_letters(db, settings, course, full, clockwork):
    joins(db, settings, course)
    clockwork.shift(timedelta(minutes=1))
    joins(db, settings, course, email=BOB, name="Bob Brown")
    assert names(db, course) == ["Ada Lovelace", "Bob Brown"]
    assert {one.course_date_id for one in waiting(db, course)} == {full}
    words = f"Asked for a place on the waiting list for “{TITLE}” on Mon 3 May 2027 09:00 (America/New_York)."
    assert facts(db) == [words, words]


def test_a_second_letter_and_a_replay_change_nothing(db, settings, course, full, clockwork):
    public_id = joins(db, settings, course)
    asked = place_on(db, course)
    clockwork.shift(timedelta(minutes=1))
    joins(db, settings, course)
    with db.write() as session:
        waiting_list.join(session, public_id, asked)
    (one,) = waiting(db, course)
    assert one.joined_at == clock.now() - timedelta(minutes=1)
    assert len(facts(db)) == 1


def test_a_replay_does_not_bring_back_who_was_taken_off_and_a_new_letter_does(db, settings, alice, course, full):
    public_id = joins(db, settings, course)
    asked = place_on(db, course)
    with db.write() as session:
        take_off(session, course, waiting(db, course)[0].id, "Changed their mind.", alice.id)
    with db.write() as session:
        waiting_list.join(session, public_id, asked)
    assert waiting(db, course) == []
    joins(db, settings, course)
    assert names(db, course) == ["Ada Lovelace"]


def test_one_may_wait_for_a_date_and_for_the_next_one_there_is(db, settings, course, full):
    joins(db, settings, course)
    joins(db, settings, course, dated=False)
    with db.read() as session:
        assert count_waiting(session) == {(course, full): 1, (course, None): 1}


def test_what_was_set_apart_waits_once_it_is_released(db, settings, course, full):
    joins(db, settings, course, suspicions=["The form was filled within two seconds."])
    with db.read() as session:
        assert count_waiting(session) == {}
    assert waiting(db, course) == []
    with db.write() as session:
        session.execute(text("UPDATE inquiries SET state = 'open'"))
    assert names(db, course) == ["Ada Lovelace"]


def test_a_letter_to_one_who_waits_is_begun_and_not_sent(db, settings, alice, course, full):
    joins(db, settings, course)
    before = len(messages(db))
    public_id = told(db, settings, course, alice, waiting(db, course)[0])
    contact = contact_of(db)
    assert public_id == contact.public_id
    with db.read() as session:
        draft = begun(session, alice, contact)
    assert draft.subject == f"“{TITLE}”"
    assert draft.text == (
        f"Hello Ada,\n\na place is free in “{TITLE}”: Monday, 3 May 2027, 09:00, New York time (UTC−4). You asked to "
        "be told:\nhttp://institute.test/courses/leading-programs\n\n"
        "Would you still like to come? Answer this e-mail, and I look whether it is still possible then."
    )
    (one,) = waiting(db, course)
    assert (one.told_by, one.told_at, one.written_at) == ("Alice", clock.now(), None)
    assert len(messages(db)) == before


def test_the_list_says_whether_a_reply_was_written_since(db, settings, alice, course, full, clockwork):
    joins(db, settings, course)
    told(db, settings, course, alice, waiting(db, course)[0])
    clockwork.shift(timedelta(minutes=5))
    contact = contact_of(db)
    with db.write() as session:
        draft = begun(session, alice, contact)
        sent = Unsent(draft.subject, draft.text, draft.nonce)
        sending.send(session, settings, contact, alice.account, sent)
    assert messages(db, kind=MessageKind.REPLY)
    assert waiting(db, course)[0].written_at == clock.now()


def test_of_two_colleagues_who_write_at_once_the_later_one_is_told(db, settings, alice, course, full):
    joins(db, settings, course)
    (one,) = waiting(db, course)
    told(db, settings, course, alice, one)
    with pytest.raises(Refusal, match="A letter to them was begun meanwhile"):
        told(db, settings, course, alice, one)
    told(db, settings, course, alice, one, before=clock.now())


def test_who_waits_for_a_next_date_is_told_of_a_date_and_of_no_place(db, settings, alice, course):
    joins(db, settings, course, dated=False)
    told(db, settings, course, alice, waiting(db, course)[0])
    with db.read() as session:
        draft = begun(session, alice, contact_of(db))
    assert f"“{TITLE}” has a date now, and you asked to be told:" in draft.text


def test_who_is_taken_off_leaves_for_a_reason_that_the_timeline_says(db, settings, alice, course, full):
    joins(db, settings, course)
    (one,) = waiting(db, course)
    for why in ("", " \u200b", "w" * 201):
        with db.write() as session, pytest.raises(Refusal):
            take_off(session, course, one.id, why, alice.id)
    with db.write() as session:
        take_off(session, course, one.id, "Has a place.", alice.id)
    assert waiting(db, course) == []
    assert facts(db)[-1] == f"Taken off the waiting list of “{TITLE}”: Has a place."
    with db.write() as session, pytest.raises(Refusal, match="not on this list any more"):
        take_off(session, course, one.id, "Again", alice.id)


@on_sqlite
def test_a_wait_is_not_touched_by_way_of_another_course(db, settings, alice, course, full):
    joins(db, settings, course)
    other = a_course(db, alice.id, title="Another")
    (one,) = waiting(db, course)
    with db.write() as session, pytest.raises(Refusal, match="not on this list"):
        take_off(session, other, one.id, "Why", alice.id)
    with pytest.raises(Refusal, match="not on this list"):
        told(db, settings, other, alice, one)


def test_who_waited_for_a_date_that_was_taken_back_waits_for_the_next_one(db, settings, alice, course, full):
    joins(db, settings, course)
    joins(db, settings, course, email=BOB, name="Bob Brown")
    joins(db, settings, course, email=BOB, name="Bob Brown", dated=False)
    with db.write() as session:
        assert waiting_list.remove_date(session, course, full, alice.id) == 1
    assert [(one.name, one.course_date_id) for one in waiting(db, course)] == [
        ("Ada Lovelace", None),
        ("Bob Brown", None),
    ]


def test_a_letter_for_a_date_that_was_removed_meanwhile_waits_for_the_next_one(db, settings, alice, course, full):
    asked = place_on(db, course)
    with db.write() as session:
        waiting_list.remove_date(session, course, full, alice.id)
    inquiry = submitted(db, settings)
    with db.write() as session:
        waiting_list.join(session, inquiry.public_id, asked)
    assert waiting(db, course)[0].course_date_id is None


def test_an_inquiry_says_what_it_put_its_writer_on_the_list_for(db, settings, course, full):
    public_id = joins(db, settings, course)
    with db.read() as session:
        found = session.scalars(select(Inquiry.id).where(Inquiry.public_id == public_id)).one()
        assert waits_of(session, found).startswith("a place on the waiting list for")
        assert waits_of(session, 0) == ""


@on_sqlite
@pytest.mark.parametrize("key", ["", "course:", "course:nothing", "date:0", "wait:", "wait:wait:course:x", "x" * 9_000])
def test_a_key_that_names_nothing_is_about_nothing(db, course, key):
    assert asked_course(seen(db), key) is None


@on_sqlite
def test_a_letter_cannot_be_about_a_course_that_is_hidden(db, alice, course, full):
    found = seen_course(db, course)
    keys = [key_of(found), key_of(found, found.dates[0]), key_of(found, waits=True)]
    assert all(asked_course(seen(db), key) for key in keys)
    with db.write() as session:
        editing.hide(session, course, alice.id)
    assert not any(asked_course(seen(db), key) for key in keys)


@on_sqlite
def test_what_is_asked_about_fits_where_it_is_kept_however_long_the_title_and_the_zone(db, alice):
    course = a_course(db, alice.id, title="t" * 100)
    a_date(db, course, alice.id, time_zone="America/Argentina/ComodRivadavia")
    assert len(place_on(db, course).words) <= 200


def merged(db, alice, first, second):
    with db.write() as session:
        return merge(session, contact_of(db, first).id, contact_of(db, second).id, Choices(), alice.id)


def test_a_place_on_the_list_goes_along_when_two_become_one_and_back_again(db, settings, alice, course, full):
    submitted(db, settings)
    joins(db, settings, course, email=BOB, name="Bob Brown")
    found = merged(db, alice, "ada@example.org", BOB)
    assert names(db, course) == ["Ada Lovelace"]
    with db.write() as session:
        unmerge(session, found, alice.id)
    assert names(db, course) == ["Bob Brown"]


def test_of_two_places_of_one_person_the_earlier_one_holds(db, settings, alice, course, full, clockwork):
    submitted(db, settings)
    joins(db, settings, course, email=BOB, name="Bob Brown")
    clockwork.shift(timedelta(minutes=1))
    joins(db, settings, course)
    merged(db, alice, "ada@example.org", BOB)
    (one,) = waiting(db, course)
    assert (one.name, one.joined_at) == ("Ada Lovelace", clock.now() - timedelta(minutes=1))


def test_what_is_held_about_a_person_says_what_they_wait_for(db, settings, course, full):
    joins(db, settings, course)
    out = io.BytesIO()
    with db.read() as session:
        export.write(session, "The institute", contact_of(db).id, out)
    with zipfile.ZipFile(out) as archive:
        (row,) = json.loads(archive.read("data.json"))["course_waits"]
        assert TITLE in archive.read("index.html").decode()
    assert row["about"].startswith(f"a place on the waiting list for “{TITLE}”")


def test_who_is_erased_waits_for_nothing_and_a_replay_does_not_bring_them_back(db, settings, alice, course, full):
    public_id = joins(db, settings, course)
    asked = place_on(db, course)
    with db.write() as session:
        bob = an_account(session, "Bob", Role.ADMINISTRATOR)
        erase(session, contact_of(db).id, bob.id)
    with db.write() as session:
        waiting_list.join(session, public_id, asked)
        assert session.scalars(select(CourseWait)).all() == []


@pytest.mark.parametrize(
    "values",
    ["left_why = 'x'", "left_at = joined_at", "waits_for = 'left 1'", "told_at = joined_at", "about = ''"],
)
def test_the_database_refuses_a_wait_that_cannot_be(db, settings, course, full, values):
    joins(db, settings, course)
    refused(db, text(f"UPDATE course_waits SET {values}"))


def test_the_course_that_somebody_waits_for_stays(db, settings, course, full):
    joins(db, settings, course)
    refused(db, text("DELETE FROM course_dates"))
    assert kept_course(db, course)
