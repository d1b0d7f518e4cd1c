"""Mails read a second, against the bare floor: the standard library's parser, and the decoded text of each part."""

import email
import time
from collections.abc import Callable

from tests.corpus import OURS, samples
from tpminstitute.mail.incoming.read import read_mail

_ROUNDS = 5
_SECONDS = 1.0
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
