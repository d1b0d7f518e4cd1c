"""At the desk: the page of today, what can be done right there, and reminders."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import count
from tests.rooms.commented import commented, states
from tests.rooms.waits import (
    a_draft_waits,
    a_mail_failed,
    a_mail_to_look_at,
    looked_after,
    many_wait,
    somebody_waits,
)
from tpminstitute.accounts.models import Account, Role
from tpminstitute.comments.models import Comment, CommentState
from tpminstitute.inbox.conversations import turn_of
from tpminstitute.inbox.models import Turn
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.pipeline.models import Reminder
from tpminstitute.pipeline.reminders import Wanted, remind
from tpminstitute.sequences.models import DraftStatus, FollowUpDraft
from tpminstitute.sequences.pauses import pause_for_contact

pytestmark = on_sqlite
"""What the database has to do with it is in tests/rooms/test_today.py and test_reminders.py, on both."""

MONDAY_NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
"""Noon in New York."""

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clockwork():
    with time_machine.travel(MONDAY_NOON, tick=False) as clockwork:
        yield clockwork


@pytest.fixture
def ada(db, settings):
    """Ada, who waits since the morning and agreed to follow-ups."""
    return somebody_waits(db, settings, MONDAY_NOON - 3 * HOUR, "Ada Lovelace", consents=True)


@pytest.fixture
def call_ada(db, settings, desk, ada):
    """Alice is to call Ada at one o'clock; the reminder's public id."""
    with db.write() as session:
        alice = session.scalars(select(Account.id)).one()
        return remind(session, settings, ada.id, Wanted(alice, MONDAY_NOON + HOUR, "Call her"), alice).public_id


def rows(page):
    """The rows of the list, each as its words."""
    return [row.words for row in page.all("li") if "data-row" in row.attrs]


def row(page, words):
    return next(row for row in page.all("li") if "data-row" in row.attrs and words in row.words)


def says(answer, desk):
    assert answer.status_code == 303
    page = desk.page(answer.location)
    return " ".join(n.words for n in page.all("div", role="status")), page


def kept(db, reminder):
    with db.read() as session:
        return session.scalars(select(Reminder).where(Reminder.public_id == reminder)).one()


# --- the page -----------------------------------------------------------------------------------------------


def test_the_first_page_of_the_desk_shows_what_needs_a_person(db, desk, ada):
    a_mail_to_look_at(db, MONDAY_NOON - 50 * HOUR)
    a_mail_failed(db, ada, MONDAY_NOON - 100 * HOUR)
    page = desk.page("/staff/")
    assert [re.split(r"\s{2,}|(?= Inquiry| Mail| To look)", words)[0] for words in rows(page)] == [
        "Ada Lovelace 3 days over",
        "Mallory due today 17:00",
        "Ada Lovelace due today 17:00",
    ]
    assert "(3) Today" in page.first("title").text
    assert "Answers are promised within 8 working hours. Open until 17:00." in page.words


def test_the_headings_say_how_the_promises_stand(db, desk, settings, ada):
    somebody_waits(db, settings, MONDAY_NOON - 100 * HOUR)
    somebody_waits(db, settings, MONDAY_NOON - 71 * HOUR)
    headings = [heading.words for heading in desk.page("/staff/").first("ol", class_="needs").all("h2")]
    assert headings == ["Overdue", "Due soon", "In time"]


def test_an_empty_page_teaches_what_will_be_there(desk):
    page = desk.page("/staff/")
    assert "Nothing needs anybody just now. Who writes to the institute appears here" in page.words
    assert page.first("title").text.startswith("Today")


def test_it_narrows_to_ones_own_and_to_one_kind(db, desk, settings, ada, call_ada):
    bobs = somebody_waits(db, settings, MONDAY_NOON, "Grace")
    assert len(rows(desk.page("/staff/"))) == 3
    assert [words[:12] for words in rows(desk.page("/staff/?whose=mine"))] == ["Ada Lovelace"]
    looked_after(db, bobs, 1)
    assert len(rows(desk.page("/staff/?whose=mine&only=people"))) == 1
    assert "Nothing of this needs anybody" in desk.page("/staff/?only=drafts").words


def test_a_long_list_turns_its_pages(db, desk):
    many_wait(db, 52, MONDAY_NOON)
    page = desk.page("/staff/")
    assert len(rows(page)) == 50
    further = next(link for link in page.all("a") if link.words == "Further down")
    assert len(rows(desk.page(further["href"]))) == 2


@pytest.mark.parametrize("after", ["people-99999999999999999-1", "nonsense", "people-1-1-1", "drafts-0-999999999"])
def test_a_place_that_can_not_be_is_none(desk, ada, after):
    desk.page(f"/staff/?after={after}&whose=no&only=thing")


def test_a_reader_looks_and_finds_nothing_to_press(db, desk_of, ada):
    charlies = desk_of("Charlie", Role.READER)
    page = charlies.page("/staff/")
    assert len(rows(page)) == 1
    assert row(page, "Ada").all("button") == []
    answer = charlies.client.post(f"/staff/today/people/{ada.public_id}/done", data={"csrf_token": charlies.token})
    assert answer.status_code == 403


def test_hostile_words_are_shown_and_do_nothing(db, desk, settings):
    somebody_waits(db, settings, MONDAY_NOON, "<script>x</script>\u202e", message="<img src=x onerror=y>")
    page = desk.page("/staff/")
    assert "<script>x</script>⟨U+202E⟩" in rows(page)[0]
    assert page.first("ol", class_="needs").all("img") == []


# --- what is new --------------------------------------------------------------------------------------------


def test_an_open_page_learns_what_is_new_and_costs_nothing_while_nothing_is(db, desk, settings, ada, clockwork):
    page = desk.page("/staff/")
    etag = {"If-None-Match": f'"{page.with_id("needs")["data-version"]}"'}
    unchanged = desk.client.get("/staff/today/list", headers=etag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    somebody_waits(db, settings, MONDAY_NOON, "Grace")
    changed = desk.client.get("/staff/today/list", headers=etag)
    assert len(rows(read(changed.text))) == 2
    assert read(changed.text).with_id("needs")["data-total"] == "2"
    assert "People waiting 2" in read(changed.text).first("nav").words


def test_a_clock_that_moved_on_is_news_as_well(desk, ada, clockwork):
    version = desk.page("/staff/").with_id("needs")["data-version"]
    clockwork.shift(2 * HOUR)
    answer = desk.client.get("/staff/today/list", headers={"If-None-Match": f'"{version}"'})
    assert answer.status_code == 200


# --- what can be done there ---------------------------------------------------------------------------------


def test_a_conversation_is_done_from_the_list_and_waits_again_by_undo(db, desk, ada):
    page = desk.page("/staff/?whose=nobodys")
    answer = desk.press("Done", row(page, "Ada"))
    assert answer.location == "/staff/?whose=nobodys"
    after = desk.page(answer.location)
    assert rows(after) == []
    assert "Ada Lovelace is marked as done." in after.first("div", class_="undo").words
    desk.press("Undo", after)
    with db.read() as session:
        turn = turn_of(session, ada.id)
    assert turn is not None
    assert (turn.turn, turn.since) == (Turn.INSTITUTE, MONDAY_NOON - 3 * HOUR)


def test_an_undo_that_somebody_made_up_is_none(desk, ada):
    answer = desk.client.post("/staff/today/undo/forged", data={"csrf_token": desk.token})
    assert answer.status_code == 404


def test_an_undo_that_came_twice_says_so(desk, ada):
    after = desk.page(desk.press("Done", row(desk.page("/staff/"), "Ada")).location)
    desk.press("Undo", after)
    told, _ = says(desk.press("Undo", after), desk)
    assert "there is nothing to undo" in told


def test_a_draft_is_sent_from_the_list(db, desk, ada):
    draft = a_draft_waits(db, MONDAY_NOON, ada.email)
    with db.write() as session:
        pause_for_contact(session, ada.id, "Alice wrote to them.", None)
    answer = desk.press("Send it", row(desk.page("/staff/"), "Draft"))
    assert answer.location == "/staff/"
    with db.read() as session:
        assert session.get_one(FollowUpDraft, draft).status is DraftStatus.APPROVED


def test_a_failed_mail_is_sent_again_from_the_list(db, desk, ada):
    message_id = a_mail_failed(db, ada, MONDAY_NOON)
    told, page = says(desk.press("Send again", row(desk.page("/staff/"), "Mail failed")), desk)
    assert told == "Queued to be sent again."
    assert len(rows(page)) == 1
    with db.read() as session:
        assert session.get_one(Message, message_id).status is MessageStatus.QUEUED


def test_a_comment_is_published_from_the_list_and_waits_again_by_undo(db, settings, desk):
    commented(db, settings, name="Grace")
    address = "/staff/?only=comments"
    answer = desk.press("Publish", row(desk.page(address), "Grace"))
    assert answer.location == address
    told, after = says(answer, desk)
    assert told.startswith("It is public now.")
    assert states(db) == [CommentState.PUBLISHED]
    assert desk.press("Undo", after).location == address
    assert states(db) == [CommentState.HELD]


def test_a_comment_is_refused_from_the_list(db, settings, desk):
    commented(db, settings, name="Grace")
    assert desk.press("Refuse", row(desk.page("/staff/"), "Grace")).location == "/staff/"
    assert states(db) == [CommentState.REFUSED]


def test_a_comment_that_was_changed_meanwhile_is_not_published_from_the_list(db, settings, desk):
    commented(db, settings, name="Grace")
    stale = row(desk.page("/staff/"), "Grace")
    with db.write() as session:
        session.scalars(select(Comment)).one().number += 1
    told, _ = says(desk.press("Publish", stale), desk)
    assert "changed the comment while you were reading" in told
    assert states(db) == [CommentState.HELD]


def test_nobody_publishes_unread_a_comment_of_which_the_list_shows_only_the_beginning(db, settings, desk):
    comment = commented(db, settings, name="Grace", body="Where does one find a mentor? " * 5)
    (doing,) = row(desk.page("/staff/"), "Grace").first("div", class_="need-doings").all("a")
    assert (doing.words, doing["href"]) == ("Read it all: Grace", f"/staff/comments/{comment.public_id}")


def test_a_reminder_is_done_from_the_list_and_waits_again_by_undo(db, desk, call_ada):
    answer = desk.press("Done", row(desk.page("/staff/"), "Call her"))
    after = desk.page(answer.location)
    assert kept(db, call_ada).done_at == MONDAY_NOON
    desk.press("Undo", after)
    assert kept(db, call_ada).done_at is None


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"until": "hour"}, datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ({"until": "tomorrow"}, datetime(2026, 11, 24, 14, tzinfo=UTC)),
        ({"until": "monday"}, datetime(2026, 11, 30, 14, tzinfo=UTC)),
        ({"until": "day", "day": "2026-12-24"}, datetime(2026, 12, 24, 14, tzinfo=UTC)),
    ],
)
def test_a_reminder_is_put_off_and_due_as_before_by_undo(db, desk, call_ada, fields, due):
    url = f"/staff/reminders/{call_ada}/snooze"
    after = desk.page(desk.client.post(url, data={"csrf_token": desk.token} | fields).location)
    assert kept(db, call_ada).due_at == due
    desk.press("Undo", after)
    assert kept(db, call_ada).due_at == MONDAY_NOON + HOUR


@pytest.mark.parametrize("fields", [{}, {"until": "day", "day": "soon"}, {"until": "day", "day": "2020-01-01"}])
def test_putting_off_until_no_day_says_what_to_do(db, desk, call_ada, fields):
    url = f"/staff/reminders/{call_ada}/snooze"
    told, _ = says(desk.client.post(url, data={"csrf_token": desk.token} | fields), desk)
    assert told.startswith("Choose a")
    assert kept(db, call_ada).due_at == MONDAY_NOON + HOUR


def test_a_reminder_has_keys_in_its_list_and_none_beside_a_contact_whose_own_keys_hold_there(db, desk, ada, call_ada):
    def keys(address):
        found = row(desk.page(address), "Call her").inner
        return [e["data-row-key"] for e in found if e["data-row-key"]], [e.words for e in found if e["class"] == "hint"]

    assert keys("/staff/reminders") == (["d", "s"], ["d", "s"])
    assert keys(f"/staff/contacts/{ada.public_id}") == ([], [])


# --- reminders ----------------------------------------------------------------------------------------------


def set_one(desk, ada, **fields):
    typed = {"text": "Call her", "due": "2026-11-24T09:30", "for": "1", "csrf_token": desk.token} | fields
    return desk.client.post(f"/staff/contacts/{ada.public_id}/reminders", data=typed)


def test_a_reminder_is_set_by_the_institutes_clock_and_taken_back_by_undo(db, desk, ada):
    answer = set_one(desk, ada)
    assert answer.location == f"/staff/contacts/{ada.public_id}"
    with db.read() as session:
        assert session.scalars(select(Reminder.due_at)).one() == datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
    desk.press("Undo", desk.page(answer.location))
    assert count(db, Reminder) == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": " "}, "Write what is to be done."),
        ({"due": "soon"}, "Write a day and a time"),
        ({"due": "2026-11-23T09:00"}, "still to come"),
        ({"for": "99"}, "Choose somebody"),
    ],
)
def test_one_that_can_not_be_kept_comes_back_as_it_was_typed(db, desk, ada, wrong, sentence):
    answer = set_one(desk, ada, **({"text": "Call <b>her</b>"} | wrong))
    assert answer.status_code == 422
    page = read(answer.text)
    assert sentence in page.words
    assert page.with_id("remind-text").text.strip() == wrong.get("text", "Call <b>her</b>").strip()
    assert count(db, Reminder) == 0


def test_the_lists_show_ones_own_everybodys_and_what_is_done(db, desk, desk_of, ada, call_ada):
    bobs = desk_of("Bob")
    assert rows(bobs.page("/staff/reminders")) == []
    assert len(rows(bobs.page("/staff/reminders?show=all"))) == 1
    assert "for Alice" in rows(bobs.page("/staff/reminders?show=all"))[0]
    answer = bobs.press("Done", row(bobs.page("/staff/reminders?show=all"), "Call her"))
    assert answer.location == "/staff/reminders?show=all"
    assert "by Bob" in rows(bobs.page("/staff/reminders?show=done"))[0]


def test_a_stale_page_shows_both_texts_and_overwrites_nothing(db, desk, desk_of, ada, call_ada):
    address = f"/staff/reminders/{call_ada}"
    bobs, alices = desk_of("Bob"), desk.page(address)
    bobs.press("Save", bobs.page(address), text="Ask about June")
    answer = desk.press("Save", alices, text="Ask about May")
    assert answer.status_code == 409
    page = read(answer.text)
    assert "A colleague changed this reminder in between." in page.words
    assert "Ask about June" in page.words
    assert page.with_id("remind-text").text.strip() == "Ask about May"
    assert kept(db, call_ada).text == "Ask about June"
    page.attrs["address"] = address
    desk.press("Save", page)
    assert kept(db, call_ada).text == "Ask about May"


def test_a_reminder_of_nobodys_is_not_there(desk, ada):
    assert desk.client.get("/staff/reminders/nothing").status_code == 404
    told, _ = says(desk.client.post("/staff/reminders/nothing/done", data={"csrf_token": desk.token}), desk)
    assert told == "There is no such reminder any more. Nothing was changed."
