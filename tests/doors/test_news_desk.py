"""What staff are told by mail, and their calendar's secret address, at the desk and outside."""

from urllib.parse import urlsplit

import pytest

from tests.conftest import on_sqlite
from tests.doors.html import read
from tpminstitute.accounts.models import Role
from tpminstitute.today.choices import digest_of
from tpminstitute.today.models import Digest

pytestmark = on_sqlite


@pytest.fixture
def address(desk):
    """The path of Alice's calendar."""
    page = read(desk.press("Make my calendar", desk.page("/staff/news"), holidays="1").text)
    return urlsplit(page.with_id("calendar-address")["value"]).path


def test_one_chooses_when_the_digest_comes(db, desk):
    page = desk.page("/staff/news")
    assert "checked" in page.with_id("digest-own").attrs
    desk.press("Save", page, digest="everything")
    with db.read() as session:
        assert digest_of(session, 1) is Digest.EVERYTHING
    assert "checked" in desk.page("/staff/news").with_id("digest-everything").attrs


def test_a_choice_that_is_none_changes_nothing(db, desk):
    desk.press("Save", desk.page("/staff/news"), digest="hourly")
    with db.read() as session:
        assert digest_of(session, 1) is Digest.OWN


def test_the_address_is_shown_once_and_asks_for_no_account(app, desk, address):
    assert address not in desk.page("/staff/news").words
    answer = app.test_client().get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in answer.headers


def test_an_unchanged_calendar_costs_nothing(app, address):
    client = app.test_client()
    etag = client.get(address).headers["ETag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_every_wrong_address_has_the_same_answer(app, desk, address):
    desk.press("Switch it off", desk.page("/staff/news"))
    client = app.test_client()
    answers = {
        (answer.status_code, answer.data)
        for path in (address, "/calendar/x.ics", "/calendar/" + "A" * 43 + ".ics")
        for answer in [client.get(path)]
    }
    assert len(answers) == 1
    assert {status for status, _ in answers} == {404}


def test_another_address_ends_the_old_one_and_shows_the_same(app, desk, address):
    page = read(desk.press("Take another address", desk.page("/staff/news")).text)
    newer = urlsplit(page.with_id("calendar-address")["value"]).path
    assert app.test_client().get(address).status_code == 404
    assert app.test_client().get(newer).status_code == 200
    assert "checked" in page.first("input", name="holidays").attrs


def test_what_it_shows_is_chosen(desk, address):
    desk.press("Save what it shows", desk.page("/staff/news"), courses="1")
    page = desk.page("/staff/news")
    assert "checked" in page.first("input", name="courses").attrs


def test_a_reader_has_neither(desk_of):
    charlies = desk_of("Charlie", Role.READER)
    assert "Who only looks has no reminders" in charlies.page("/staff/news").words
    answer = charlies.client.post("/staff/news/calendar", data={"csrf_token": charlies.token})
    assert answer.status_code == 403
