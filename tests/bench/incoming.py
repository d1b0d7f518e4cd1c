"""Mails read a second, and mails taken in, each against the bare floor of the same work.

The floor of reading is the standard library's parser and the decoded text of each part; that of taking in is this and
one row a mail in a table, committed.
"""

import email
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from tests.corpus import OURS, samples
from tests.factories import make_settings, submitted
from tpminstitute.core.db import Database, upgrade
from tpminstitute.inbox.models import Door
from tpminstitute.inbox.receive import Incoming, receive
from tpminstitute.mail.incoming.read import read_mail

_ROUNDS = 5
_SECONDS = 1.0
_READERS = 50
_MAILS = 200
_TYPICAL = "_long_thread"


def reading_rates() -> tuple[list[float], list[float]]:
    """Return mails a second of one processor, ours and the floor's, round by round.

    The mails are answers of 5 to 11 kB with their quoted threads, as the big mail programs write them.
    """
    mails = [sample.content for sample in samples("person") if _TYPICAL in sample.name]
    ours, floor = [], []
    for _ in range(_ROUNDS):
        ours.append(_rate(mails, lambda content: read_mail(content, ours=OURS)))
        floor.append(_rate(mails, _bare))
    return ours, floor


def intake_rates(database_url: str, folder: Path) -> tuple[list[float], list[float]]:
    """Return mails a second of one processor, ours and the floor's: read, matched, stored, acted upon."""
    db = Database(database_url)
    upgrade(db)
    settings = make_settings(folder)
    for number in range(_READERS):
        submitted(db, settings, email=f"reader{number}@example.org")
    with db.write() as session:
        session.execute(text("CREATE TABLE bare (id INTEGER PRIMARY KEY, content BLOB)" if db.is_sqlite else _BARE))
    ours, floor = [], []
    for turn in range(_ROUNDS + 1):
        mails = [_answer(number % _READERS, turn * _MAILS + number) for number in range(_MAILS)]
        ours.append(_once(mails, lambda content: receive(db, settings, Incoming(content, Door.MAILBOX))))
        floor.append(_once(mails, lambda content: _bare_row(db, content)))
    db.close()
    return ours[1:], floor[1:]


_BARE = "CREATE TABLE bare (id SERIAL PRIMARY KEY, content BYTEA)"
_WORDS = "I read the chapter about experience twice and wonder how it fits with what I do now. "


def _answer(reader: int, number: int) -> bytes:
    quoted = "".join(f"> {_WORDS}\r\n" for _ in range(30))
    body = f"{_WORDS * 8}\r\n\r\nMail {number}.\r\n\r\nOn Sun, 22 Nov 2026, TPM Institute wrote:\r\n{quoted}"
    head = f"From: Reader <reader{reader}@example.org>\r\nTo: info@tpminstitute.org\r\nSubject: Re: The path\r\n"
    head += f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@mail.example.org>\r\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}".encode()


def _bare_row(db: Database, content: bytes) -> None:
    _bare(content)
    with db.write() as session:
        session.connection().execute(text("INSERT INTO bare (content) VALUES (:content)"), {"content": content})


def _once(mails: list[bytes], take: Callable[[bytes], object]) -> float:
    began = time.process_time()
    for content in mails:
        take(content)
    return len(mails) / (time.process_time() - began)


def _rate(mails: list[bytes], read: Callable[[bytes], object]) -> float:
    done, began = 0, time.process_time()
    while (took := time.process_time() - began) < _SECONDS:
        for content in mails:
            read(content)
        done += len(mails)
    return done / took


def _bare(content: bytes) -> list[object]:
    message = email.message_from_bytes(content)
    return [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
