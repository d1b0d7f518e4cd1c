"""The doctor's talk with a mail server: real servers, real certificates, and no mail sent."""

import socket

import pytest
from aiosmtpd.smtp import AuthResult

from tests.conftest import need
from tests.factories import make_settings
from tests.parts.install import find_openssl
from tests.parts.ports import free_port
from tests.parts.smtp import DROP, MailServer
from tests.parts.tls import Site, TlsMailServer, make_certificate
from tpminstitute.doctor import checks_mail
from tpminstitute.doctor.checks_machine import check_web
from tpminstitute.doctor.checks_mail import check_mail_server
from tpminstitute.doctor.findings import Outcome


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """`certificate(days=90)`: a new certificate, which this process trusts."""
    need(find_openssl(), "openssl")

    def make(*, trusted=True, **wanted):
        path = make_certificate(tmp_path, **wanted)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(path))
        return path

    return make


def asked(tmp_path, url, **fields):
    return check_mail_server(make_settings(tmp_path, smtp_url=url, **fields))


def worst(findings):
    return min(findings, key=lambda finding: list(Outcome).index(finding.outcome))


def test_a_server_that_takes_our_mail_is_in_order_and_gets_none(tmp_path, mail_server):
    (finding,) = asked(tmp_path, mail_server.url)
    assert (finding.outcome, "SIZE, 8BITMIME, SMTPUTF8" in finding.says) == (Outcome.OK, True)
    assert mail_server.mails == []


def test_a_server_that_is_away_is_wrong(tmp_path):
    (finding,) = asked(tmp_path, f"smtp://127.0.0.1:{free_port()}")
    assert (finding.outcome, "refused" in finding.says) == (Outcome.WRONG, True)


