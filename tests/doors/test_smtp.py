"""Mail over real SMTP: Flask-Mail's connection behind the mail room's transport."""

import threading
from email import message_from_bytes, policy

import dkim as dkimpy
import pytest
from sqlalchemy import update

from tests.conftest import on_sqlite
from tests.factories import ADA, make_settings, messages, submitted
from tests.parts import lint
from tests.parts.keys import ed25519_pem, rsa_pem
from tests.parts.ports import free_port
from tests.parts.smtp import DROP, MailServer
from tpminstitute.core import clock
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.dkim import signing_key
from tpminstitute.mail.models import DeliveryEventKind, MessageKind, MessageStatus
from tpminstitute.mail.transport import Unreachable
from tpminstitute.sequences.models import Enrollment
from tpminstitute.sequences.runner import run_due
from workers.transport import SmtpTransport


@pytest.fixture
def settings(tmp_path, mail_server):
    return make_settings(tmp_path, smtp_url=mail_server.url)


def delivered(db, settings):
    return deliver(db, SmtpTransport(settings), settings)


def acknowledgement(db):
    (message,) = messages(db, kind=MessageKind.ACKNOWLEDGEMENT)
    return message


def test_a_batch_goes_over_one_connection_byte_for_byte(db, settings, mail_server):
    for number in range(5):
        submitted(db, settings, email=f"reader{number}@example.org")
    assert delivered(db, settings) == 10
    assert mail_server.connections == 1
    assert sorted(mail.content for mail in mail_server.mails) == sorted(message.content for message in messages(db))


@on_sqlite
def test_lines_that_begin_with_a_dot_arrive_as_they_were(db, settings, mail_server):
    submitted(db, settings, message=".\n..two\n.\nQUIT")
    delivered(db, settings)
    (mail,) = mail_server.to("info@tpminstitute.org")
    body = message_from_bytes(mail.content, policy=policy.default).get_body(("plain",))
    assert body is not None
    assert "\n.\n..two\n.\nQUIT\n" in body.get_content().replace("\r\n", "\n")


@on_sqlite
@pytest.mark.parametrize("moment", ["mail", "rcpt", "data", "dot"])
def test_a_4xx_at_any_moment_waits(db, settings, mail_server, moment):
    submitted(db, settings)
    mail_server.script(moment, "451 4.3.0 Try later", times=2)
    delivered(db, settings)
    assert mail_server.mails == []
    assert {(message.status, message.attempts) for message in messages(db)} == {(MessageStatus.QUEUED, 1)}


@pytest.mark.parametrize("moment", ["rcpt", "data", "dot"])
def test_a_5xx_for_one_address_fails_that_mail_only(db, settings, mail_server, moment):
    submitted(db, settings)
    mail_server.script(moment, "550 5.1.1 No such user", address=ADA)
    assert delivered(db, settings) == 1
    assert (acknowledgement(db).status, "No such user" in acknowledgement(db).reason) == (MessageStatus.FAILED, True)


@on_sqlite
def test_a_connection_dropped_before_the_content_loses_and_doubles_nothing(db, settings, mail_server):
    submitted(db, settings)
    mail_server.script("rcpt", DROP, address=ADA, times=1)
    delivered(db, settings)
    assert acknowledgement(db).status is MessageStatus.QUEUED
    assert [mail.recipients for mail in mail_server.mails] == [["info@tpminstitute.org"]]


@on_sqlite
def test_a_connection_dropped_after_the_dot_leaves_a_visitors_mail_to_a_person(db, settings, mail_server):
    submitted(db, settings)
    mail_server.script("dot", DROP, address=ADA)
    delivered(db, settings)
    assert acknowledgement(db).status is MessageStatus.UNCERTAIN


@on_sqlite
def test_a_421_ends_the_connection_and_the_next_mail_takes_a_new_one(db, settings, mail_server):
    submitted(db, settings)
    mail_server.script("rcpt", "421 4.7.0 Too many", address="info@tpminstitute.org", times=1)
    assert delivered(db, settings) == 1
    assert mail_server.connections == 2


def test_a_server_that_is_away_is_unreachable(tmp_path):
    transport = SmtpTransport(make_settings(tmp_path, smtp_url=f"smtp://127.0.0.1:{free_port()}"))
    with pytest.raises(Unreachable, match="refused"), transport.open():
        pass


@on_sqlite
def test_a_silent_server_is_given_up_within_half_a_lease(db, tmp_path, mail_server):
    settings = make_settings(tmp_path, smtp_url=mail_server.url, lease_seconds=5)
    submitted(db, settings)
    released = threading.Event()
    mail_server.script("rcpt", None, hold=released)
    deliver(db, SmtpTransport(settings), settings)
    released.set()
    assert {message.status for message in messages(db)} == {MessageStatus.QUEUED}


def test_a_worker_that_stood_still_for_a_lease_sends_no_content(tmp_path, mail_server):
    settings = make_settings(tmp_path, smtp_url=mail_server.url, lease_seconds=5)
    mail_server.lints = False
    with SmtpTransport(settings).open() as connection:
        assert connection.offer("a@example.org", "b@example.org", b"").accepted
        connection._offered_at -= settings.lease_seconds
        answer = connection.hand_over(b"Subject: Late\r\n\r\nToo late.\r\n")
    assert (answer.kind, answer.connection_lost) == (DeliveryEventKind.DEFERRED, True)
    assert mail_server.mails == []


