"""Texts folded so that what looks alike is alike: case, accents, invisible characters, letters of another script."""

import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass

from tpminstitute.core.text import without_hidden

LONGEST = 24_000
"""Characters of a letter that are looked at; forms take fewer, mails may have more."""

MOST_WORDS = 4_000
LONGEST_PHRASE = 4
"""Words."""

_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile(r"[a-z]")
_ALIKE = dict(zip("авекмнорстухіјѕԁԛԝһɡαικνορτυχ", "abekmhopctyxijsdqwhgaikvoptux", strict=True))
_OTHER = re.compile(f"[{''.join(_ALIKE)}]")
_TO_LATIN = str.maketrans(_ALIKE)
_DIGITS = str.maketrans("013457", "oleast")
_SPACED_OUT = re.compile(r"\b(?:[^\W\d_][ .*_-]){3,}[^\W\d_]\b")


@dataclass(frozen=True)
class Folded:
    """A folded text: its words in order, and how many of them hid invisible characters or mixed scripts."""

    words: Sequence[str]
    hidden: int
    mixed: int

    def phrases_of(self, known: Container[str], first_words: Container[str]) -> list[str]:
        """Return those `known` phrases of one to four words that stand in the text, each once, in their order.

        Parameters: `first_words`, of the phrases; most words of a text are none, which is what makes this quick.
        A single word with digits for letters counts as what it is meant to be read as.
        """
        words, found = self.words, dict[str, None]()
        for at, word in enumerate(words):
            if not word.isalpha() and not word.isdigit() and word.translate(_DIGITS) in known:
                found[word.translate(_DIGITS)] = None
            if word not in first_words:
                continue
            for length in range(1, LONGEST_PHRASE + 1):
                phrase = " ".join(words[at : at + length])
                if phrase in known:
                    found[phrase] = None
        return list(found)


def plain(text: str) -> str:
    """Return `text` in lower case without accents, compatibility forms and invisible characters."""
    if text.isascii() and text.isprintable():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", without_hidden(text)).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def to_latin(word: str) -> str:
    """Return `word` with Cyrillic and Greek letters that look like Latin ones replaced by those."""
    return word.translate(_TO_LATIN)


def fold(text: str) -> Folded:
    """Return `text` folded (Unicode TR 39 tells of confusable letters; the common ones are enough here)."""
    folded = _SPACED_OUT.sub(lambda run: re.sub(r"[ .*_-]", "", run[0]), plain(text))
    words, mixed = [], 0
    for word in _WORD.findall(folded)[:MOST_WORDS]:
        if not word.isascii() and _LATIN.search(word) and _OTHER.search(word):
            word, mixed = to_latin(word), mixed + 1
        words.append(word)
    return Folded(words, _hidden_inside(text), mixed)


_BETWEEN_LETTERS = re.compile(r"(?<=[A-Za-z])[\u200b-\u200f\u2060-\u2064\ufeff\u034f]+(?=[A-Za-z])")


def _hidden_inside(text: str) -> int:
    return 0 if text.isascii() else len(_BETWEEN_LETTERS.findall(text))
