"""Each kind of mail carries the headers that belong on it, whatever domain it goes to or comes from."""

import re
from email import message_from_bytes, policy

import pytest
from sqlalchemy import update

from tests.factories import make_settings, messages, submitted
from tests.rooms.test_compose import ADA, DATE, MESSAGE_ID, SENDER
from tpminstitute.core import clock
from tpminstitute.core.errors import SettingsError
from tpminstitute.inbox.models import Topic
from tpminstitute.mail.compose import ComposeError, ascii_email, compose, feedback_id
from tpminstitute.mail.letters import Frame, LetterSource, render, weight
from tpminstitute.mail.models import MessageKind, MessageStatus
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.runner import run_due


def headers(message):
    return message_from_bytes(message.content, policy=policy.default)


def mail_of(db, settings, kind, **fields):
    submitted(db, settings, consents=True, **fields)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    (message,) = messages(db, kind=kind)
    return headers(message)


@pytest.mark.parametrize("kind", [MessageKind.NOTICE, MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP])
def test_every_mail_repeats_its_message_id_as_a_reference_of_our_own(db, settings, kind):
    mail = mail_of(db, settings, kind)
    assert mail["Message-ID"] == f"<{mail['X-TPM-Reference']}@tpminstitute.org>"
    assert mail["Content-Language"] == "en"


def test_what_a_form_triggered_says_so(db, settings):
    submitted(db, settings)
    said = {message.kind: headers(message)["Auto-Submitted"] for message in messages(db)}
    assert said == {MessageKind.NOTICE: "auto-generated", MessageKind.ACKNOWLEDGEMENT: "auto-replied"}


def test_acknowledgement_has_a_feedback_id_and_no_way_to_unsubscribe(db, settings):
    mail = mail_of(db, settings, MessageKind.ACKNOWLEDGEMENT, topic=Topic.COURSES)
    assert mail["Feedback-ID"] == "acknowledgement:courses:tpminstitute.org:tpminstitute"
    assert not [name for name in mail if name.startswith("List-")]


def test_follow_up_has_a_feedback_id_and_one_click_to_unsubscribe(db, settings):
    mail = mail_of(db, settings, MessageKind.FOLLOW_UP)
    assert mail["Feedback-ID"] == "follow_up:follow-up-experience:tpminstitute.org:tpminstitute"
    assert re.fullmatch(r"<http://institute\.test/unsubscribe/\S+>", mail["List-Unsubscribe"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_notice_has_neither(db, settings):
    mail = mail_of(db, settings, MessageKind.NOTICE)
    assert not [name for name in mail if name.startswith("List-") or name == "Feedback-ID"]


@pytest.mark.parametrize(
    ("sender", "sender_id"),
    [
        ("info@tpminstitute.org", "tpminstitute"),
        ("info@mail.tpminstitute.org", "il-tpminstitute"),
        ("info@ab.org", "ab-mail"),
        ("info@localhost", "localhost"),
        ("info@bücher.example", "xn--bcher-kva"),
        ("info@a-very-long-name-indeed.example", "ong-name-indeed"),
    ],
)
def test_sender_id_has_five_to_fifteen_characters(sender, sender_id):
    made = feedback_id("follow_up", "any:letter at all", sender)
    assert made.rpartition(":")[2] == sender_id
    assert made.startswith("follow_up:any-letter-at-all:")
    assert made.count(":") == 3
    assert 5 <= len(sender_id) <= 15


def test_letter_in_another_language_says_so_in_header_and_html():
    letter = render(LetterSource("s", "p", "b"), {}, Frame("T", "a@b.example", "", "r", language="pt-BR"))
    mail = compose(letter, sender=SENDER, recipient=ADA, message_id=MESSAGE_ID, date=DATE)
    assert b"Content-Language: pt-BR\r\n" in mail
    assert '<html lang="pt-BR">' in letter.html


@pytest.mark.parametrize("language", ["", "english please", "en\r\nBcc: x", "e"])
def test_language_that_is_none_is_refused(language):
    letter = render(LetterSource("s", "p", "b"), {}, Frame("T", "a@b.example", "", "r", language=language))
    with pytest.raises(ComposeError, match="language"):
        compose(letter, sender=SENDER, recipient=ADA, message_id=MESSAGE_ID, date=DATE)


def test_weight_is_never_less_than_the_mail(db, settings):
    submitted(db, settings, message="Ünï & <b> " * 300)
    for message in messages(db):
        parts = [part.get_payload(decode=True).decode() for part in headers(message).iter_parts()]
        assert len(message.content) - 1_500 < weight(*parts)


# --- other scripts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MessageKind.NOTICE, MessageKind.ACKNOWLEDGEMENT, MessageKind.FOLLOW_UP])
def test_a_domain_in_another_script_is_ascii_in_every_header(db, tmp_path, kind):
    settings = make_settings(
        tmp_path,
        mail_from="info@Bücher.example",
        institute_email="info@tpminstitute.org",
        public_url="https://www.bücher.example:8443/tpm/",
    )
    submitted(db, settings, consents=True, email="ada@例え.example")
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, settings)
    (message,) = messages(db, kind=kind)
    assert message.status is MessageStatus.QUEUED
    assert message.content.partition(b"\r\n\r\n")[0].isascii()
    mail = headers(message)
    assert mail["From"].addresses[0].addr_spec == "info@xn--bcher-kva.example"
    assert mail["Message-ID"].endswith("@xn--bcher-kva.example>")
    if kind is not MessageKind.NOTICE:
        assert mail["To"] == "ada@xn--r8jz45g.example"
    if kind is MessageKind.FOLLOW_UP:
        assert mail["List-Unsubscribe"].startswith("<https://www.xn--bcher-kva.example:8443/tpm/unsubscribe/")


def test_an_address_in_another_script_is_not_the_notices_reply_to_and_staff_are_told(db, settings):
    submitted(db, settings, email="jürgen@example.org")
    (message,) = messages(db, kind=MessageKind.NOTICE)
    mail = headers(message)
    assert mail["Reply-To"] is None
    assert "does not go to the visitor" in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize("address", ["ada@", "@example.org", "ada@exa mple.org", "a\u202eb@example.org"])
def test_what_is_no_address_has_no_ascii_form(address):
    with pytest.raises(ComposeError):
        ascii_email(address)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("mail_from", "jürgen@example.org", "MAIL_FROM is not usable: write the part before the @ in ASCII"),
        ("institute_email", "a@-b-.example", "INSTITUTE_EMAIL is not usable: what follows the @"),
        ("public_url", "https://www.bücher.example/prüfung", "PUBLIC_URL is not usable: write what follows the host"),
        ("public_url", "https://ü_ü.example", "PUBLIC_URL is not usable: its host"),
    ],
)
def test_a_setting_that_would_break_every_mail_stops_the_start(tmp_path, field, value, says):
    with pytest.raises(SettingsError, match=says):
        make_settings(tmp_path, **{field: value})
