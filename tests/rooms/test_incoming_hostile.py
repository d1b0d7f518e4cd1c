"""Mails made to break whoever reads them: each is read within its time, and nobody raises."""

import time
import tracemalloc

import pytest

from tests.fuzz import faults
from tests.rooms.mails import mail_of, parts, read
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.mail.incoming.read import UNREADABLE, read_mail

MB = 1_000_000
TEXTS = [
    "a" * 25 * MB,
    "a\n" * 10 * MB,
    ">" * 5 * MB,
    "> " * 5 * MB,
    "On 1 Jan 2025 " * 300_000,
    "On 2025 wrote " * 300_000 + ":",
    "From: x\n" * 500_000,
    "wrote:\n" * 500_000,
    "-- \n" * 500_000,
    " " * 10 * MB,
    "@" * 5 * MB,
    "a@" * 2 * MB,
    "until " * 500_000,
    "1.1." * 500_000,
    "until 1 January " * 200_000,
    "\u200d" * 2 * MB,
    "_" * 5 * MB,
    "please unsubscribe " * 30,
    "stop " * 110,
    "sent from my " * 400_000,
    "out of office " * 200_000,
    "<" * 5 * MB,
]

MARKUP = [
    "<div>" * 500_000,
    "<blockquote>" * 300_000 + "x",
    "<!--" * 500_000,
    "<style>" * 300_000,
    "<script" * 300_000,
    "<a href=" * 300_000,
    "<" * MB,
    "&#" + "9" * MB,
    "&" * MB,
    "<div style='display:none'>" * 100_000,
    "</div>" * 500_000,
    "<a href='" + "x" * 5 * MB,
    "<p " + "a=b " * MB + ">x",
    "<img alt=" * 200_000,
    "&#xD800;" * 100_000,
    "\u200c \u200c" * 300_000,
    "<p>&nbsp;" * 200_000,
]

VALUES = [
    "x" * MB,
    '"' * MB,
    "(" * MB,
    "<" * MB,
    "=?utf-8?q?" * 100_000,
    "=?a?b?" + "A" * MB,
    ";" * MB,
    "; a" * 300_000,
    "@" * MB,
    "a@b," * 250_000,
    "<a@b> " * 200_000,
    "\\" * MB,
    "; filename*0=" * 90_000,
    '; name="' + "\\a" * 400_000,
    " " * MB,
    "1 Jan " * 100_000,
    "re: " * 200_000,
    "[" * MB,
    "=?=?" * 250_000,
    "\r\n " * 300_000,
]

HARDLY = [
    b"",
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\xff" * 1000,
    b"From",
    b"From: ",
    b":",
    b": :\n\n",
    b"From nobody Mon Mar  3\nFrom: a@b\n\nHi",
    b"Content-Type: multipart/mixed\n\n",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x--",
    b"Content-Type: multipart/x; boundary=x\n\n--x",
    b"Content-Type: text/plain; charset=hex\n\n6869",
    b"Content-Type: text/plain; charset=undefined\n\nhi",
    b"Content-Type: /\n\nhi",
    b'Content-Type: text/plain; charset="utf-8\0"\n\nhi',
    b"Subject: =?utf-16?b?2AA=?=\n\nhi",
    b"Content-Type: message/rfc822\n\nhi",
    b"From: a@b\rSubject: x\r\rold Mac",
    b"Date: Thu, 01 Jan 1970 00:00:00 +9999\n\nhi",
    b"Content-Transfer-Encoding: base64\n\n=",
    b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n--x--",
    b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/feedback-report\n\n--x--",
]


def one_by_one(name, values):
    """A test for each value, under its number and its beginning."""
    return pytest.mark.parametrize(name, values, ids=[f"{n} {value[:12]!r}" for n, value in enumerate(values)])


def seconds(content):
    began = time.process_time()
    mail = read_mail(content)
    assert UNREADABLE not in mail.problems
    return time.process_time() - began


def nested(depth):
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(depth))
    return b"From: ada@example.org\r\n" + head.encode() + b"Content-Type: text/plain\r\n\r\nDeep down\r\n"


@pytest.mark.parametrize("depth", [30, 100, 1_000, 20_000])
def test_parts_nested_deep_are_read_without_recursion(depth):
    content = nested(depth)
    assert seconds(content) < 2
    mail = read_mail(content)
    assert ("Deep down" in mail.text) == (depth < 40)
    assert mail.problems


def test_ten_thousand_parts_are_not_listed_and_a_sentence_says_so():
    body = parts(*["Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nx"] * 10_000)
    content = mail_of(body, content_type="multipart/mixed; boundary=b1")
    assert seconds(content) < 2
    mail = read_mail(content)
    assert len(mail.attachments) == 100
    assert any("more than 1,000 parts" in problem for problem in mail.problems)
    assert any("100 are listed" in problem for problem in mail.problems)


