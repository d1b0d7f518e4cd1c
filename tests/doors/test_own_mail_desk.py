"""Answering from one's own mail program: the page that explains it, and the secret address."""

import pytest

from tests.doors.mails import a_mail, came_in
from tests.doors.people import labels
from tests.factories import ADA, contact_of, make_settings, messages, submitted
from tpminstitute.accounts.models import Role
from tpminstitute.mail.models import MessageKind
from tpminstitute.mail.reply_addresses import Purpose, reply_address

PAGE = "/staff/own-mail"


@pytest.fixture
def settings(tmp_path, database_url):
    """The settings of an institute whose mail server takes additions behind a plus sign."""
    return make_settings(tmp_path, database_url=database_url, reply_address="info@tpminstitute.org")


def address_on(page):
    return page.with_id("secret-address")["value"]


def test_the_secret_address_is_made_shown_and_changed_for_another(desk):
    assert labels(desk.page(PAGE).first("main")) == ["Make my address"]
    desk.press("Make my address", desk.page(PAGE))
    first = address_on(desk.page(PAGE))
    assert first.startswith("info+d-")
    assert address_on(desk.page(PAGE)) == first
    desk.press("Take another address", desk.page(PAGE))
    assert address_on(desk.page(PAGE)) != first


def test_everybody_has_an_address_of_their_own(desk, desk_of):
    addresses = []
    for somebody in (desk, desk_of("Bob")):
        somebody.press("Make my address", somebody.page(PAGE))
        addresses.append(address_on(somebody.page(PAGE)))
    assert len(set(addresses)) == 2


def test_who_only_looks_gets_no_address(desk_of):
    rita = desk_of("Rita", Role.READER)
    assert labels(rita.page(PAGE).first("main")) == []
    assert rita.client.post(f"{PAGE}/address", data={"csrf_token": rita.token}).status_code == 403


def test_an_answer_to_a_notice_stands_in_the_conversation_once_and_says_that_files_were_left(db, settings, desk):
    submitted(db, settings)
    contact = contact_of(db)
    to = reply_address(settings, Purpose.STAFF, contact.public_id)
    assert to is not None
    content = a_mail(
        sender="Alice <alice@tpminstitute.org>",
        text="Begin with chapter 1.",
        files={"plan.pdf": b"%PDF-1.4 " * 50},
        headers={"Cc": to.email},
    )
    came_in(db, settings, content)
    (sent,) = messages(db, kind=MessageKind.REPLY)
    assert sent.recipient == ADA
    section = desk.page(f"/staff/contacts/{contact.public_id}").first("section", class_="timeline")
    assert [e["class"] for e in section.inner if e.tag == "article"] == ["mail said", "mail said", "inquiry"]
    line = section.first("details", class_="machine")
    assert "It went out to the visitor as a reply." in line.words
    assert "The files in it did not go with it" in line.words


class TestWithoutReplyAddress:
    @pytest.fixture
    def settings(self, tmp_path, database_url):
        """The settings as they are at first."""
        return make_settings(tmp_path, database_url=database_url)

    def test_the_page_says_kindly_what_is_missing(self, desk):
        page = desk.page(PAGE)
        assert "REPLY_ADDRESS" in page.words
        assert labels(page.first("main")) == []
        desk.client.post(f"{PAGE}/address", data={"csrf_token": desk.token})
        assert "No address was made" in desk.page(PAGE).words
