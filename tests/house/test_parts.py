"""The parts the tests stand on do what the tests believe of them."""

import contextlib
import os
import smtplib
import socket
import subprocess
import sys
import threading
import warnings
import weakref

import pytest

from tests.parts import forked, garbage
from tests.parts.install import no_main_cluster, services_stay_stopped
from tests.parts.ports import free_port
from tests.parts.smtp import DROP

BYTES = b"Subject: Hello\r\n\r\nOne line.\r\n"


@pytest.fixture
def mail_server(mail_server):
    """The same, for mails that are none of ours."""
    mail_server.lints = False
    return mail_server


def send(server, to="reader@example.org"):
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        client.sendmail("info@example.org", [to], BYTES)


def test_an_accepted_mail_is_kept_as_it_came(mail_server):
    send(mail_server)
    mail = mail_server.wait_for_mail("reader@example.org")
    assert mail.content == BYTES
    assert mail.message["Subject"] == "Hello"
    assert (mail.sender, mail.recipients) == ("info@example.org", ["reader@example.org"])


def test_a_kept_open_connection_counts_once(mail_server):
    with smtplib.SMTP("127.0.0.1", mail_server.port, timeout=10) as client:
        for _ in range(3):
            client.sendmail("info@example.org", ["reader@example.org"], BYTES)
    assert [mail.connection for mail in mail_server.mails] == [1, 1, 1]
    assert mail_server.connections == 1


@pytest.mark.parametrize("moment", ["connect", "mail", "rcpt", "data", "dot"])
def test_a_scripted_refusal_keeps_the_mail_out(mail_server, moment):
    mail_server.script(moment, "451 4.3.0 Not now", times=1)
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused), match=r"451|Not now"):
        send(mail_server)
    assert not mail_server.mails
    send(mail_server)
    assert len(mail_server.mails) == 1


def test_a_refusal_may_be_for_one_address_only(mail_server):
    mail_server.script("rcpt", "550 5.1.1 No such user", address="gone@example.org")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(mail_server, to="gone@example.org")
    send(mail_server)
    assert not mail_server.to("gone@example.org")


def test_a_connection_dropped_after_the_dot_leaves_the_mail_with_the_server(mail_server):
    mail_server.script("dot", DROP, times=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mail_server)
    assert len(mail_server.mails) == 1


def test_a_421_closes_the_connection(mail_server):
    mail_server.script("mail", "421 4.3.2 Shutting down", times=1)
    with socket.create_connection(("127.0.0.1", mail_server.port), timeout=10) as client:
        client.sendall(b"EHLO me\r\nMAIL FROM:<info@example.org>\r\n")
        assert b"".join(iter(lambda: client.recv(4096), b"")).endswith(b"421 4.3.2 Shutting down\r\n")


def test_a_client_can_be_held_at_the_dot(mail_server):
    release = threading.Event()
    rule = mail_server.script("dot", hold=release)
    client = threading.Thread(target=send, args=(mail_server,))
    client.start()
    assert rule.held.wait(10)
    assert client.is_alive()
    release.set()
    client.join(10)
    assert len(mail_server.mails) == 1


def test_a_wait_for_mail_that_never_comes_says_what_came(mail_server):
    send(mail_server)
    with pytest.raises(AssertionError, match=r"reader@example\.org: Hello"):
        mail_server.wait_for_mail("other@example.org", timeout=0.05)


def test_two_free_ports_are_never_the_same():
    assert len({free_port() for _ in range(50)}) == 50


def test_what_a_test_leaves_behind_in_a_circle_is_collected_a_few_tests_later():
    class Left(list):
        """A list that can be looked at without being held."""

    left = Left()
    left.append(left)
    gone = weakref.ref(left)
    del left
    for _ in range(garbage.AFTER):
        garbage.count_a_test()
    assert gone() is None


def test_a_warning_is_an_error():
    with pytest.raises(UserWarning, match="mind"):
        warnings.warn("mind this", stacklevel=1)


@pytest.mark.parametrize("found", [None, "#!/bin/sh\nexit 0\n"])
def test_the_service_policy_is_left_as_it_was_found(tmp_path, found):
    policy = tmp_path / "policy-rc.d"
    if found is not None:
        policy.write_text(found)
    with contextlib.suppress(KeyboardInterrupt), services_stay_stopped(policy):
        assert policy.read_text().endswith("exit 101\n")
        assert policy.stat().st_mode & 0o111
        raise KeyboardInterrupt
    assert (policy.read_text() if policy.exists() else None) == found
    assert not list(tmp_path.glob("*.before-tests"))


def test_the_cluster_configuration_is_left_as_it_was_found(tmp_path):
    conf = tmp_path / "createcluster.conf"
    conf.write_text("ssl = on\n")
    with no_main_cluster(conf):
        assert "create_main_cluster = false" in conf.read_text()
    assert conf.read_text() == "ssl = on\n"


def test_a_forked_command_says_and_ends_as_one_that_was_started_from_nothing(tmp_path):
    environment = {"PATH": os.environ["PATH"], "BIND": "nowhere"}
    command = [sys.executable, "-m", forked.COMMANDS, "web"]
    started = subprocess.run(command, env=environment, cwd=forked.ROOT, capture_output=True, text=True, check=False)
    done = forked.run(forked.COMMANDS, ["web"], environment, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (started.returncode, started.stdout, started.stderr)


def test_what_was_forked_is_gone_with_its_test_run(tmp_path):
    run = (
        "import os, sys; from pathlib import Path; from tests.parts.forked import PARTS, Forked;"
        "one = Forked(PARTS, ['catcher'], {'DATA_DIR': sys.argv[1], 'BIND': sys.argv[2]});"
        "one.start(Path(sys.argv[1], 'log')); print(one.pid)"
    )
    command = [sys.executable, "-c", run, str(tmp_path), f"127.0.0.1:{free_port()}"]
    done = subprocess.run(command, cwd=forked.ROOT, capture_output=True, check=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
