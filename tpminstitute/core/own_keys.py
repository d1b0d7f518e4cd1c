"""Keys of what staff add, made from the name that they give it."""

import itertools
import re
import unicodedata
from collections.abc import Iterator

OWN = "own-"
"""How they begin: what a later release ships can't have the same key."""

REPLY = "reply-"
"""How those of texts for replies begin."""

LONGEST = 60


def own_keys(name: str, longest: int = LONGEST, begins: str = OWN) -> Iterator[str]:
    """Yield keys for something called `name`, the plainest first: ``own-welcome-back``, ``own-welcome-back-2``, …

    Parameters: `begins`, how each of them begins.
    Each has at most `longest` characters, letters of ASCII, digits and hyphens. Whoever asks takes the first one free.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "without-a-plain-name"
    for number in itertools.count(1):
        end = f"-{number}" if number > 1 else ""
        yield f"{begins}{words[: longest - len(begins) - len(end)].strip('-')}{end}"
