"""How suspicious an inquiry is, and why. Suspicion sets apart; it never discards (DESIGN.md 4.9)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

FASTEST_HUMAN = timedelta(seconds=2)
"""From the page's making to its sending; nobody reads and fills four fields faster."""

MOST_LINKS = 4

LINK = re.compile(r"https?://|www\.|\[url", re.IGNORECASE)


@dataclass(frozen=True)
class Evidence:
    """What an inquiry shows of how it was written."""

    name: str
    message: str
    trap: str
    time_to_fill: timedelta | None


def suspicions(evidence: Evidence) -> Sequence[str]:
    """Return the reasons to suspect, each a sentence for staff; none means clear."""
    links = len(LINK.findall(evidence.message))
    found = {
        "A field that people can't see was filled in.": bool(evidence.trap),
        f"It was sent less than {FASTEST_HUMAN.seconds} seconds after the page was made.": (
            evidence.time_to_fill is not None and evidence.time_to_fill < FASTEST_HUMAN
        ),
        "The name holds a web address.": bool(LINK.search(evidence.name)),
        f"The message holds {links} web addresses.": links > MOST_LINKS,
    }
    return [sentence for sentence, holds in found.items() if holds]
