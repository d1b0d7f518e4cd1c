"""What staff typed is not lost when their session ends meanwhile, and nobody else's words are shown as theirs."""

from io import BytesIO

import pytest
from sqlalchemy import select

from tests.conftest import on_sqlite
from tests.doors.html import read
from tests.factories import ADA, contact_of, count, submitted
from tpminstitute.contacts.models import Note

OURS = {"Sec-Fetch-Site": "same-origin"}
WORDS = "Prefers the phone.\n<b>After five.</b>"

pytestmark = on_sqlite


@pytest.fixture
def notes_url(db, settings):
    """Where notes about Ada are kept."""
    submitted(db, settings)
    return f"/staff/contacts/{contact_of(db, ADA).public_id}/notes"


def again(client, page, **changed):
    form = page.first("form")
    return client.post(form["action"], data=form.fields | changed, headers=OURS)


def test_who_was_signed_out_while_writing_signs_in_and_sends_the_same_words_again(app, db, desk_of, notes_url):
    client = app.test_client()
    answer = client.post(notes_url, data={"body": WORDS}, headers=OURS)
    kept = read(answer.text)
    assert answer.status_code == 401
    assert kept.with_id("typed-1").text.strip() == WORDS
    assert kept.first("a", class_="button")["target"] == "_blank"
    assert count(db, Note) == 0
    client = desk_of().client  # in another tab
    stale = again(client, kept)
    assert (stale.status_code, count(db, Note)) == (400, 0)
    assert again(client, read(stale.text)).status_code == 303
    with db.read() as session:
        assert session.scalars(select(Note.body)).all() == [WORDS]


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_what_another_site_sends_is_shown_to_nobody(app, desk, notes_url, headers):
    stranger = app.test_client().post(notes_url, data={"body": WORDS}, headers=headers)
    assert (stranger.status_code, stranger.location) == (302, "/staff/sign-in")
    assert "Prefers" not in desk.client.post(notes_url, data={"body": WORDS}, headers=headers).text


def test_a_browser_that_names_only_the_origin_is_believed_as_well(app, notes_url):
    answer = app.test_client().post(notes_url, data={"body": WORDS}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 401


def test_a_password_is_neither_shown_nor_carried(app):
    data = {"old": "four unrelated words", "password": "five very unrelated words"}
    answer = app.test_client().post("/staff/account/password", data=data, headers=OURS)
    assert answer.status_code == 401
    assert "unrelated" not in answer.text


@pytest.mark.parametrize("much", [{"body": "x " * 300_000}, {"body": "x", "file": (b"a,b", "people.csv")}])
def test_files_and_what_is_larger_than_any_text_are_not_read_from_strangers(app, notes_url, much):
    files = {name: (BytesIO(value[0]), value[1]) for name, value in much.items() if name == "file"}
    answer = app.test_client().post(notes_url, data=much | files, headers=OURS)
    assert (answer.status_code, answer.location) == (302, "/staff/sign-in")
