"""The lint of tests/parts/lint.py lets our mails pass and finds each fault that is planted in one."""

import base64
import contextlib
import re
import shutil
import smtplib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import time_machine
from sqlalchemy import update

from tests.factories import ADA, an_account, contact_of, make_settings, messages, submitted
from tests.parts import lint
from tests.parts.keys import rsa_pem
from tests.parts.opened import Opened
from tests.parts.smtp import MailServer
from tests.rooms.post import Post
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.inbox.answers import Answer, reply
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.dkim import sign, signing_key
from tpminstitute.mail.models import MessageKind
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.runner import run_due

NOTICE, ACK, FOLLOW_UP = MessageKind.NOTICE, MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP
REPLY = MessageKind.REPLY
OURS = [NOTICE, ACK, FOLLOW_UP, REPLY]


@pytest.fixture(scope="module")
def mails(_sqlite_template, tmp_path_factory):
    """One mail of each kind, as the service makes it, and its signed twin."""
    folder = tmp_path_factory.mktemp("mails")
    shutil.copyfile(_sqlite_template, folder / "mails.db")
    (folder / "key.pem").write_bytes(rsa_pem())
    settings = make_settings(folder, dkim_key=str(folder / "key.pem"), dkim_selector="lint")
    key = signing_key(settings)
    assert key is not None
    lint.KEYS[key.record_name] = key.record
    with contextlib.closing(Database(f"sqlite:///{folder / 'mails.db'}")) as db:
        submitted(db, settings, consents=True, message="A question that is mine alone")
        with db.write() as session:
            session.execute(update(Enrollment).values(next_due_at=clock.now()))
        run_due(db, settings)
        deliver(db, Post(), settings)
        with db.write() as session:
            answer = Answer("lint", "Come on Monday.", an_account(session))
            reply(session, settings, locked(session, contact_of(db).id), answer)
        made = {message.kind: message.content for message in messages(db)}
    yield made | {f"signed {kind}": sign(content, key) for kind, content in made.items()}
    del lint.KEYS[key.record_name]


@pytest.fixture(autouse=True)
def _no_mail_was_seen_before(monkeypatch):
    monkeypatch.setattr(lint, "_seen", {})


def replaced(old: bytes, new: bytes):
    """A fault: the first `old` becomes `new`, in the bytes as they stand."""

    def plant(content: bytes) -> bytes:
        assert old in content, f"{old!r} is not in the mail"
        return content.replace(old, new, 1)

    return plant


def header(name: str, value: str | None):
    """A fault: a header has another value, or is not there."""

    def plant(content: bytes) -> bytes:
        line = b"" if value is None else f"{name}: {value}\r\n".encode()
        planted, times = re.subn(rb"(?im)^" + name.encode() + rb":.*?\r\n(?![ \t])", lambda _: line, content, count=1)
        assert times == 1, f"the mail has no {name}"
        return planted

    return plant


def added(line: str):
    """A fault: one more header."""
    return lambda content: line.encode() + b"\r\n" + content


def decoded(kind: str, old: str, new: str):
    """A fault in a part as it is read, whatever its transfer encoding."""

    def plant(content: bytes) -> bytes:
        start = content.index(b"Content-Type: text/" + kind.encode())
        head, body = content[start:].split(b"\r\n\r\n", 1)
        body, rest = body.split(b"\r\n--=_", 1)
        text = Opened(content, ()).text if kind == "plain" else Opened(content, ()).html
        assert re.search(old, text), f"{old} is not in the {kind} part"
        faulty = base64.encodebytes(re.sub(old, lambda _: new, text, count=1).encode()).replace(b"\n", b"\r\n")
        head = re.sub(rb"Content-Transfer-Encoding: \S+", b"Content-Transfer-Encoding: base64", head)
        return content[:start] + head + b"\r\n\r\n" + faulty + b"\r\n--=_" + rest

    return plant


def unparted(content: bytes) -> bytes:
    return re.sub(rb"multipart/alternative", b"multipart/mixed", content, count=1)


def swapped(content: bytes) -> bytes:
    return content.replace(b"text/plain", b"text/x", 1).replace(b"text/html", b"text/plain", 1)


