"""Around a reply at the desk: undo, send later, drafts, and what colleagues see of each other."""

from datetime import timedelta

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.doors.mails import came_in
from tests.factories import ADA, contact_of, messages, submitted
from tests.rooms.post import Post
from tpminstitute.accounts.models import Role
from tpminstitute.core import clock
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import MessageKind, MessageStatus

pytestmark = on_sqlite

MONDAY = "2026-03-02 10:00Z"


def home_of(db):
    return f"/staff/contacts/{contact_of(db).public_id}"


def says(answer, desk):
    assert answer.status_code == 303
    return " ".join(n.words for n in desk.page(answer.location).all("div", class_="notice", role="status"))


def replies(db):
    return messages(db, kind=MessageKind.REPLY)


def editor(desk, db):
    return desk.page(home_of(db)).with_id("reply-text").text.removeprefix("\n")


def arrived(db, settings, after):
    post = Post()
    with time_machine.travel(clock.now() + after):
        deliver(db, post, settings)
    return [recipient for recipient in post.recipients if recipient == ADA]


@pytest.fixture
def ada(db, settings):
    """Ada wrote; her mails are out."""
    submitted(db, settings, phone=("020 7946 0958", "+442079460958"))
    deliver(db, Post(), settings)


# --- undo --------------------------------------------------------------------------------------------------


def test_a_reply_can_be_undone_for_ten_seconds_and_is_in_the_editor_again(db, settings, desk, ada):
    answer = desk.press("Send reply", desk.page(home_of(db)), text="Yes, on Tuesdays.")
    bar = desk.page(answer.location).first("div", class_="undo")
    assert "You can take the reply back for ten seconds." in bar.words
    undone = desk.press("Undo", bar)
    assert undone.location.endswith("#reply-text")
    assert "taken back" in says(undone, desk)
    assert editor(desk, db) == "Yes, on Tuesdays."
    assert arrived(db, settings, timedelta(minutes=1)) == []
    assert "Yes, on Tuesdays." not in desk.page(home_of(db)).first("ol", class_="happened").words


def test_an_undo_that_comes_too_late_says_so(db, settings, desk, ada):
    answer = desk.press("Send reply", desk.page(home_of(db)), text="Yes, on Tuesdays.")
    bar = desk.page(answer.location).first("div", class_="undo")
    assert arrived(db, settings, timedelta(minutes=1)) == [ADA]
    refused = desk.press("Undo", bar)
    assert "#" not in refused.location  # the top of the page says why
    assert "It was too late to take the reply back" in says(refused, desk)
    assert editor(desk, db) == ""


def test_as_long_as_it_has_not_gone_a_reply_is_taken_back_from_the_timeline_too(db, settings, desk, ada):
    desk.press("Send reply", desk.page(home_of(db)), text="Yes, on Tuesdays.")
    assert "taken back" in says(desk.press("Take back", desk.page(home_of(db))), desk)
    assert arrived(db, settings, timedelta(minutes=1)) == []


# --- later -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whose", "when", "goes_at"),
    [
        ("theirs", "2026-03-03T09:00", "2026-03-03 09:00"),
        ("ours", "2026-03-03T09:00", "2026-03-03 14:00"),
        ("theirs", "2026-03-29T01:30", "2026-03-29 01:00"),  # that night the clock goes from one to two
    ],
)
def test_a_reply_goes_at_a_moment_by_either_clock(db, desk_of, ada, whose, when, goes_at):
    with time_machine.travel(MONDAY, tick=False):
        desk = desk_of()
        answer = desk.press("Send then", desk.page(home_of(db)), text="Dear Ada", when=when, clock=whose)
        assert "The reply waits until" in says(answer, desk)
    (reply,) = replies(db)
    assert f"{reply.due_at:%Y-%m-%d %H:%M}" == goes_at


def test_a_reply_for_later_stands_among_what_is_to_come_and_can_be_changed(db, settings, desk, ada):
    desk.press("Send then", desk.page(home_of(db)), text="Dear Ada")
    page = desk.page(home_of(db))
    ahead = page.first("ol", class_="to-happen")
    assert "Alice’s reply" in ahead.words
    assert "Dear Ada" in ahead.words
    assert "Dear Ada" not in page.first("ol", class_="happened").words
    desk.press("Take back and change", ahead)
    assert editor(desk, db) == "Dear Ada"
    assert arrived(db, settings, timedelta(days=3)) == []


@pytest.mark.parametrize(
    "when", ["", "tomorrow", "2026-13-40T99:99", "2020-01-01T09:00", "0001-01-01T00:00", "9999-12-31T23:59"]
)
def test_a_moment_that_is_none_keeps_what_was_typed(db, desk, ada, when):
    answer = desk.press("Send then", desk.page(home_of(db)), text="Dear Ada", when=when)
    assert answer.status_code == 422
    page = read(answer.text)
    assert "Choose a" in page.with_id("reply-text-error").words
    assert page.with_id("reply-text").text.strip() == "Dear Ada"
    assert "open" in page.first("details", class_="send-later").attrs
    assert not replies(db)


