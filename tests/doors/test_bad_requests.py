"""Requests that are too large, no form at all, or to no address there is: refused in words, never an error of ours."""

import json

import pytest

from app import create_app
from tests.doors.html import read
from tests.factories import count, make_settings
from tpminstitute.inbox.models import Inquiry


@pytest.fixture
def database_url(sqlite_url):
    """Hardly a row is touched here, so one database is enough."""
    return sqlite_url


@pytest.mark.parametrize("field", ["name", "email", "phone", "topic", "message", "consent", "subject", "token"])
def test_a_field_of_ten_megabytes_is_no_error_of_ours(db, visitor, field):
    answer = visitor.send(**{"token": None if field == "token" else visitor.open_form(), field: "x" * 10_000_000})
    assert answer.status_code in (303, 400, 422)
    if field in ("name", "email", "phone", "message"):
        assert "x" * 10_000_000 in answer.text
        assert count(db, Inquiry) == 0


def test_more_than_the_form_can_take_is_refused_in_plain_words(db, visitor):
    answer = visitor.send(message="x" * 12_700_000)
    assert answer.status_code == 413
    assert "Shorten it and send it again" in answer.text
    assert count(db, Inquiry) == 0


NO_FORMS = [
    (b"", ""),
    (b"", "application/x-www-form-urlencoded"),
    (b"name=Ada", "text/plain"),
    (b"name=Ada", "nonsense"),
    (b"name=Ada", "application/x-www-form-urlencoded; charset=utf-7"),
    (b"name=%ff%fe&message=%c3%28", "application/x-www-form-urlencoded"),
    (b"name=\xff\xfe&message=\xc3\x28", "application/x-www-form-urlencoded"),
    (b"&&&=&=x;name", "application/x-www-form-urlencoded"),
    (b"&".join(b"a%d=1" % n for n in range(5_000)), "application/x-www-form-urlencoded"),
    (b"[1]", "application/json"),
    (b"null", "application/json"),
    (b"{", "application/json"),
    (json.dumps({"name": {"a": [1]}, "token": 1}).encode(), "application/json"),
    (json.dumps({"name": "\ud800", "message": "\udfff"}).encode(), "application/json"),
    (b"nothing", "multipart/form-data"),
    (b"nothing", "multipart/form-data; boundary=x"),
    (b"--x\r\nContent-Disposition: form-data\r\n\r\ny\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\ny', "multipart/form-data; boundary=x"),
    (
        b'--x\r\nContent-Disposition: form-data; name="name"\r\nContent-Type: text/plain; charset=nope\r\n\r\n'
        b"\xff\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    (b"<name>Ada</name>", "application/xml"),
]
"""Bodies and what they are said to be."""


def test_a_body_that_is_no_form_stores_nothing_and_is_no_error_of_ours(db, client):
    for body, kind in NO_FORMS:
        answer = client.post("/contact", data=body, content_type=kind)
        assert 400 <= answer.status_code < 500, (body, kind)
        assert read(answer.text).first("h1").words
        assert count(db, Inquiry) == 0, (body, kind)


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request, tmp_path):
    """A browser, on each database: they differ in the texts they refuse."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    app = create_app(make_settings(tmp_path, database_url=url))
    yield app.test_client()
    app.extensions["tpm"].db.close()


def test_an_address_made_of_nonsense_is_not_found(anywhere):
    for text in ("%00", "%ff", "%ED%A0%80", "..%2f..%2fapp.py", "x" * 5_000, "%0d%0aX: y", "'"):
        for place in ("/thanks/{}", "/unsubscribe/{}", "/staff/setup/{}", "/{}"):
            assert anywhere.get(place.format(text)).status_code in (404, 410), place.format(text)
