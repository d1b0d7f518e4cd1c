"""Comments at the public door: the pages, the form, the writer's own page, and the links in mails."""

import re
from datetime import timedelta

import pytest
import time_machine

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import an_account, messages
from tests.rooms.commented import CHAPTER, comment_of, commented, states
from tpminstitute.comments.links import DECISION_LASTS, decision_url, own_token
from tpminstitute.comments.models import Comment, CommentState
from tpminstitute.comments.moderation import locked_comment, remove
from tpminstitute.core import clock
from tpminstitute.core.tokens import Signer
from tpminstitute.institute.service import touch
from tpminstitute.mail.queries import plain_text

pytestmark = on_sqlite

REMARK = {"chapter": CHAPTER, "name": "Ada Lovelace", "email": "", "body": "Where does one find a *mentor*?"}


def token_of(client, ago=60):
    with time_machine.travel(clock.now() - timedelta(seconds=ago)):
        return read(client.get(f"/comments/{CHAPTER}").text).first("form").fields["token"]


def send(client, headers=None, token=None, **fields):
    values = REMARK | {"token": token or token_of(client)} | fields
    return client.post("/comments", data=values, headers=headers)


def newest(db):
    with db.read() as session:
        return session.query(Comment).order_by(Comment.id.desc()).first()


def links_in(message):
    return re.findall(r"http://institute\.test(/comments/\S+)", plain_text(message.content))


# --- sending -----------------------------------------------------------------------------------------------


def test_a_comment_is_kept_and_leads_to_its_own_page_without_a_cookie(client, db):
    answer = send(client)
    assert answer.status_code == 303
    assert newest(db).state is CommentState.HELD
    own = client.get(answer.location)
    assert "It waits for approval" in own.text
    assert own.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert "mentor" not in client.get(f"/comments/{CHAPTER}").text


def test_a_comment_sent_twice_is_one(client, db):
    token = token_of(client)
    assert send(client, token=token).location == send(client, token=token).location
    assert len(states(db)) == 1


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": " "}, "Write a name"),
        ({"name": "A" * 81}, "Shorten this to 80"),
        ({"body": ""}, "Write your comment"),
        ({"body": "x" * 5001}, "Shorten this to 5,000"),
        ({"email": "not an address"}, "Check the e-mail address"),
        ({"wants_answers": "y"}, "Write your e-mail address, so that we can tell you"),
        ({"chapter": "contact-us"}, "Choose the chapter"),
        ({"chapter": "nowhere"}, "Choose the chapter"),
    ],
)
def test_what_cant_be_taken_comes_back_as_it_was_typed_with_what_to_do(client, db, fields, says):
    answer = send(client, **fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert (REMARK | fields)["body"][:100] in answer.text
    assert states(db) == []


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        ("forged", None, 400),
        ("of the contact form", None, 400),
        (None, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
    ],
)
def test_a_forged_or_foreign_form_keeps_the_text_and_stores_nothing(client, db, visitor, token, headers, status):
    token = visitor.open_form() if token == "of the contact form" else token
    answer = send(client, token=token, headers=headers)
    assert answer.status_code == status
    assert REMARK["body"] in answer.text
    assert states(db) == []


def test_link_spam_and_machines_are_set_apart_and_told_nothing_else(client, db):
    for fields in ({"body": "https://spam.example/x " * 12}, {"subject": "x"}):
        answer = send(client, **fields)
        assert "It waits for approval" in client.get(answer.location).text
    assert states(db) == [CommentState.SUSPECTED] * 2
    assert messages(db) == []


def test_an_answer_says_whom_it_answers_and_stands_in_the_thread(client, db, settings):
    top = commented(db, settings, published=True)
    page = read(client.get(f"/comments/{CHAPTER}?answer={top.public_id}").text)
    assert "Your answer to Ada Lovelace" in page.words
    send(client, answers=page.first("form").fields["answers"])
    assert newest(db).parent_id == top.id


# --- reading -----------------------------------------------------------------------------------------------


def test_script_in_markdown_is_shown_and_does_nothing(client, db, settings):
    hostile = "<script>alert(1)</script> [go](javascript:alert(1)) ![p](http://x.example/p.png) [ok](https://x.example)"
    commented(db, settings, body=hostile, name="<b>Eve</b>\u202e", published=True)
    text = client.get(f"/comments/{CHAPTER}").text
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "<img" not in text
    assert '<a href="https://x.example" rel="nofollow ugc noopener">ok</a>' in text
    assert "<bdi>&lt;b&gt;Eve&lt;/b&gt;</bdi>" in text


def test_the_guide_says_how_much_is_said_about_a_chapter(client, db, settings):
    def line():
        guide = read(client.get("/").text)
        return guide.with_id(CHAPTER).first("p", class_="talk-line").words

    assert line() == "Comment on this chapter"
    with time_machine.travel(clock.now(), tick=False) as traveller:
        client.get("/")
        comment = commented(db, settings, published=True)
        traveller.shift(2)
        assert line() == "1 comment"
        with db.write() as session:
            row = locked_comment(session, comment.public_id)
            assert row
            remove(session, row, 1, an_account(session))
        traveller.shift(2)
        assert line() == "Comment on this chapter"


