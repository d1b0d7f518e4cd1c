"""When the guide was changed: a file of its editions, that whoever changes the text writes a line into."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

FILE = "editions.md"

_LINE = re.compile(r"- (?P<day>\d{4}-\d\d-\d\d) `(?P<edition>[0-9a-f]{8})` (?P<what>\S.*)")


class BrokenEditions(ValueError):
    """A line of the file can't be read; the sentence says which and what it should be."""


@dataclass(frozen=True)
class Edition:
    """One edition of the text: the day it appeared, and what changed."""

    day: date
    what: str


def read_editions(source: str) -> Mapping[str, Edition]:
    """Return the editions in a file's text, by their short hash. Other lines than a list's items are for people.

    Raises `BrokenEditions` for an item that is none.
    """
    return dict(_edition(line.strip()) for line in source.splitlines() if line.startswith("- "))


def line_for(edition: str, day: date) -> str:
    """Return the line that gives `edition` the date `day`; what changed is still to be written."""
    return f"- {day.isoformat()} `{edition}` What changed, in a few words."


def _edition(line: str) -> tuple[str, Edition]:
    found = _LINE.fullmatch(line)
    try:
        if found is not None:
            return found["edition"], Edition(date.fromisoformat(found["day"]), found["what"])
    except ValueError:
        pass  # a day that is in no calendar: said below
    like_this = line_for("0123abcd", date(2026, 11, 22))
    raise BrokenEditions(f"“{line[:100]}” is no edition. Write it like this: {like_this}")
