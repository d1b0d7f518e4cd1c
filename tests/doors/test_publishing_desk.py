"""Publishing an answer: staff see exactly what would be public, and the asker says yes at a page that asks first."""

import re

import pytest

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import ADA, an_account, contact_of, messages, submitted
from tests.rooms.commented import CHAPTER
from tpminstitute.comments.models import PublicationState, PublishedAnswer
from tpminstitute.contacts.service import locked
from tpminstitute.core.tokens import Signer
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.mail.models import Message, MessageKind, MessageStatus
from tpminstitute.mail.queries import plain_text

pytestmark = on_sqlite


@pytest.fixture
def answered(db, settings):
    """Ada asked by the form, and Bob's answer went out."""
    submitted(db, settings, message=f"Hello,\n\nI am Ada Lovelace ({ADA}). How do I begin?")
    with db.write() as session:
        contact = locked(session, contact_of(db).id)
        reply(session, settings, contact, Answer("key", "Hello Ada,\n\nwatch one project.", an_account(session, "Bob")))
        mail = session.query(Message).filter_by(kind=MessageKind.REPLY).one()
        mail.status, mail.sent_at = MessageStatus.SENT, mail.created_at
        return f"/staff/contacts/{contact.public_id}"


def form_page(desk, home):
    (link,) = [link["href"] for link in desk.page(home).all("a") if link.words == "Publish as question and answer"]
    return desk.page(link)


def test_a_reply_is_proposed_without_its_askers_name_and_published_when_they_agree(db, desk, client, answered):
    page = form_page(desk, answered)
    fields = page.first("form", class_="publish-pair").fields
    assert "Ada" not in fields["question"] + fields["answer"]
    assert ADA not in fields["question"]
    assert "watch one project." in fields["answer"]
    desk.press("Publish, or ask", page, chapter=CHAPTER, way="ask")
    assert "watch one project" not in client.get(f"/comments/{CHAPTER}").text
    (mail,) = messages(db, kind=MessageKind.PUBLICATION)
    (address,) = re.findall(r"http://institute\.test(/comments/consent/\S+)", plain_text(mail.content))
    assert "Nothing is published until you press" in client.get(address).text
    assert client.post(address, data={"do": "yes"}).status_code == 200
    assert "watch one project" in client.get(f"/comments/{CHAPTER}").text
    client.post(address, data={"do": "no"})
    assert "watch one project" not in client.get(f"/comments/{CHAPTER}").text


def test_a_pair_that_is_sent_twice_is_asked_about_once_and_changed_words_are_another(db, desk, answered):
    page = form_page(desk, answered)
    for question in ("How do I begin?", "How do I begin?", "How does one begin?"):
        desk.press("Publish, or ask", page, question=question, chapter=CHAPTER, way="ask")
    with db.read() as session:
        asked = session.query(PublishedAnswer).order_by(PublishedAnswer.id)
        assert [pair.question for pair in asked] == ["How do I begin?", "How does one begin?"]


def test_what_cant_be_published_comes_back_as_it_was_typed(desk, answered):
    page = form_page(desk, answered)
    answer = desk.press("Publish, or ask", page, question="I am Ada Lovelace. How?", chapter=CHAPTER, way="ask")
    assert answer.status_code == 422
    found = read(answer.text)
    assert "Take “Ada Lovelace” out" in found.words
    assert found.first("form", class_="publish-pair").fields["question"].strip() == "I am Ada Lovelace. How?"


def test_what_was_agreed_to_elsewhere_is_public_at_once_and_withdrawn_with_one_press(db, desk, answered):
    page = form_page(desk, answered)
    done = desk.press("Publish, or ask", page, chapter=CHAPTER, way="agreed", consent="On the phone")
    page = desk.page(done.location)
    assert "notes: On the phone" in page.words
    desk.press("Withdraw", page.first("main"))
    with db.read() as session:
        assert session.query(PublishedAnswer).one().state is PublicationState.WITHDRAWN


@pytest.mark.parametrize("token", ["forged", "of another purpose"])
def test_a_foreign_token_is_not_known_and_one_of_what_is_gone_says_so(client, settings, token):
    if token != "forged":
        token = Signer(settings.secret_key, "comment-own").sign("a" * 20)
    assert client.get(f"/comments/consent/{token}").status_code == 404
    assert client.post(f"/comments/consent/{token}", data={"do": "yes"}).status_code == 404
    gone = Signer(settings.secret_key, "publication").sign("a" * 20)
    assert "Nothing is kept" in client.get(f"/comments/consent/{gone}").text