def test_who_writes_first_holds_the_reply_back_and_a_person_decides(db, settings, desk, ada):
    desk.press("Send then", desk.page(home_of(db)), text="Dear Ada")
    came_in(db, settings, text="I found it by myself.")
    page = desk.page(home_of(db))
    notice = next(n for n in page.all("div", class_="notice") if "held back" in n.words)
    assert "They wrote before it went." in notice.words
    assert "on its way" in says(desk.press("Send it now", notice), desk)
    assert arrived(db, settings, timedelta(minutes=1)) == [ADA]
    assert "isn't held back any more" in says(desk.press("Send it now", notice), desk)


def test_a_held_back_reply_to_a_closed_address_stays_held_back_and_says_why(db, settings, desk, ada):
    desk.press("Send then", desk.page(home_of(db)), text="Dear Ada")
    came_in(db, settings, text="I found it by myself.")
    notice = next(n for n in desk.page(home_of(db)).all("div", class_="notice") if "held back" in n.words)
    desk.press("Close address", desk.page("/staff/suppressions"), email=ADA, note="Asked on the phone.")
    assert "is closed" in says(desk.press("Send it now", notice), desk)
    assert [reply.status for reply in replies(db)] == [MessageStatus.HELD]


# --- drafts and colleagues ---------------------------------------------------------------------------------


def keep(desk, db, text, nonce="n1"):
    data = {"csrf_token": desk.token, "subject": "Re: x", "text": text, "nonce": nonce}
    return desk.client.post(f"{home_of(db)}/reply/draft", data=data)


def test_a_draft_is_kept_by_a_button_and_is_there_again(db, desk, ada):
    answer = desk.press("Keep draft", desk.page(home_of(db)), text="Half a", subject="My own")
    assert "The draft is kept." in says(answer, desk)
    assert editor(desk, db) == "Half a"
    assert desk.page(home_of(db)).with_id("reply-subject")["value"] == "My own"
    assert not replies(db)


def test_what_the_script_keeps_is_the_writers_alone_and_a_colleague_sees_that_somebody_writes(db, desk, desk_of, ada):
    assert keep(desk, db, "Half a").json == {"kept": True, "nonce": "n1"}
    assert editor(desk, db) == "Half a"
    bob = desk_of("Bob")
    page = bob.page(home_of(db))
    assert page.with_id("reply-text").text.strip() == ""
    assert "Alice is writing a reply, begun 1 min ago." in page.first("div", class_="others").words
    with time_machine.travel(clock.now() + timedelta(hours=3)):
        words = desk_of("Carol").page(home_of(db)).first("div", class_="others").words
    assert "Alice has an unfinished reply, begun 3 hours ago." in words


def test_the_writer_is_not_told_of_themselves(db, desk, ada):
    keep(desk, db, "Half a")
    assert desk.page(home_of(db)).first("p", class_="others-say").words == ""


def test_a_draft_is_gone_once_it_is_sent(db, desk, desk_of, ada):
    desk.press("Keep draft", desk.page(home_of(db)), text="Half a")
    desk.press("Send reply", desk.page(home_of(db)), text="Half a reply")
    assert editor(desk, db) == ""
    assert desk_of("Bob").page(home_of(db)).first("p", class_="others-say").words == ""


def here(desk, db, after=0):
    return desk.client.post(f"{home_of(db)}/here?after={after}", data={"csrf_token": desk.token}).json


def test_two_on_one_contact_see_each_other_for_as_long_as_they_are_there(db, desk, desk_of, ada):
    bob = desk_of("Bob")
    assert here(desk, db)["others"] == []
    assert here(bob, db)["others"] == ["Alice has this contact open."]
    assert here(desk, db)["others"] == ["Bob has this contact open."]
    assert "Bob has this contact open." in desk.page(home_of(db)).first("div", class_="others").words
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert here(desk_of("Carol"), db)["others"] == []


def test_news_is_what_others_did_since_the_page_was_made(db, settings, desk, desk_of, ada):
    address = desk.page(home_of(db)).first("div", class_="others")["data-here"]
    bob = desk_of("Bob")

    def news():
        return desk.client.post(address, data={"csrf_token": desk.token}).json["news"]

    assert news() == ""
    desk.press("Keep note", desk.page(home_of(db)), body="Mine")
    assert news() == "", "what one did oneself is no news"
    bob.press("Keep note", bob.page(home_of(db)), body="Bob's")
    assert news() == "One new thing happened."
    came_in(db, settings, text="And another question.")
    assert news() == "2 new things happened."


