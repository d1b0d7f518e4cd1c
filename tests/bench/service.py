"""The running service: its start, its memory, its pages, and the way from a POST to the mail server."""

import http.client
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from tests.parts.ports import free_port
from tests.parts.service import ROOT, RunningService
from tests.parts.smtp import Mail, MailServer

ROUNDS = 5
REQUESTS = 400
INQUIRIES = 20
SETTLING_SECONDS = 10


def start_times(folder: Path) -> tuple[float, float]:
    """Return seconds to the first good answer, in a new data folder and in the same one again."""
    times = []
    for _ in range(2):
        service = RunningService({}, folder / "start").start()
        times.append(service.started_in)
        service.stop()
    return times[0], times[1]


def idle_memory(folder: Path) -> float:
    """Return the megabytes that all processes of the service take together once it has settled and served a page."""
    service = RunningService({}, folder / "memory").start()
    try:
        urllib.request.urlopen(service.url).read()
        time.sleep(SETTLING_SECONDS)
        return service.memory()
    finally:
        service.stop()


def page_rates(folder: Path) -> tuple[list[float], list[float]]:
    """Return pages a second over one connection, the guide's and a bare WSGI page's of the same size."""
    service = RunningService({"SCREENING": "off"}, folder / "pages").start()
    size = len(urllib.request.urlopen(service.url).read())
    port = free_port()
    bare = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--port",
            str(port),
            "--no-ws",
            "tests.bench.bare:page",
        ],
        cwd=ROOT,
        env={"BARE_SIZE": str(size), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        pairs = [(_page_rate(service.port), _page_rate(port)) for _ in range(ROUNDS)]
    finally:
        bare.terminate()
        bare.wait()
        service.stop()
    return [ours for ours, _ in pairs], [floor for _, floor in pairs]


def latencies(folder: Path, **environment: str) -> list[float]:
    """Return the seconds from a POST of the form to the acceptance of its notice, one inquiry after another."""
    with MailServer() as server:
        settings = {"SMTP_URL": server.url, "SCREENING": "off", **environment}
        service = RunningService(settings, folder / f"latency{len(environment)}").start()
        try:
            _send(service, 0)
            server.wait_for_mail("reader0@example.org", timeout=30)
            return [_latency(service, server, number) for number in range(1, INQUIRIES + 1)]
        finally:
            service.stop()


def _latency(service: RunningService, server: MailServer, number: int) -> float:
    begun = time.perf_counter()
    _send(service, number)
    server.wait_for(lambda mails: _notices(mails) > number, timeout=30)
    return time.perf_counter() - begun


def _notices(mails: list[Mail]) -> int:
    return sum("info@tpminstitute.org" in mail.recipients for mail in mails)


def _send(service: RunningService, number: int) -> None:
    page = urllib.request.urlopen(f"{service.url}/contact").read().decode()
    tag = re.search(r'<input[^>]*name="token"[^>]*>', page)
    token = re.search(r'value="([^"]+)"', tag.group(0)) if tag else None
    assert token is not None, "the form has a token"
    fields = {
        "token": token.group(1),
        "name": "Ada Lovelace",
        "email": f"reader{number}@example.org",
        "topic": "csm",
        "message": "How do I begin?",
    }
    answer = urllib.request.urlopen(f"{service.url}/contact", urllib.parse.urlencode(fields).encode())
    assert urlsplit(answer.url).path.startswith("/thanks/"), answer.url


def _page_rate(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    begun = time.perf_counter()
    for _ in range(REQUESTS):
        connection.request("GET", "/")
        connection.getresponse().read()
    rate = REQUESTS / (time.perf_counter() - begun)
    connection.close()
    return rate


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/").read()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the bare server did not start")