def test_a_mail_of_fifty_megabytes_is_read_in_seconds_and_bounded_memory():
    attachment = b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"UEsDBAAA" * (6 * MB)
    content = mail_of(
        parts("Content-Type: text/plain\n\nSee the file.", attachment), content_type="multipart/mixed; boundary=b1"
    )
    tracemalloc.start()
    assert seconds(content) < 5
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(content)
    assert read_mail(content).attachments[0].size == 36 * MB


@one_by_one("text", TEXTS)
@pytest.mark.parametrize("content_type", ["text/plain; charset=utf-8", "text/html; charset=utf-8"])
def test_no_text_takes_long(text, content_type):
    assert seconds(mail_of(text, content_type=content_type)) < 5


@one_by_one("html", MARKUP)
def test_no_markup_takes_long(html):
    assert seconds(mail_of(html, content_type="text/html")) < 5


FIELDS = """from to subject date message_id references in_reply_to content_type content_disposition reply_to
    auto_submitted list_id list_post return_path precedence x_failed_recipients feedback_id"""


@one_by_one("value", VALUES)
def test_no_header_takes_long(value):
    content = mail_of("Hello", **dict.fromkeys(FIELDS.split(), value))
    assert seconds(content) < 5


@pytest.mark.parametrize("boundary", ["", "-", "a", "\n", "b" * 500, "b1 ", "(?:", "\0"])
def test_no_boundary_takes_long(boundary):
    line = f"\n--{boundary}".encode()
    assert seconds(mail_of(line * 500_000, content_type=f'multipart/mixed; boundary="{boundary}"')) < 5
    assert seconds(mail_of(b"-" * 5 * MB, content_type=f'multipart/mixed; boundary="{boundary}"')) < 5


@pytest.mark.parametrize(
    "line", ["<a@b>:\n", "x@" * 90 + "\n", "550 5.1.1 " * 30 + "\n", "\\S+@" * 40 + "\n", "a" * 5000]
)
def test_no_bounce_takes_long(line):
    for opening in ("Hi. This is the qmail-send program\n\n", "failed addresses follow:\n", "Your message to:\n", ""):
        content = mail_of(opening + line * 3_000, **{"from": "MAILER-DAEMON@example.org", "subject": "failure notice"})
        assert seconds(content) < 5


@one_by_one("content", HARDLY)
def test_what_is_hardly_a_mail_is_read_as_well_as_can_be(content):
    assert not faults(content)


def test_nothing_is_stored_that_postgresql_refuses():
    mail = read(
        "Hello\0 there \udcff".encode("utf-8", "surrogatepass") + b"\xed\xa0\x80",
        subject="a\0b =?utf-8?q?c=00d=ED=A0=80?=",
        **{"from": '"A\0da" <a\0da@example.org>'},
    )
    assert "\0" not in mail.text + mail.subject + mail.sender.name + mail.sender.email
    assert mail.text.startswith("Hello there")
    (mail.text + mail.subject + mail.sender.name).encode("utf-8")


def test_characters_that_hide_or_turn_words_are_left_out():
    mail = read(
        "un\u200bsub\ufeffscribe \u202egnp.exe", subject="a\u202eb", **{"from": '"A\u2066da" <ada@example.org>'}
    )
    assert mail.text == "unsubscribe gnp.exe"
    assert (mail.subject, mail.sender.name) == ("ab", "Ada")


@pytest.mark.parametrize("date", ["Mon, 3 Mar 1902 10:00:00 +0000", "Mon, 3 Mar 2099 10:00:00 +0000", "yesterday"])
def test_a_date_that_cannot_be_is_left_out_and_said(date):
    mail = read(date=date)
    assert mail.sent_at is None
    assert any("date" in problem for problem in mail.problems)


def test_of_a_header_that_stands_twice_the_first_counts_and_a_sentence_says_so():
    mail = read_mail(b"From: Ada <ada@example.org>\r\nFrom: Charlie <charlie@example.org>\r\nSubject: x\r\n\r\nHello")
    assert mail.sender.email == "ada@example.org"
    assert "more than one From" in mail.problems[0]


def test_a_wrong_boundary_is_found_out():
    mail = read(
        parts("Content-Type: text/plain\n\nHello", boundary="right"), content_type="multipart/mixed; boundary=wrong"
    )
    assert mail.text == "Hello"
    assert any("aren't separated as it says" in problem for problem in mail.problems)


def test_a_mail_that_ends_in_the_middle_is_read_so_far_and_said():
    body = parts("Content-Type: text/plain\n\nHello").removesuffix(b"\r\n--b1--\r\n")
    mail = read(body, content_type="multipart/mixed; boundary=b1")
    assert mail.text == "Hello"
    assert "The mail ends in the middle of a part." in mail.problems


def test_a_failure_of_our_own_is_said_logged_and_shown_to_staff(monkeypatch):
    def fail(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr("tpminstitute.mail.incoming.read.read_structure", fail)
    mail = read_mail(b"From: ada@example.org\r\n\r\nHello")
    assert mail.problems == (UNREADABLE,)
    assert (mail.kind, mail.answerable) == (ReceivedKind.PERSON, False)
