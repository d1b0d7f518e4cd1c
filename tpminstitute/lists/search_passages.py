"""The words that were found, marked where they stand, and the passage of a text that shows most of them."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tpminstitute.lists.search_expressions import Expression, places, terms_of
from tpminstitute.lists.search_words import NUMBER, Spot, from_its_end, phone_spots, prepared, spots_of

PASSAGE = 240
"""Characters of a passage."""

LOOKED_THROUGH = 20_000
"""Characters of a text that are looked through first; the rest only where nothing is found there."""

BEFORE = 60
"""Characters before the first word that was found."""


@dataclass(frozen=True)
class Piece:
    """A piece of a text; whoever shows it escapes it, and marks it where it is `marked`."""

    text: str
    marked: bool


def marked(text: str, sought: Expression) -> list[Piece]:
    """Return the whole of a text in pieces, what is sought marked."""
    text = _shown(text)
    return _pieces(text, 0, len(text), _found(text, sought))


def passage(text: str, sought: Expression) -> list[Piece]:
    """Return the passage of a text in which most of what is sought stands, on one line; else its beginning."""
    text = _shown(text)
    found = _found(text[:LOOKED_THROUGH], sought) or _found(text, sought)
    start = _best(found)
    start = 0 if start < BEFORE else _word_begins(text, start - BEFORE)
    end = min(start + PASSAGE, len(text))
    if end < len(text):
        end = max(text.rfind(" ", start + PASSAGE // 2, end), start + PASSAGE // 2)
    pieces = _pieces(text, start, end, found)
    before = [Piece("… ", False)] if start else []
    behind = [Piece(" …", False)] if end < len(text) else []
    return before + pieces + behind


def has_marks(pieces: Iterable[Piece]) -> bool:
    """Return whether anything in them is marked."""
    return any(piece.marked for piece in pieces)


def _shown(text: str) -> str:
    """Return a text on one line, composed, so that its words stand where they are looked for."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _found(text: str, sought: Expression) -> list[tuple[int, int]]:
    """Return where what is sought stands in a text, in order and without overlap."""
    text = prepared(text)
    terms = set(terms_of(sought))
    spots = list(spots_of(text))
    words = [spot.word for spot in spots]
    found = [_span(spots[at : at + len(term.words)]) for term in terms for at in places(term, words)]
    numbers = [term for term in terms if term.words[0].startswith(NUMBER)]
    if numbers:
        phones = ((from_its_end(spot.word), spot) for spot in phone_spots(text))
        found += [
            _span([spot]) for word, spot in phones if any(next(places(term, [word]), None) == 0 for term in numbers)
        ]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _span(spots: Sequence[Spot]) -> tuple[int, int]:
    return spots[0].start, spots[-1].end


def _best(found: Sequence[tuple[int, int]]) -> int:
    """Return where the passage begins in which most is found: at the first of those with as much."""
    ends = [end for _, end in found]
    best, most = 0, 0
    for at, (start, _) in enumerate(found):
        within = bisect_right(ends, start + PASSAGE - BEFORE) - at
        if within > most:
            best, most = start, within
    return best


def _word_begins(text: str, at: int) -> int:
    space = text.find(" ", at, at + BEFORE)
    return space + 1 if space >= 0 else at


def _pieces(text: str, start: int, end: int, found: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces, at = [], start
    for first, last in found:
        if last <= start or first >= end:
            continue
        first, last = max(first, start), min(last, end)
        if first > at:
            pieces.append(Piece(text[at:first], False))
        pieces.append(Piece(text[first:last], True))
        at = last
    if at < end:
        pieces.append(Piece(text[at:end], False))
    return pieces