def test_a_server_that_asks_for_a_password_gets_it_or_is_unreachable(tmp_path):
    with MailServer(users={"tpm@example.org": "p@ss/word"}) as server:
        for password, fits in (("p%40ss%2Fword", True), ("wrong", False)):
            url = f"smtp://tpm%40example.org:{password}@127.0.0.1:{server.port}"
            transport = SmtpTransport(make_settings(tmp_path, smtp_url=url))
            try:
                with transport.open():
                    assert fits
            except Unreachable:
                assert not fits


@on_sqlite
def test_a_local_part_in_another_script_needs_a_server_that_knows_it(db, tmp_path):
    with MailServer(smtputf8=False) as server:
        settings = make_settings(tmp_path, smtp_url=server.url)
        submitted(db, settings, email="jürgen@example.org")
        assert delivered(db, settings) == 1, "the institute's notice arrives in any case"
    message = acknowledgement(db)
    assert message.status is MessageStatus.FAILED
    assert "SMTPUTF8" in message.reason


@on_sqlite
def test_a_local_part_in_another_script_is_mailed_where_the_server_knows_it(db, settings, mail_server):
    submitted(db, settings, email="jürgen@bücher.example.org")
    assert delivered(db, settings) == 2
    assert mail_server.to("jürgen@xn--bcher-kva.example.org") or mail_server.to("jürgen@bücher.example.org")


@on_sqlite
def test_what_the_server_said_is_kept(db, settings, mail_server):
    submitted(db, settings)
    with SmtpTransport(settings).open() as connection:
        answer = connection.offer("a@example.org", "b@example.org", b"")
    assert (answer.kind, answer.code) == (DeliveryEventKind.ACCEPTED, 250)


@on_sqlite
@pytest.mark.parametrize("smtputf8", [True, False])
def test_a_domain_in_another_script_goes_out_in_ascii_to_any_server(db, tmp_path, smtputf8):
    with MailServer(smtputf8=smtputf8) as server:
        settings = make_settings(tmp_path, smtp_url=server.url, mail_from="info@Bücher.example")
        submitted(db, settings, email="ada@bücher.example.org")
        assert delivered(db, settings) == 2
    (mail,) = server.to("ada@xn--bcher-kva.example.org")
    assert mail.sender == "info@xn--bcher-kva.example"


@on_sqlite
def test_a_mail_that_the_server_cannot_take_blocks_none_behind_it(db, tmp_path):
    with MailServer(smtputf8=False) as server:
        settings = make_settings(tmp_path, smtp_url=server.url)
        for email in ("one@example.org", "jürgen@example.org", "two@example.org"):
            submitted(db, settings, email=email)
        assert delivered(db, settings) == 5
    assert server.connections == 1
    assert {len(server.to(email)) for email in ("one@example.org", "two@example.org")} == {1}


def test_after_a_mail_in_another_script_plain_ones_go_without_smtputf8(settings, mail_server):
    mail_server.lints = False
    with SmtpTransport(settings).open() as connection:
        for recipient in ("jürgen@example.org", "ada@example.org"):
            content = f"To: {recipient}\r\n\r\nx\r\n".encode()
            assert connection.offer("a@example.org", recipient, content).accepted
            assert connection.hand_over(content).accepted


def test_what_is_no_address_is_refused_before_the_server_hears_of_it(settings, mail_server):
    with SmtpTransport(settings).open() as connection:
        answer = connection.offer("a@example.org", "b@exa mple.org", b"")
    assert answer.kind is DeliveryEventKind.REFUSED


@pytest.fixture(params=[rsa_pem(), ed25519_pem()], ids=["rsa", "ed25519"])
def signing_settings(request, tmp_path, mail_server, monkeypatch):
    """The settings of an institute that signs, its public key in the tests' DNS."""
    (file := tmp_path / "dkim.pem").write_bytes(request.param)
    settings = make_settings(tmp_path, smtp_url=mail_server.url, dkim_key=str(file), dkim_selector="tpm1")
    key = signing_key(settings)
    assert key is not None
    monkeypatch.setitem(lint.KEYS, key.record_name, key.record)
    return settings


def verifies(content):
    records = {f"{name}.".encode(): record.encode() for name, record in lint.KEYS.items()}
    return dkimpy.verify(content, dnsfunc=lambda name, timeout: records.get(name))


@on_sqlite
def test_a_follow_up_arrives_with_a_signature_that_verifies_and_covers_the_way_out(db, signing_settings, mail_server):
    submitted(db, signing_settings, consents=True)
    with db.write() as session:
        session.execute(update(Enrollment).values(next_due_at=clock.now()))
    run_due(db, signing_settings)
    assert delivered(db, signing_settings) == 3
    (content,) = [mail.content for mail in mail_server.mails if mail.message["List-Unsubscribe"]]
    assert verifies(content)
    for header in (b"List-Unsubscribe: ", b"List-Unsubscribe-Post: "):
        changed, removed = content.replace(header, header + b"x"), content.replace(header, b"X-" + header)
        assert content not in (changed, removed)
        assert not verifies(changed)
        assert not verifies(removed)
