"""A labelled set of letters, all invented: what honest people write to the institute, and what spam is like.

Two files in this folder hold them. Each letter begins with a line ``== what it shows | name | address``.
"""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Letter:
    """One letter of the set; `label` says what it shows."""

    label: str
    name: str
    email: str
    text: str


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
