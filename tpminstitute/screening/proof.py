"""A proof that a letter wasn't sent by a machine in bulk: a small sum that costs a browser a second or two, or, without
JavaScript, a button that is pressed by somebody who took the time to read the page.

Nothing has to be remembered, copied or recognised in a picture (WCAG 2.2, 3.3.8). What is asked is signed, holds for
one letter and one hour, and works once, since a letter that was released has nothing left to prove.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken, Signer

SUMS = 8
ZERO_BITS = 15
"""Each of the sums asks for a SHA-256 with so many leading zeros (after A. Back, Hashcash, 2002): together 260,000
tries on average, and eight small ones vary less than a single large one."""

LIFETIME = timedelta(hours=1)
READING_TIME = timedelta(seconds=4)
"""Nobody reads the page and presses its button sooner."""

_ANSWER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})*")

UNKNOWN = "This page was no longer known to us. Your message is kept; please confirm it once more."
OUT_OF_DATE = "This page was open for more than an hour. Your message is kept; please confirm it once more."
WRONG = "Your browser's answer was not right. Your message is kept; please press the button."
TOO_QUICK = "That was quicker than anybody reads. Your message is kept; please press the button once more."


class Unproven(Refusal):
    """An answer that proves nothing; the sentence says what to do."""


@dataclass(frozen=True)
class Challenge:
    """What a page asks for: the letter that it is about, a seed that is never used twice, and when it was made."""

    letter: str
    seed: str
    made_at: datetime

    @classmethod
    def new(cls, letter: str) -> "Challenge":
        """Return a new challenge for the letter with this public id."""
        return cls(letter, tokens.public_id(), clock.now())

    def sign(self, secret_key: str) -> str:
        """Return the challenge as the text of a hidden field."""
        return Signer(secret_key, "proof").sign([self.letter, self.seed, int(self.made_at.timestamp())])

    @classmethod
    def read(cls, text: str, secret_key: str, letter: str) -> "Challenge":
        """Return the challenge behind `text`; raises `Unproven` unless it is ours, of this letter, and in time."""
        try:
            about, seed, made_at = Signer(secret_key, "proof").read(text)
            found = cls(about, seed, datetime.fromtimestamp(made_at, UTC))
        except (BadToken, TypeError, ValueError, OverflowError, OSError):
            raise Unproven(UNKNOWN) from None
        if found.letter != letter:
            raise Unproven(UNKNOWN)
        if clock.now() - found.made_at > LIFETIME:
            raise Unproven(OUT_OF_DATE)
        return found

    def check_sums(self, answer: str) -> None:
        """Raise `Unproven` unless `answer` holds the result of each sum, with dots between them."""
        results = answer.split(".") if _ANSWER.fullmatch(answer) else []
        if len(results) != SUMS or not all(_is_right(self.seed, at, result) for at, result in enumerate(results)):
            raise Unproven(WRONG)

    def check_time(self) -> None:
        """Raise `Unproven` when the page can't have been read yet."""
        if clock.now() - self.made_at < READING_TIME:
            raise Unproven(TOO_QUICK)


def _is_right(seed: str, at: int, result: str) -> bool:
    found = hashlib.sha256(f"{seed}:{at}:{result}".encode()).digest()
    return int.from_bytes(found, "big") >> 256 - ZERO_BITS == 0
