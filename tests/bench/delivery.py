"""Delivery by the real engine over the real transport, against a bare loop of smtplib on one connection."""

import smtplib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import update

from tests.factories import ADA, make_settings, messages, submitted
from tests.parts.smtp import MailServer
from tpminstitute.core import clock
from tpminstitute.core.db import Database, upgrade
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import Message, MessageStatus
from workers.transport import SmtpTransport

INQUIRIES = 200
ROUNDS = 5


def delivery_rates(database_url: str) -> tuple[list[float], list[float]]:
    """Return mails a second, ours and the bare loop's, for each round on `database_url`."""
    ours, floor = [], []
    db = Database(database_url)
    upgrade(db)
    with tempfile.TemporaryDirectory() as folder, MailServer() as server:
        settings = make_settings(Path(folder), smtp_url=server.url)
        for number in range(INQUIRIES):
            submitted(db, settings, email=f"reader{number}@example.org")
        contents = [message.content for message in messages(db)]
        for _ in range(ROUNDS):
            _queue_all_again(db)
            ours.append(_rate(lambda: deliver(db, SmtpTransport(settings), settings), len(contents)))
            floor.append(_rate(lambda: _bare_loop(server, contents), len(contents)))
    db.close()
    return ours, floor


def _queue_all_again(db: Database) -> None:
    with db.write() as session:
        session.execute(update(Message).values(status=MessageStatus.QUEUED, sent_at=None, due_at=clock.now()))


def _bare_loop(server: MailServer, contents: list[bytes]) -> None:
    with smtplib.SMTP("127.0.0.1", server.port) as connection:
        for content in contents:
            connection.sendmail("info@tpminstitute.org", [ADA], content)


def _rate(work: Callable[[], object], number: int) -> float:
    begun = time.perf_counter()
    work()
    return number / (time.perf_counter() - begun)