def test_a_silent_server_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(checks_mail, "LONGEST_WAIT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (finding,) = asked(tmp_path, f"smtp://127.0.0.1:{silent.getsockname()[1]}")
    assert (finding.outcome, "timed out" in finding.says) == (Outcome.WRONG, True)


def test_a_catcher_that_does_not_run_is_wrong(tmp_path):
    (finding,) = check_mail_server(make_settings(tmp_path, bind=f"127.0.0.1:{free_port(also=25)}"))
    assert (finding.outcome, "`tpm run`" in finding.do) == (Outcome.WRONG, True)


def test_a_sender_that_the_server_refuses_is_wrong(tmp_path, mail_server):
    mail_server.script("mail", "550 5.7.1 Not yours", address="info@tpminstitute.org")
    (finding,) = asked(tmp_path, mail_server.url)
    assert (finding.outcome, "550 5.7.1 Not yours" in finding.says) == (Outcome.WRONG, True)


def test_a_conversation_that_breaks_off_is_wrong(tmp_path, mail_server):
    mail_server.script("mail", DROP)
    assert worst(asked(tmp_path, mail_server.url)).outcome is Outcome.WRONG


@pytest.mark.parametrize(("password", "outcome"), [("p%40ss%2Fword", Outcome.OK), ("guess-me", Outcome.WRONG)])
def test_the_password_is_tried_and_never_shown(tmp_path, password, outcome):
    with MailServer(users={"tpm@example.org": "p@ss/word"}) as server:
        found = asked(tmp_path, f"smtp://tpm%40example.org:{password}@127.0.0.1:{server.port}")
    assert worst(found).outcome is outcome
    assert not [finding for finding in found if "guess-me" in finding.says or "p@ss" in finding.says]


def test_a_server_that_knows_no_login_is_wrong(tmp_path, certificate):
    with TlsMailServer(certificate()) as server:  # offers it only behind STARTTLS
        found = asked(tmp_path, f"smtp://tpm:secret-word@127.0.0.1:{server.port}")
    assert "no way to log in" in worst(found).says


def test_a_server_without_smtputf8_is_in_order_and_said_so(tmp_path):
    with MailServer(smtputf8=False) as server:
        (finding,) = asked(tmp_path, server.url)
    assert (finding.outcome, "no SMTPUTF8" in finding.says) == (Outcome.OK, True)


@pytest.mark.parametrize(
    ("login", "outcome"), [("", Outcome.RISK), ("tpm:word@", Outcome.WRONG)], ids=["mail", "password"]
)
def test_what_leaves_this_machine_unencrypted_is_said(tmp_path, mail_server, monkeypatch, login, outcome):
    monkeypatch.setattr(checks_mail, "is_this_machine", lambda host: False)
    found = asked(tmp_path, f"smtp://{login}127.0.0.1:{mail_server.port}")
    assert (worst(found).outcome, "unencrypted" in worst(found).says) == (outcome, True)


def test_a_server_that_offers_no_starttls_is_wrong(tmp_path, mail_server):
    (finding,) = asked(tmp_path, f"smtp+starttls://127.0.0.1:{mail_server.port}")
    assert "no STARTTLS" in finding.says


@pytest.mark.parametrize(("scheme", "at_once"), [("smtps", True), ("smtp+starttls", False)])
def test_a_valid_certificate_is_in_order(tmp_path, certificate, scheme, at_once):
    with TlsMailServer(certificate(), at_once=at_once) as server:
        found = asked(tmp_path, f"{scheme}://127.0.0.1:{server.port}")
    assert {finding.outcome for finding in found} == {Outcome.OK}
    assert "good for 89 days" in found[0].says
    assert server.commands == ["MAIL info@tpminstitute.org"]


@pytest.mark.parametrize(("scheme", "at_once"), [("smtps", True), ("smtp+starttls", False)])
@pytest.mark.parametrize(
    ("wanted", "why"), [({"trusted": False}, "self-signed"), ({"name": "DNS:other.example"}, "IP address mismatch")]
)
def test_a_certificate_that_nobody_vouches_for_is_wrong(tmp_path, certificate, scheme, at_once, wanted, why):
    with TlsMailServer(certificate(**wanted), at_once=at_once) as server:
        (finding,) = asked(tmp_path, f"{scheme}://127.0.0.1:{server.port}")
    assert finding.outcome is Outcome.WRONG
    assert why in finding.says


def test_a_certificate_that_ends_soon_is_a_risk(tmp_path, certificate):
    with TlsMailServer(certificate(days=5), at_once=True) as server:
        (finding,) = asked(tmp_path, f"smtps://127.0.0.1:{server.port}")
    assert (finding.outcome, "ends in 4 days" in finding.says) == (Outcome.RISK, True)


def test_a_server_that_takes_only_small_mails_is_a_risk(tmp_path, certificate):
    with TlsMailServer(certificate(), data_size_limit=50_000) as server:
        found = asked(tmp_path, f"smtp+starttls://127.0.0.1:{server.port}")
    assert (worst(found).outcome, "50 kB" in worst(found).says) == (Outcome.RISK, True)


def test_a_login_is_tried_only_behind_encryption(tmp_path, certificate):
    tried = []

    def authenticator(_server, _session, _envelope, _mechanism, credentials):
        tried.append(credentials.password)
        return AuthResult(success=True)

    with TlsMailServer(certificate(), authenticator=authenticator) as server:
        found = asked(tmp_path, f"smtp+starttls://tpm:word@127.0.0.1:{server.port}")
    assert {finding.outcome for finding in found} == {Outcome.OK}
    assert tried == [b"word"]


ALIVE = b'{"status": "alive"}'


@pytest.mark.parametrize(
    ("site", "outcome", "says"),
    [
        ({"body": ALIVE}, Outcome.OK, "answers"),
        ({"body": b"Welcome to nginx!"}, Outcome.WRONG, "Something else"),
        ({"body": b"[]"}, Outcome.WRONG, "Something else"),
        ({"status": 502, "body": ALIVE}, Outcome.WRONG, "502"),
        ({"status": 301, "Location": "https://www.example.org/"}, Outcome.RISK, "https://www.example.org/"),
    ],
)
def test_the_public_address_has_to_lead_here(tmp_path, site, outcome, says):
    with Site(**site) as running:
        (finding,) = check_web(make_settings(tmp_path, public_url=running.url))
    assert (finding.outcome, says in finding.says) == (outcome, True)


def test_a_public_address_where_nobody_is_is_wrong(tmp_path):
    (finding,) = check_web(make_settings(tmp_path, public_url=f"http://127.0.0.1:{free_port()}"))
    assert (finding.outcome, "`tpm run`" in finding.do) == (Outcome.WRONG, True)


def test_the_sites_certificate_is_looked_at(tmp_path, certificate):
    with Site(body=ALIVE, certificate=certificate(days=5)) as running:
        found = check_web(make_settings(tmp_path, public_url=running.url))
    assert [finding.outcome for finding in found] == [Outcome.RISK, Outcome.OK]


def test_a_site_whose_certificate_nobody_vouches_for_is_wrong(tmp_path, certificate):
    with Site(body=ALIVE, certificate=certificate(trusted=False)) as running:
        (finding,) = check_web(make_settings(tmp_path, public_url=running.url))
    assert (finding.outcome, "self-signed" in finding.says) == (Outcome.WRONG, True)