def test_closed_comments_are_shown_without_a_form(app, client, db, settings):
    commented(db, settings, published=True)
    token = token_of(client)
    service = app.extensions["tpm"]
    object.__setattr__(service, "settings", settings.model_copy(update={"comments_open": False}))
    with db.write() as session:
        touch(session)
    with time_machine.travel(clock.now() + timedelta(seconds=2)):
        for address in ("/comments", f"/comments/{CHAPTER}"):
            page = read(client.get(address).text)
            assert page.all("form") == []
            assert "Comments are closed" in page.words
        assert "Where does one find" in client.get(f"/comments/{CHAPTER}").text
        answer = send(client, token=token)
    assert answer.status_code == 409
    assert states(db) == [CommentState.PUBLISHED]


@pytest.mark.parametrize("address", ["/comments/nowhere", "/comments/comments", "/comments/mine/forged"])
def test_what_isnt_there_is_said_so(client, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("asked", ["before=nothing", "comment=%00", "answer=nothing", "before=99999999999999999999999"])
def test_a_strange_place_on_a_page_is_its_beginning(client, db, settings, asked):
    commented(db, settings, published=True)
    assert "Where does one find" in client.get(f"/comments/{CHAPTER}?{asked}").text


# --- the writer's own page ---------------------------------------------------------------------------------


def own_address(settings, comment):
    return f"/comments/mine/{own_token(settings, comment.public_id)}"


def test_a_writer_changes_a_comment_and_takes_it_back(client, db, settings):
    comment = commented(db, settings)
    address = own_address(settings, comment)
    assert client.post(address, data={"name": "Ada", "body": "Changed"}).status_code == 303
    assert comment_of(db, comment.public_id).body == "Changed"
    assert client.post(address, data={"name": "", "body": "Kept here"}).status_code == 422
    assert client.post(f"{address}/take-back").status_code == 303
    assert "was taken back" in client.get(address).text
    assert client.post(address, data={"name": "Ada", "body": "Again"}).status_code == 409
    assert comment_of(db, comment.public_id).state is CommentState.REMOVED


def test_after_a_quarter_of_an_hour_the_form_is_gone_and_an_open_one_keeps_its_text(client, db, settings):
    comment = commented(db, settings)
    address = own_address(settings, comment)
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert "are over" in client.get(address).text
        answer = client.post(address, data={"name": "Ada", "body": "Too late"})
    assert answer.status_code == 409
    assert comment_of(db, comment.public_id).body == comment.body


@pytest.mark.parametrize("purpose", ["comment-form", "comment-decision", "unsubscribe", "link"])
def test_a_token_of_another_purpose_opens_no_comment(client, db, settings, purpose):
    token = Signer(settings.secret_key, purpose).sign(commented(db, settings).public_id)
    assert client.get(f"/comments/mine/{token}").status_code == 404
    assert client.post(f"/comments/mine/{token}/take-back").status_code == 404


# --- the link in the notice --------------------------------------------------------------------------------


def test_the_link_in_a_notice_asks_first_and_then_publishes(client, db, settings):
    commented(db, settings)
    (address,) = [link for link in links_in(messages(db)[0]) if "decide" in link]
    page = client.get(address)
    assert "Publish this comment?" in page.text
    assert states(db) == [CommentState.HELD]
    form = next(f for f in read(page.text).all("form"))
    assert client.post(address, data=form.fields | {"do": "publish"}).status_code == 200
    assert states(db) == [CommentState.PUBLISHED]
    assert "decided about" in client.get(address).text


@pytest.mark.parametrize(("do", "number", "status"), [("", "1", 400), ("publish", "0", 409), ("spam", "x", 409)])
def test_a_link_scanner_that_posts_nothing_or_an_old_page_decides_nothing(client, db, settings, do, number, status):
    comment = commented(db, settings)
    address = decision_url(settings, comment, clock.now()).removeprefix("http://institute.test")
    assert client.post(address, data={"do": do, "number": number}).status_code == status
    assert states(db) == [CommentState.HELD]


def test_an_old_link_says_so_and_a_foreign_one_is_not_known(client, db, settings):
    comment = commented(db, settings)
    old = decision_url(settings, comment, clock.now() - DECISION_LASTS - timedelta(minutes=1))
    old = old.removeprefix("http://institute.test")
    assert client.get(old).status_code == client.post(old, data={"do": "publish", "number": "1"}).status_code == 410
    foreign = f"/comments/decide/{own_token(settings, comment.public_id)}"
    assert client.get(foreign).status_code == client.post(foreign).status_code == 404
    assert states(db) == [CommentState.HELD]
