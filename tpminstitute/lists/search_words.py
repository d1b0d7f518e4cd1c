"""Words as the search compares them: folded, so that how they are written doesn't matter, and with where they stand.

What is stored and what is typed go through the same functions, and so do the passages that are shown.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

LONGEST_WORD = 40
"""Characters of a word that count; nobody types more of it."""

AT = "@"
"""Stands for itself between the parts of an address."""

NUMBER = "#"
"""Begins a phone number that is kept from its end, so that it is found without its country or area code."""

APART = "~apart"
"""Stands in a text that was set apart: suspected, or spam by a person's word."""

NAMED = "~~"
"""Begins, once more, each word of its writer's name in a text, and in a person's row the first of their name.

Whom the beginning of their name finds needn't be looked up by their words, nor whom their words find by their texts.
"""

SHORTEST_PHONE, LONGEST_PHONE = 7, 15
"""Digits; no number in the world has more (ITU-T E.164)."""

SHORTEST_MISTYPED = 3
"""Letters; two of them are near to too much."""

REFERENCE = 8
"""Characters of a public id that people read out."""

_SINGLE = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b"
    "\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Scripts without spaces between words (and Korean, whose words grow endings): each character is a word of its own."""

_JOINED = "'’‘`\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
"""What doesn't end a word: apostrophes, and what can't be seen."""

_LETTER = (
    r"[\w\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u06d6-\u06ed\u0900-\u0963\u0970-\u0dff]"
)
_PLAIN = rf"(?:(?![{_SINGLE}]){_LETTER})"
_COUNTED = re.compile(r"[^\d@#~]{1,24}|[^@#~]{1,4}")
_ONE = re.compile(f"[{_SINGLE}]")
_PIECES = re.compile(rf"[{_SINGLE}]|{_PLAIN}+(?:[{_JOINED}]+{_PLAIN}+)*|(?<=\w)@|@(?=\w)")
_ASCII_PIECES = re.compile(r"[0-9A-Za-z]+(?:['`]+[0-9A-Za-z]+)*|(?<=[0-9A-Za-z])@|@(?=[0-9A-Za-z])")
_PHONES = re.compile(r"[0-9](?:[ ()./\-\u00a0\u2010-\u2015]{0,3}[0-9])+")

_OTHER_DIGITS = re.compile(r"[^\D0-9]")

_MARKS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
"""Accents, and the vowel signs of Hebrew and Arabic, which are written or left out."""

_NOT_KEPT = re.compile(r"[^\w\u0900-\u0dff]|_")
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h", "ŧ": "t"}
    | {"ة": "ه", "ى": "ي", "ک": "ك", "ی": "ي"}
)
"""Letters that no decomposition takes apart, and those of Arabic that are typed for each other."""


@dataclass(frozen=True)
class Spot:
    """A folded word, and where it stands in the text."""

    word: str
    start: int
    end: int


def prepared(text: str) -> str:
    """Return `text` as its words are looked for in: composed (NFC), with ASCII digits and nothing but words joined."""
    if text.isascii():
        return text.replace("_", " ")
    composed = unicodedata.normalize("NFC", text).replace("_", " ")
    return _OTHER_DIGITS.sub(lambda found: str(unicodedata.decimal(found[0])), composed)


def words_of(text: str) -> list[str]:
    """Return the folded words of `text`, in their order."""
    text = prepared(text)
    if text.isascii():
        return [piece.replace("'", "").replace("`", "")[:LONGEST_WORD] for piece in _ASCII_PIECES.findall(text.lower())]
    return [word for piece in _PIECES.findall(text) if (word := folded(piece))]


def spots_of(text: str) -> Iterator[Spot]:
    """Yield the words of a `prepared` text with where they stand in it: the same words as of `words_of`."""
    for found in _PIECES.finditer(text):
        word = folded(found[0])
        if word:
            yield Spot(word, *found.span())


@lru_cache(maxsize=10_000)
def folded(piece: str) -> str:
    """Return a word without case, accents, apostrophes and whatever can't be seen; '' when nothing is left."""
    if piece == AT:
        return AT
    if not piece.isascii():
        apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", piece).casefold())
        piece = unicodedata.normalize("NFC", _MARKS.sub("", apart)).translate(_LETTERS)
        return _NOT_KEPT.sub("", piece)[:LONGEST_WORD]
    return piece.lower().replace("'", "").replace("`", "")[:LONGEST_WORD]


def stands_alone(word: str) -> bool:
    """Return whether a word is one character of a script that has no spaces: it isn't the beginning of another."""
    return _ONE.fullmatch(word) is not None


def phones_in(text: str) -> Iterator[str]:
    """Yield the phone numbers that stand in `text`, each as its digits."""
    return (spot.word for spot in phone_spots(prepared(text)))


def phone_spots(text: str) -> Iterator[Spot]:
    """Yield the phone numbers of a `prepared` text, each as its digits, with where they stand in it."""
    for found in _PHONES.finditer(text):
        digits = "".join(char for char in found[0] if char.isdigit())
        if SHORTEST_PHONE <= len(digits) <= LONGEST_PHONE + 2:
            yield Spot(digits, *found.span())


def from_its_end(digits: str) -> str:
    """Return the word by which a number is found from its end, whatever its country code: its digits backwards."""
    return NUMBER + digits.lstrip("0")[: -LONGEST_PHONE - 1 : -1]


def key_of(name: str) -> str:
    """Return a name as it is compared and sorted: its folded words."""
    return " ".join(words_of(name))


def is_counted(word: str) -> bool:
    """Return whether a word belongs to the vocabulary: no mark of ours, no long number, nothing endless."""
    return _COUNTED.fullmatch(word) is not None


def may_be_mistyped(word: str) -> bool:
    """Return whether a word is one that somebody may mean who types it wrong: letters, and not too few."""
    return SHORTEST_MISTYPED <= len(word) <= 24 and word.isalpha()


def near_keys(word: str) -> set[int]:
    """Return checksums of `word` and of what is left of it without any one of its letters.

    They are a third of the size of the words, and a clash only costs a comparison.
    """
    return {checksum(word)} | {checksum(rest) for rest in without_one(word)}


def without_one(word: str) -> set[str]:
    """Return what is left of `word` without any one of its letters."""
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def checksum(word: str) -> int:
    """Return 32 bits of `word`, as an integer that every database has."""
    return zlib.crc32(word.encode()) - 0x80000000


def numbers_as_words(digits: Iterable[str]) -> list[str]:
    """Return the words by which phone numbers are found: from their ends, and as they begin."""
    return [word for number in digits for word in (from_its_end(number), number)]
