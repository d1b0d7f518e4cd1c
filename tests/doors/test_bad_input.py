"""Whatever is put into the form is stored exactly and shown inert, or refused beside its field; never a 500."""

import io
import string

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlalchemy import select

from tests.conftest import on_postgresql, on_sqlite
from tests.doors.html import active_content, read
from tests.doors.letters_seen import expect_only_our_headers, part
from tests.doors.naughty import IMPOSSIBLE_ADDRESSES, NAUGHTY, TRICKY_ADDRESSES
from tests.doors.people import LETTER
from tests.factories import ADA, contact_of, count, messages, submitted
from tpminstitute.core.text import one_line, visible
from tpminstitute.inbox.models import Inquiry, InquiryState
from tpminstitute.mail.models import MessageKind

INFO = "info@tpminstitute.org"


def inquiries(db):
    with db.read() as session:
        return list(session.scalars(select(Inquiry).order_by(Inquiry.id)))


def unix(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def letter(answer):
    return read(answer.text).first("form", class_="letter").fields


def expect_refused_beside(answer, field, typed):
    """The letter came back with this text in it and an error at its field."""
    assert answer.status_code == 422
    page = read(answer.text)
    assert page.with_id(f"{field}-error").words
    assert unix(page.first("form", class_="letter").fields[field]) == unix(typed)


def expect_inert(db, visitor, answer):
    """The thanks page and the mails of the newest inquiry do nothing that it says."""
    thanks = read(visitor.client.get(answer.location).text)
    assert not [a for a in active_content(thanks) if not a.startswith("script /static/")]
    newest = inquiries(db)[-1]
    if newest.state is InquiryState.SUSPECTED:  # nothing is mailed before a person has looked
        assert not messages(db, cause=f"inquiry:{newest.id}")
        return
    notice, acknowledgement = messages(db, cause=f"inquiry:{newest.id}")
    expect_only_our_headers(notice, INFO)
    expect_only_our_headers(acknowledgement, newest.email)
    for mail in (notice, acknowledgement):
        assert not [a for a in active_content(read(part(mail, "html"))) if not a.endswith((".style", "style "))]


def expect_inert_at(desk, address, **texts):
    """Staff read each text with what it hides written out, and nothing on their page does what it says."""
    page = desk.page(address)
    shown = {
        "message": lambda: page.first("article", class_="inquiry").first("div", class_="words").text,
        "name": lambda: page.first("h1").text,
        "phone": lambda: page.first("dl", class_="facts").text,
    }
    for field, text in texts.items():
        assert visible(text) in shown[field]()
    assert active_content(page) == [f"script {s['src']}" for s in page.first("head").all("script")]


@on_sqlite
@pytest.mark.parametrize("text", NAUGHTY.values(), ids=NAUGHTY)
def test_a_naughty_text_is_stored_exactly_and_shown_inert_or_refused_beside_its_field(db, visitor, desk, text):
    line = text.strip()
    storable, token, kept = "\x00" not in text and line, visitor.open_form(), {}
    for field in ("email", "topic", "name", "phone", "message"):
        typed = text if field == "message" else line
        answer = visitor.send(token, **{field: text})
        if answer.status_code == 303:
            assert field in ("message", "name", "phone")
            newest, kept[field] = inquiries(db)[-1], unix(typed)
            assert {"message": newest.message, "name": newest.name, "phone": newest.phone_typed}[field] == kept[field]
            expect_inert(db, visitor, answer)
        elif field == "topic":
            assert answer.status_code == 422
            assert read(answer.text).with_id("topic-error").words
        else:
            no_name = field == "name" and (len(line.splitlines()) > 1 or not one_line(line, 200))
            assert field in ("email", "phone") or not storable or no_name
            expect_refused_beside(answer, field, typed)
    if kept:
        expect_inert_at(desk, f"/staff/contacts/{contact_of(db).public_id}", **kept)
    expect_inert_at(desk, "/staff/inbox?show=all")


@on_postgresql
def test_what_the_form_lets_through_postgresql_keeps_as_exactly(db, settings):
    typed = {}
    for number, text in enumerate([*NAUGHTY.values(), *("🙂é\u202e<" * 5_000,)]):
        message, name = text.replace("\x00", ""), one_line(text, 80) or "Ada"
        inquiry = submitted(db, settings, message=message or ".", name=name, email=f"{number}@example.org")
        typed[inquiry.id] = (message or ".", name)
    assert {inquiry.id: (inquiry.message, inquiry.name) for inquiry in inquiries(db)} == typed


@pytest.mark.parametrize("address", TRICKY_ADDRESSES.values(), ids=TRICKY_ADDRESSES)
def test_an_unusual_address_is_kept_and_written_to(db, visitor, address):
    answer = visitor.send(email=address)
    assert answer.status_code == 303
    (inquiry,) = inquiries(db)
    assert inquiry.email.partition("@")[0] == address.partition("@")[0]
    assert messages(db, kind=MessageKind.ACKNOWLEDGEMENT)[0].recipient == inquiry.email
    expect_inert(db, visitor, answer)


@on_sqlite
def test_an_address_that_no_mail_reaches_is_refused_beside_its_field(db, visitor):
    for kind, address in IMPOSSIBLE_ADDRESSES.items():
        expect_refused_beside(visitor.send(email=address), "email", address)
        assert (count(db, Inquiry), messages(db)) == (0, []), kind


@pytest.mark.parametrize("name", ["A", "王", "Ø", "a" * 80, "Wolfeschlegelsteinhausenbergerdorff " * 2 + "Maria"])
def test_a_name_of_one_letter_or_of_eighty_is_stored(db, visitor, name):
    assert visitor.send(name=name).status_code == 303
    assert inquiries(db)[0].name == name


@on_sqlite
@pytest.mark.parametrize("letters", [10_000, 20_000])
@pytest.mark.parametrize("sign", ["a", "é", "🙂", "\u202e", "\n.\n", "<"])
def test_a_long_message_is_stored_whole_and_mailed_in_full_or_as_far_as_webmail_shows_it(db, visitor, letters, sign):
    text = (sign * letters)[: letters - 1] + "."
    answer = visitor.send(message=text)
    assert answer.status_code == 303
    assert inquiries(db)[0].message == text
    expect_inert(db, visitor, answer)
    (notice,) = messages(db, kind=MessageKind.NOTICE)
    assert len(notice.content) < 100_000
    if sign in "aé":
        assert sum(c == sign for c in part(notice, "plain")) >= letters - 1


def test_a_message_one_character_too_long_comes_back_whole(db, visitor):
    text = "ü" * 20_001
    answer = visitor.send(message=text)
    expect_refused_beside(answer, "message", text)
    assert "20,001" in read(answer.text).with_id("message-error").words


@on_sqlite
def test_a_multipart_form_is_taken_as_any_other(db, visitor):
    data = LETTER | {"token": visitor.open_form(), "message": "Ünï\r\ncode"}
    answer = visitor.client.post("/contact", data=data, content_type="multipart/form-data")
    assert answer.status_code == 303
    assert inquiries(db)[0].message == "Ünï\ncode"


@on_sqlite
def test_a_file_in_place_of_a_field_is_a_missing_field(db, visitor):
    data = LETTER | {"token": visitor.open_form(), "message": (io.BytesIO(b"bytes"), "letter.txt")}
    answer = visitor.client.post("/contact", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert read(answer.text).with_id("message-error").words


@on_sqlite
def test_of_a_field_sent_twice_the_first_counts(db, visitor):
    data = LETTER | {"token": visitor.open_form(), "email": [ADA, "bob@evil.example"], "name": ["Ada", "Bob"]}
    assert visitor.client.post("/contact", data=data).status_code == 303
    assert (inquiries(db)[0].name, inquiries(db)[0].email) == ("Ada", ADA)
    assert [m.recipient for m in messages(db)] == [INFO, ADA]


@on_sqlite
def test_fields_that_are_not_ours_change_nothing(db, visitor):
    answer = visitor.send(state="spam", contact_id="1", csrf_token="x", regions="GB", address="x")
    assert answer.status_code == 303
    assert inquiries(db)[0].state.value == "open"


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HEADER_LIKE = st.lists(
    st.sampled_from(["\r\n", "\n", "\r", "Bcc: x@evil.example", " ", ",", "<", ">", '"', "@", "=?utf-8?q?", "\0", "é"]),
    max_size=8,
).map("".join)
LOCAL = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(string.ascii_letters), min_size=1)
SOMETHING = ANY_TEXT | HEADER_LIKE


@hypothesis.settings(
    max_examples=80, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "name": SOMETHING,
            "email": SOMETHING | LOCAL.map(lambda local: f"{local}@example.org"),
            "phone": SOMETHING,
            "topic": SOMETHING,
            "message": SOMETHING,
            "consent": SOMETHING,
        },
    ),
    language=st.sampled_from(["", "en-GB", "*-*", "x--y", "zh-Hant-TW", "-", "q=;;"]),
)
def test_no_text_in_any_field_is_an_error_of_ours_or_adds_a_header_to_a_mail(db, visitor, fields, language):
    answer = visitor.send(**fields, headers={"Accept-Language": language})
    assert answer.status_code in (303, 422)
    if answer.status_code == 303:
        newest = inquiries(db)[-1]
        notice, acknowledgement = messages(db, cause=f"inquiry:{newest.id}")
        expect_only_our_headers(notice, INFO)
        expect_only_our_headers(acknowledgement, newest.email)