def test_the_key_that_shows_news_does_nothing_else_while_there_is_none(db, desk, ada):
    page = desk.page(home_of(db))
    keys = [element["data-key"] for element in page.inner if "data-key" in element.attrs]
    assert keys.count(page.first("p", class_="news").first("a")["data-key"]) == 1


def test_readers_are_seen_and_write_nothing(db, desk, desk_of, ada):
    rita = desk_of("Rita", Role.READER)
    assert here(rita, db)["others"] == []
    assert here(desk, db)["others"] == ["Rita has this contact open."]
    for address in ("reply", "reply/draft", "replies/1/take-back", "replies/1/send"):
        data = {"csrf_token": rita.token, "text": "x"}
        assert rita.client.post(f"{home_of(db)}/{address}", data=data).status_code == 403


@pytest.mark.parametrize("address", ["here", "reply/draft", "reply", "replies/1/take-back", "replies/1/send", "notes"])
def test_nothing_can_be_done_about_a_contact_that_never_was(desk, address):
    answer = desk.client.post(f"/staff/contacts/nobody/{address}", data={"csrf_token": desk.token, "text": "x"})
    assert answer.status_code == 404


# --- texts for replies -------------------------------------------------------------------------------------


def a_text(desk, body="Hello {first_name},\n\nthe evening course is on Tuesdays.", subject="The evening course"):
    """Write a text for replies at the desk, and return its address."""
    page = desk.page("/staff/templates/new?for=replies")
    answer = desk.press("Write it", page, name="Evening course")
    desk.press("Save", desk.page(answer.location), subject=subject, body=body)
    return answer.location


def choice(page):
    return page.with_id("reply-template").all("option")[-1]


def test_a_text_for_replies_is_put_below_what_is_typed_with_the_readers_name(db, desk, ada):
    assert a_text(desk).startswith("/staff/templates/reply-evening-course")
    page = desk.page(home_of(db))
    answer = desk.press("Put in", page, template=choice(page)["value"], text="Thank you.")
    page = read(answer.text)
    assert page.with_id("reply-text").text.removeprefix("\n") == (
        "Thank you.\n\nHello Ada,\n\nthe evening course is on Tuesdays."
    )
    assert page.with_id("reply-subject")["value"].startswith("Re: We have your message"), "an answer keeps its subject"
    assert not replies(db)


def test_the_script_gets_the_text_alone(db, desk, ada):
    a_text(desk)
    key = choice(desk.page(home_of(db)))["value"]
    data = {"csrf_token": desk.token, "template": key}
    answer = desk.client.post(f"{home_of(db)}/reply/text", data=data, headers={"Accept": "application/json"})
    assert answer.json == {"subject": "The evening course", "text": "Hello Ada,\n\nthe evening course is on Tuesdays."}


@pytest.mark.parametrize("key", ["", "reply-nothing", "acknowledgement", "own-x", "'"])
def test_a_text_that_is_none_keeps_what_was_typed(db, desk, ada, key):
    a_text(desk)
    answer = desk.press("Put in", desk.page(home_of(db)), template=key, text="Thank you.")
    page = read(answer.text)
    assert page.with_id("reply-text").text.strip() == "Thank you."
    assert page.with_id("reply-text-error").words


def test_a_text_for_replies_needs_no_preheader_and_is_no_follow_up(desk):
    address = a_text(desk)
    page = desk.page(address)
    assert "Version 1" in page.first("p", class_="meta").words
    assert "Kind regards" not in page.words
    listed = desk.page("/staff/templates")
    assert "Offered wherever one of you writes a reply." in listed.words
    assert "Evening course" not in desk.page("/staff/sequences/new").words


def test_a_text_with_an_unknown_variable_is_not_saved(desk):
    page = desk.page("/staff/templates/new?for=replies")
    address = desk.press("Write it", page, name="Evening course").location
    answer = desk.press("Save", desk.page(address), subject="s", body="Hello {frist_name}")
    assert answer.status_code == 422
    assert "The nearest is {first_name}" in read(answer.text).words


def test_a_preview_of_a_text_is_signed_as_a_reply_is(desk):
    page = desk.page(a_text(desk))
    assert "the evening course is on Tuesdays." in page.first("pre", class_="letter-text").text
    assert "Your name" in page.first("pre", class_="letter-text").text


def test_a_hostile_name_is_inert_in_a_text(db, settings, desk):
    submitted(db, settings, name="{topic} <b>Ada</b>")
    a_text(desk, body="Hello {first_name}, about {topic}.")
    page = desk.page(home_of(db))
    put = desk.press("Put in", page, template=choice(page)["value"])
    assert "Hello there, about Becoming a technical program manager." in read(put.text).with_id("reply-text").text


def test_as_long_as_there_is_no_text_the_editor_says_where_to_write_one(db, desk, ada):
    link = desk.page(home_of(db)).first("div", class_="snippets").first("a")
    assert link["href"] == "/staff/templates/new?for=replies"
