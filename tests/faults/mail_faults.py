"""The mail server refuses, is silent, says no, breaks off, is slow, and shows a wrong certificate."""

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.faults.house import LEASE_SECONDS, House
from tests.faults.scenario import WARM_UP, Missing, Scenario
from tests.faults.visitors import Visitors
from tests.parts.smtp import DROP
from tests.parts.smtp_conversation import Moment

AWAY = 4.0
SILENT = 8.0
SLOW = 1.5 * LEASE_SECONDS
REALLY_SLOW = 90.0


def mail_faults(*, really_slow: bool = False) -> list[Scenario]:
    """Return the scenarios. Parameters: `really_slow`, whether the slow answer takes its real 90 s."""
    slow = _scenario(f"answers after {SLOW:g} s (1.5 leases), twice", _slow(SLOW), uncertain=True)
    if really_slow:
        slow = _scenario("answers after 90 s, once (lease 300 s)", _slow(REALLY_SLOW, times=1))
        slow = replace(slow, lease_seconds=300, settle_seconds=180, at_most=2000)  # about three a second
    return [
        _scenario(f"refuses connections for {AWAY:.0f} s", _refusing),
        _scenario(f"blackholed for {SILENT:.0f} s: takes connections, says nothing", _blackholed),
        _scenario(f"greets with 421 for {AWAY:.0f} s", _says("connect", "421 4.3.2 Not now")),
        _scenario(f"says 421 at RCPT for {AWAY:.0f} s", _says("rcpt", "421 4.7.0 Too many")),
        _scenario(f"says 451 at RCPT for {AWAY:.0f} s", _says("rcpt", "451 4.3.0 Try later")),
        _scenario(f"says 452 after the dot for {AWAY:.0f} s", _says("dot", "452 4.3.1 Full")),
        _scenario("says 550 at RCPT, three times", _says("rcpt", "550 5.1.1 No such user", times=3)),
        _scenario("says 554 after the dot, three times", _says("dot", "554 5.7.1 Not wanted", times=3)),
        _scenario("resets the connection in DATA, three times", _resetting, uncertain=True),
        _scenario("drops the connection after the dot, three times", _says("dot", DROP, times=3), uncertain=True),
        slow,
        replace(_scenario(f"shows a wrong certificate for {AWAY:.0f} s", _wrong_tls), prepare=_with_tls),
    ]


def _scenario(name: str, happens: Callable[[House], None], *, uncertain: bool = False) -> Scenario:
    def fault(house: House, visitors: Visitors) -> None:
        visitors.wait_for_thanks(WARM_UP)
        happens(house)

    return Scenario("smtp", f"SMTP server {name}", fault, uncertain=uncertain)


def _refusing(house: House) -> None:
    house.postbox.stop()
    time.sleep(AWAY)
    house.postbox.start()


def _blackholed(house: House) -> None:
    over = threading.Event()
    house.postbox.script("connect", None, hold=over)
    house.postbox.drop_connections()
    time.sleep(SILENT)
    over.set()


def _says(moment: Moment, reply: str, times: int | None = None) -> Callable[[House], None]:
    def happens(house: House) -> None:
        rule = house.postbox.script(moment, reply, times=times)
        if times is None:
            time.sleep(AWAY)
            rule.times = 0
            assert rule.used, f"no mail came to hear {reply}"
        else:
            _wait_until(lambda: rule.used == times)

    return happens


def _resetting(house: House) -> None:
    house.postbox.resets_in_content = 3
    _wait_until(lambda: house.postbox.resets_in_content == 0)


def _slow(seconds: float, times: int = 2) -> Callable[[House], None]:
    def happens(house: House) -> None:
        for _ in range(times):
            answer = threading.Event()
            rule = house.postbox.script("dot", None, hold=answer, times=1)
            _wait_until(rule.held.is_set)
            time.sleep(seconds)
            answer.set()

    return happens


def _wrong_tls(house: House) -> None:
    house.postbox.certificate = _certificate(house.folder, "wrong")
    house.postbox.drop_connections()
    time.sleep(AWAY)
    house.postbox.certificate = _certificate(house.folder, "good")


def _with_tls(house: House) -> None:
    house.postbox.certificate = _certificate(house.folder, "good")
    house.environment["SMTP_URL"] = house.postbox.url.replace("smtp://", "smtp+starttls://")
    house.environment["SSL_CERT_FILE"] = str(house.folder / "good.pem")


def _certificate(folder: Path, name: str) -> ssl.SSLContext:
    """Return a server's context with a certificate of its own, which nobody trusts who isn't told to."""
    program = shutil.which("openssl")
    if program is None:
        raise Missing("openssl is not on this machine")
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    if not certificate.exists():
        subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([program, "req", *made, *subject], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def _wait_until(done: Callable[[], bool], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline, f"no mail came in {timeout:.0f} s that could have met the fault"
        time.sleep(0.02)
