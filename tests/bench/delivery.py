"""Delivery by the real engine over the real transport, against a bare loop of smtplib on one connection."""

import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from tests.factories import ADA, make_settings, messages, submitted
from tests.parts.ports import free_port
from tests.parts.service import ROOT
from tpminstitute.core import clock
from tpminstitute.core.db import Database, upgrade
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageStatus
from workers.transport import SmtpTransport

INQUIRIES = 500
ROUNDS = 9


def delivery_rates(database_url: str) -> tuple[list[float], list[float]]:
    """Return mails a second, ours and the bare loop's, for each round on `database_url`.

    The mail server is a process of its own, as it is in life; the first round only warms everything up.
    """
    ours, floor = [], []
    db = Database(database_url)
    upgrade(db)
    with tempfile.TemporaryDirectory() as folder, _sink() as port:
        settings = make_settings(Path(folder), smtp_url=f"smtp://127.0.0.1:{port}")
        for number in range(INQUIRIES):
            submitted(db, settings, email=f"reader{number}@example.org")
        contents = [message.content for message in messages(db)]
        for _ in range(ROUNDS + 1):
            _queue_all_again(db)
            ours.append(_rate(lambda: deliver(db, SmtpTransport(settings), settings), len(contents)))
            floor.append(_rate(lambda: _bare_loop(port, contents), len(contents)))
        assert {message.status for message in messages(db)} == {MessageStatus.SENT}
    db.close()
    return ours[1:], floor[1:]


@contextmanager
def _sink() -> Iterator[int]:
    """Run the mail server that keeps nothing; yields its port."""
    port = free_port()
    sink = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        if sink.stdout is None or sink.stdout.readline() != "ready\n":
            raise RuntimeError("the bench's mail server did not start")
        yield port
    finally:
        sink.terminate()
        sink.communicate()


def _queue_all_again(db: Database) -> None:
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.QUEUED, sent_at=None, due_at=clock.now()))


def _bare_loop(port: int, contents: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for content in contents:
            connection.sendmail("info@tpminstitute.org", [ADA], content)


def _rate(work: Callable[[], object], number: int) -> float:
    begun = time.perf_counter()
    work()
    return number / (time.perf_counter() - begun)
