"""What changed between two texts of a letter, word by word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby

from tpminstitute.mail.letters import LetterSource

_ALIKE = 0.4
"""Lines with less in common than this are shown whole, one after the other: shreds of both can't be read."""

_AROUND = 3
"""Lines that stayed and are shown before and after a change in a long text."""


class Change(StrEnum):
    """What became of some words."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Words:
    """Some words, their white space and line ends, and what became of them."""

    change: Change
    text: str


@dataclass(frozen=True)
class PartDifference:
    """What changed in a letter's subject, preheader or body."""

    part: str
    words: Sequence[Words]

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return any(words.change is not Change.SAME for words in self.words)


def difference(old: LetterSource, new: LetterSource) -> list[PartDifference]:
    """Return what changed from `old` to `new`: subject, preheader and body, each whole, in the words of both."""
    parts = {"Subject": "subject", "Preheader": "preheader", "Body": "body"}
    return [
        PartDifference(label, list(_merged(_by_lines(getattr(old, name), getattr(new, name)))))
        for label, name in parts.items()
    ]


def text_difference(part: str, old: str, new: str) -> PartDifference:
    """Return what changed from `old` to `new`, texts called `part`; long stretches that stayed are left out."""
    return PartDifference(part, [_shortened(words) for words in _merged(_by_lines(old, new))])


def _shortened(words: Words) -> Words:
    lines = words.text.splitlines(keepends=True)
    if words.change is not Change.SAME or len(lines) <= 2 * _AROUND + 1:
        return words
    left_out = f"… {len(lines) - 2 * _AROUND} lines that stayed …\n"
    return Words(Change.SAME, "".join([*lines[:_AROUND], left_out, *lines[-_AROUND:]]))


def _by_lines(old: str, new: str) -> Iterator[Words]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Words(Change.SAME, "".join(before[i:j]))
        else:
            yield from _by_words("".join(before[i:j]), "".join(after[k:m]))


def _by_words(old: str, new: str) -> Iterator[Words]:
    before, after = _split(old), _split(new)
    if SequenceMatcher(None, re.findall(r"\w+", old), re.findall(r"\w+", new)).ratio() < _ALIKE:
        yield Words(Change.REMOVED, old)
        yield Words(Change.ADDED, new)
        return
    for kind, i, j, k, m in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            yield Words(Change.SAME, "".join(before[i:j]))
        else:
            yield Words(Change.REMOVED, "".join(before[i:j]))
            yield Words(Change.ADDED, "".join(after[k:m]))


def _split(text: str) -> list[str]:
    return re.findall(r"\{[^{}\s]*\}|\w+|[^\S\n]+|\n|[^\w\s]", text)


def _merged(changes: Iterator[Words]) -> Iterator[Words]:
    """Leave out what is empty, and join neighbours of the same kind."""
    for change, group in groupby((words for words in changes if words.text), key=lambda words: words.change):
        yield Words(change, "".join(words.text for words in group))
