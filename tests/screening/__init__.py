"""A labelled set of letters, all invented: what honest people write to the institute, and what spam is like.

Two files in this folder hold them. Each letter begins with a line ``== what it shows | name | address``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tpminstitute.screening import content
from tpminstitute.screening.folding import fold
from tpminstitute.screening.service import Evidence, Verdict, sent_how

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Letter:
    """One letter of the set; `label` says what it shows."""

    label: str
    name: str
    email: str
    text: str


WAYS: Mapping[str, Mapping[str, Any]] = {
    "by the content alone": {},
    "pasted and sent within two seconds": {"time_to_fill": timedelta(seconds=1)},
    "a password manager filled in every line": {"trap": True},
    "both": {"trap": True, "time_to_fill": timedelta(seconds=1)},
}
"""How a letter may be sent besides, by people in a hurry and by machines."""


def weigh(letter: Letter, *, trap: bool = False, time_to_fill: timedelta | None = None) -> Verdict:
    """Return the verdict on a letter that is the first of its kind, sent in one of the `WAYS`."""
    filled = letter.email if trap else ""
    others = [letter.name, letter.email, letter.text]
    evidence = Evidence(letter.name, letter.email, letter.text, filled, others, time_to_fill)
    return Verdict([*sent_how(evidence), *content.reasons(letter.name, letter.email, letter.text, fold(letter.text))])


def honest() -> list[Letter]:
    """Return the honest letters."""
    return _read("honest.txt")


def spam() -> list[Letter]:
    """Return the spam."""
    return _read("spam.txt")


def _read(file: str) -> list[Letter]:
    found = []
    for part in (HERE / file).read_text("utf-8").removeprefix("== ").split("\n== "):
        head, _, text = part.partition("\n")
        label, name, email = head.rsplit(" | ", 2)
        found.append(Letter(label, name, email, text.strip()))
    return found