FAULTS = {
    "a bare line feed": (ACK, replaced(b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\n"), "CRLF"),
    "a bare carriage return": (ACK, replaced(b"Hello", b"He\rllo"), "CRLF"),
    "a NUL": (ACK, replaced(b"Hello", b"He\0llo"), "NUL"),
    "a line of 999": (ACK, replaced(b"Hello", b"x" * 999), "longer than 998"),
    "an unfolded header": (ACK, header("Subject", "word " * 20), "could have been folded"),
    "raw octets in the body": (ACK, replaced(b"Hello", "Héllo".encode()), "octets over 127"),
    "a mail over 100 kB": (NOTICE, replaced(b"wrote to", b"x\r\n" * 40_000), "webmail"),
    "a second From": (ACK, added("From: eve@example.org"), "From 2 times"),
    "a second Subject": (ACK, added("Subject: x"), "Subject 2 times"),
    "no Date": (ACK, header("Date", None), "Date 0 times"),
    "no MIME-Version": (ACK, header("MIME-Version", None), "MIME-Version 0 times"),
    "no language": (ACK, header("Content-Language", None), "Content-Language 0 times"),
    "no reference": (ACK, header("X-TPM-Reference", None), "X-TPM-Reference 0 times"),
    "two Reply-To": (ACK, added("Reply-To: eve@example.org"), "Reply-To more than once"),
    "Precedence": (FOLLOW_UP, added("Precedence: bulk"), "Nobody expects the header precedence"),
    "a Bcc": (ACK, added("Bcc: all@example.org"), "Nobody expects the header bcc"),
    "an empty header": (ACK, header("Subject", ""), "Subject is empty"),
    "raw octets in the subject": (ACK, header("Subject", "Grüße"), "octets over 127"),
    "a control character": (ACK, header("Subject", "a\bb"), "control character"),
    "a malformed encoded word": (ACK, header("Subject", "=?utf-8?q?a b?="), "malformed encoded word"),
    "an encoded word of 80": (ACK, header("Subject", f"=?utf-8?q?{'a' * 70}?="), "malformed encoded word"),
    "an encoded word that is no UTF-8": (ACK, header("Subject", "=?utf-8?b?/w==?="), "can't be read"),
    "two addresses in To": (ACK, header("To", "ada@example.org, eve@example.org"), "To is not one address"),
    "no address in From": (ACK, header("From", "TPM Institute"), "From is not one address"),
    "a domain in another script": (ACK, header("Reply-To", "i@bücher.example"), "domain in ASCII"),
    "another To than the envelope's": (ACK, header("To", "eve@example.org"), "the mail says eve@example.org"),
    "somebody else's Message-ID": (ACK, header("Message-ID", f"<{'a' * 32}@example.org>"), "our own domain"),
    "a Message-ID that can be guessed": (ACK, header("Message-ID", "<1@tpminstitute.org>"), "our own domain"),
    "another reference": (ACK, header("X-TPM-Reference", "a" * 32), "does not repeat"),
    "a date without a zone": (ACK, header("Date", "Sun, 22 Nov 2026 19:53:41 -0000"), "has no zone"),
    "a date that is none": (ACK, header("Date", "yesterday"), "can't be read"),
    "a date to come": (ACK, header("Date", format_datetime(datetime.now(UTC) + timedelta(hours=1))), "not near"),
    "a date long gone": (ACK, header("Date", format_datetime(datetime.now(UTC) - timedelta(days=50))), "not near"),
    "no Auto-Submitted": (ACK, header("Auto-Submitted", None), "should be auto-replied"),
    "a wrong Auto-Submitted": (NOTICE, header("Auto-Submitted", "no"), "should be auto-generated"),
    "no Feedback-ID": (ACK, header("Feedback-ID", None), "does not say which mail"),
    "a Feedback-ID without a sender id": (FOLLOW_UP, header("Feedback-ID", "follow_up:a:b:"), "a sender id"),
    "a Feedback-ID that repeats itself": (FOLLOW_UP, header("Feedback-ID", "follow_up:a:a:tpminst"), "a sender id"),
    "a Feedback-ID on a notice": (NOTICE, added("Feedback-ID: a:b:c:tpminst"), "does not say which mail"),
    "a follow-up one can't leave": (FOLLOW_UP, header("List-Unsubscribe", None), "belongs on follow-ups"),
    "an acknowledgement one can leave": (
        ACK,
        added("List-Unsubscribe: <http://institute.test/unsubscribe/x>"),
        "belongs on follow-ups",
    ),
    "no one-click": (FOLLOW_UP, header("List-Unsubscribe-Post", None), "One-Click"),
    "a malformed one-click": (FOLLOW_UP, header("List-Unsubscribe-Post", "One-Click"), "One-Click"),
    "no angle brackets": (FOLLOW_UP, replaced(b"List-Unsubscribe: <", b"List-Unsubscribe: "), "angle brackets"),
    "a hidden way out": (FOLLOW_UP, decoded("plain", r"http\S+/unsubscribe/\S+", "nowhere"), "does not see"),
    "a reply that names no Message-ID": (REPLY, header("In-Reply-To", "monday"), "do not fit"),
    "a reply to another mail than its thread's": (REPLY, header("In-Reply-To", "<other@example.org>"), "do not fit"),
    "a thread of something else": (REPLY, replaced(b"References: ", b"References: x "), "else than Message-IDs"),
    "a Feedback-ID on a reply": (REPLY, added("Feedback-ID: a:b:c:tpminst"), "does not say which mail"),
    "an unsigned thread": (f"signed {REPLY}", replaced(b"in-reply-to", b"x-nothing"), "in-reply-to is not signed"),
    "another structure": (ACK, unparted, "not multipart/alternative"),
    "HTML before text": (ACK, swapped, "not text and then HTML"),
    "another charset": (ACK, replaced(b'charset="utf-8"', b'charset="latin-1"'), "charset of text/plain"),
    "8bit": (ACK, replaced(b"quoted-printable", b"8bit"), "encoding of text"),
    "no end of the parts": (ACK, lambda mail: mail.rpartition(b"\r\n--")[0], "defect"),
    "a link to a stranger": (ACK, decoded("html", 'href="http://[^"]*', 'href="http://evil.net/'), "leads to"),
    "a link that is code": (ACK, decoded("html", 'href="http://[^"]*', 'href="javascript:x'), "leads to"),
    "a relative link": (ACK, decoded("html", 'href="http://[^"]*', 'href="/guide'), "leads to"),
    "a link in the HTML only": (ACK, decoded("plain", r"http\S+", "nowhere"), "same links"),
    "a link in the text only": (ACK, decoded("plain", "$", "http://institute.test/x"), "same links"),
    "a picture": (ACK, decoded("html", "<p", '<img src="http://institute.test/p"><p'), "<img>"),
    "a script": (ACK, decoded("html", "<p", "<script>x</script><p"), "<script>"),
    "a form": (ACK, decoded("html", "<p", "<form></form><p"), "<form>"),
    "an event": (ACK, decoded("html", "<p ", "<p onclick=x "), "has onclick on <p>"),
    "a background": (ACK, decoded("html", "<td ", "<td background=x "), "has background on <td>"),
    "a refresh": (ACK, decoded("html", "<meta ", "<meta http-equiv=refresh "), "http-equiv"),
    "a style that loads": (ACK, decoded("html", 'style="', 'style="background:url(x);'), "loads something"),
    "a sheet that loads": (ACK, decoded("html", "<style>", "<style>@import 'x';"), "style sheet loads"),
    "no language in the HTML": (ACK, decoded("html", ' lang="en"', ""), "The HTML is in “”"),
    "another language in the HTML": (ACK, decoded("html", ' lang="en"', ' lang="de"'), "The HTML is in “de”"),
    "no preheader": (ACK, decoded("html", "display:none", "display:block"), "no preheader"),
    "no dark mode": (ACK, decoded("html", "prefers-color-scheme: dark", "print"), "no dark mode"),
    "an empty text": (ACK, decoded("plain", r"(?s).*", " "), "forms is empty"),
    "a variable": (FOLLOW_UP, decoded("plain", "Hello", "Hello {first_name}"), "variable was left"),
    "no reason in the text": (ACK, decoded("plain", "You get this because", "Because"), "text does not say why"),
    "no reason in the HTML": (ACK, decoded("html", "You get this because", "Because"), "HTML does not say why"),
    "no postal address": (FOLLOW_UP, decoded("html", "1 Example Street", ""), "HTML does not show the postal"),
    "a visitor's words": (ACK, decoded("plain", "Hello", "A question that is mine alone"), "repeats what a visitor"),
    "a visitor's full name": (FOLLOW_UP, decoded("html", "Hello Ada", "Hello Ada Lovelace"), "repeats what a visitor"),
    "a visitor's words in the subject": (ACK, header("Subject", "Ada Lovelace"), "subject repeats"),
    "no way to what is held in the text": (ACK, decoded("plain", r"/me/\S+", ""), "text has no link to what is held"),
    "no way to what is held in a reply": (REPLY, decoded("html", r"/me/[^\"]+", "/"), "HTML has no link to what"),
    "a changed body": (f"signed {ACK}", replaced(b"Hello", b"Hullo"), "does not verify"),
    "a changed subject": (f"signed {ACK}", header("Subject", "Another"), "does not verify"),
    "a key nobody knows": (f"signed {ACK}", replaced(b"s=lint;", b"s=other;"), "does not verify"),
    "a signature of another domain": (f"signed {ACK}", replaced(b"d=tpminst", b"d=example"), "not the domain of From"),
    "an unsigned Feedback-ID": (f"signed {ACK}", replaced(b"feedback-id", b"x-nothing"), "feedback-id is not signed"),
    "From signed only once": (f"signed {ACK}", replaced(b"h=from :", b"h=sender :"), "not oversigned"),
}  # fmt: skip


@pytest.mark.parametrize("kind", [*OURS, *(f"signed {kind}" for kind in OURS)])
def test_our_own_mails_pass(mails, kind):
    to = lint.INSTITUTE if NOTICE in kind else ADA
    assert lint.faults(mails[kind], [to]) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(mails, name):
    kind, plant, sentence = FAULTS[name]
    lint.remember("Ada Lovelace", "A question that is mine alone")
    found = lint.faults(plant(mails[kind]), [lint.INSTITUTE if NOTICE in kind else ADA])
    assert any(sentence in fault for fault in found), found


def test_every_rule_has_a_planted_fault(mails):
    """Without any one of the rules, some planted fault would pass."""
    lint.remember("Ada Lovelace", "A question that is mine alone")
    idle = {rule.__name__ for rule in lint.RULES}
    for kind, plant, sentence in FAULTS.values():
        lint._seen.clear()
        mail = Opened(plant(mails[kind]), (lint.INSTITUTE if NOTICE in kind else ADA,))
        idle -= {rule.__name__ for rule in lint.RULES if any(sentence in fault for fault in rule(mail))}
    assert not idle


def test_a_message_id_used_twice_is_found(mails):
    assert not lint.faults(mails[ACK])
    assert not lint.faults(mails[ACK]), "the same mail may go again"
    assert not lint.faults(mails[f"signed {ACK}"]), "signed or not, it is the same mail"
    assert any("Another mail" in fault for fault in lint.faults(replaced(b"Hello", b"Hullo")(mails[ACK])))


def test_a_bad_mail_fails_the_test_that_sent_it_over_smtp(mails):
    bad = replaced(b"MIME-Version: 1.0", b"MIME-Version: 1.0\r\nPrecedence: bulk")(mails[ACK])
    with pytest.raises(AssertionError, match="precedence"), MailServer() as server:  # noqa: SIM117 - after it
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.sendmail("info@tpminstitute.org", [ADA], bad)


def test_a_bad_mail_fails_the_test_that_sent_it_by_post(mails):
    post = Post()
    post.offer("info@tpminstitute.org", ADA, b"")
    post.hand_over(mails[ACK])
    with pytest.raises(lint.BadMail, match="precedence"):
        post.hand_over(added("Precedence: bulk")(mails[ACK]))


def test_the_date_is_near_the_moved_clock(mails):
    with time_machine.travel(datetime.now(UTC) + timedelta(days=60)):
        assert any("not near" in fault for fault in lint.faults(mails[ACK]))
