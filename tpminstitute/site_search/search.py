"""A search over what visitors read: whatever its case, its accents and small errors of typing.

There are thousands of passages and not millions, so each is looked at, in memory, by its words, which are read once.
"""

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from tpminstitute.core.text import one_line
from tpminstitute.lists.search_passages import Piece
from tpminstitute.lists.search_vocabulary import edits
from tpminstitute.lists.search_words import may_be_mistyped, prepared, spots_of, words_of
from tpminstitute.site_search.passages import Passage

LONGEST_QUERY = 200
"""Characters; nobody types more to find a passage."""

MOST_WORDS = 12
MOST_FOUND = 30
"""Passages that are shown; who finds more is better served by another word."""

SHORTEST_BEGINNING = 3
"""Letters from which on a word stands for those that begin with it."""

ONE_ERROR = 5
"""Letters up to which one of them may be wrong; in longer words two."""


_LAST = chr(sys.maxunicode)
_BITS = 61

SHOWN = 320
"""Characters of a passage that are shown, if it is longer than that and a half."""

BEFORE = 80
"""Characters of a long passage before the first word that was found."""


@dataclass(frozen=True)
class Read:
    """A passage and the words in it."""

    passage: Passage
    title: Set[str]
    text: Set[str]

    @classmethod
    def of(cls, passage: Passage) -> "Read":
        """Read a passage."""
        return cls(passage, _words(passage.title), _words(passage.text))

    def has(self, words: Set[str]) -> bool:
        """Return whether any of `words` stands in it."""
        return not (self.title.isdisjoint(words) and self.text.isdisjoint(words))

    def rank(self, meant: Mapping[str, Set[str]], index: int) -> tuple[int, int, int, int]:
        """Return its place: by how much of what is sought is in the title, is written so, and how little else is.

        Parameters: `index`, the number of the index it is in; of those alike by then the first index's come first.
        """
        in_title = sum(1 for words in meant.values() if words & self.title)
        as_typed = sum(1 for word in meant if word in self.title or word in self.text)
        return -in_title, -as_typed, index, len(self.title) if in_title else 0


@dataclass(frozen=True)
class Index:
    """Passages that were read, and every word that stands in any of them.

    `vocabulary` is sorted, so that words with one beginning stand together; `by_length` holds the same words, those of
    letters only, by how many these are, each with the marks of its letters.
    """

    read: Sequence[Read]
    vocabulary: Sequence[str]
    by_length: Mapping[int, Sequence[tuple[str, int]]]

    @classmethod
    def of(cls, read: Iterable[Read]) -> "Index":
        """Gather passages that were read."""
        read = list(read)
        vocabulary = sorted(set().union(*(words for one in read for words in (one.title, one.text))))
        by_length: dict[int, list[tuple[str, int]]] = {}
        for word in vocabulary:
            if word.isalpha():
                by_length.setdefault(len(word), []).append((word, _letters(word)))
        return cls(read, vocabulary, by_length)

    def begun_by(self, word: str) -> Set[str]:
        """Return the words that `word` is, or that it begins."""
        if len(word) < SHORTEST_BEGINNING:
            end = bisect_right(self.vocabulary, word)
        else:
            end = bisect_right(self.vocabulary, word + _LAST)
        return set(self.vocabulary[bisect_left(self.vocabulary, word) : end])

    def near(self, word: str, most: int) -> Mapping[str, int]:
        """Return the words that are up to `most` edits from `word`, with how many.

        Each edit changes the length by one and the letters that occur by two at most, which is quickly looked up and
        leaves few words whose edits have to be counted.
        """
        letters, lengths = _letters(word), range(len(word) - most, len(word) + most + 1)
        may_be = (
            one
            for length in lengths
            for one, its_letters in self.by_length.get(length, ())
            if (its_letters ^ letters).bit_count() <= 2 * most
        )
        counted = {one: edits(word, one, most) for one in may_be}
        return {one: number for one, number in counted.items() if number <= most}


@dataclass(frozen=True)
class Found:
    """A passage that was found, in pieces with what was found marked."""

    passage: Passage
    title: Sequence[Piece]
    text: Sequence[Piece]


@dataclass(frozen=True)
class Answer:
    """What a search found: `taken` says which words were taken for one that stands nowhere."""

    query: str
    found: Sequence[Found]
    taken: Mapping[str, Sequence[str]]
    more: bool


def search(query: str, *indexes: Index) -> Answer:
    """Return the passages in which every word of `query` stands, those first that have them in their title.

    A word stands for itself and for longer ones that begin with it; one that stands nowhere is taken for near ones.
    A text that is there under several titles is found once, under the best. Of equals those of the first index are
    first: the guide's, whatever a comment's writer is called.
    """
    query = one_line(query, LONGEST_QUERY)
    sought = list(dict.fromkeys(words_of(query)))[:MOST_WORDS]
    if not sought:
        return Answer(query, [], {}, more=False)
    meant = {word: _meant(word, indexes) for word in sought}
    begun = {word for word, words in meant.items() if any(one.startswith(word) for one in words)}
    taken = {word: sorted(words) for word, words in meant.items() if words and word not in begun}
    everything = ((one, at) for at, index in enumerate(indexes) for one in index.read)
    has_all = [(one, at) for one, at in everything if all(one.has(words) for words in meant.values())]
    best: dict[str, Passage] = {}
    for one, _ in sorted(has_all, key=lambda found: found[0].rank(meant, found[1])):
        best.setdefault(one.passage.text, one.passage)
    words = set().union(*meant.values())
    found = [
        Found(one, marked(one.title, words), excerpt(marked(one.text, words)))
        for one in list(best.values())[:MOST_FOUND]
    ]
    return Answer(query, found, taken, more=len(best) > MOST_FOUND)


def marked(text: str, words: Iterable[str]) -> list[Piece]:
    """Return `text` in pieces, those of `words` marked that stand in it."""
    text, wanted = prepared(text), set(words)
    pieces, at = [], 0
    for spot in (spot for spot in spots_of(text) if spot.word in wanted):
        pieces.append(Piece(text[at : spot.start], False))
        pieces.append(Piece(text[spot.start : spot.end], True))
        at = spot.end
    return [piece for piece in [*pieces, Piece(text[at:], False)] if piece.text]


def excerpt(pieces: Sequence[Piece]) -> list[Piece]:
    """Return a long text cut to about `SHOWN` characters around the first word that was found; others as they are."""
    if sum(len(piece.text) for piece in pieces) <= SHOWN * 3 // 2:
        return list(pieces)
    first = next((at for at, piece in enumerate(pieces) if piece.marked), 0)
    before = "".join(piece.text for piece in pieces[:first])
    lead = before if len(before) <= BEFORE else "… " + before[-BEFORE:].partition(" ")[2]
    cut, left = [Piece(lead, False)] if lead else [], SHOWN - len(lead)
    for piece in pieces[first:]:
        if left <= 0 or (len(piece.text) > left and not piece.marked):
            cut.append(Piece(piece.text[: max(left, 0)].rpartition(" ")[0] + " …", False))
            break
        cut.append(piece)
        left -= len(piece.text)
    return cut


def _words(text: str) -> Set[str]:
    """Return the words of a text; the same word in a thousand texts is kept once."""
    return frozenset(sys.intern(word) for word in words_of(text))


def _letters(word: str) -> int:
    """Return the letters that occur in a word as bits; different letters may share one."""
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % _BITS
    return bits


def _meant(word: str, indexes: Sequence[Index]) -> Set[str]:
    """Return the words that `word` stands for: those it begins, else the nearest."""
    begun = set().union(*(index.begun_by(word) for index in indexes))
    if begun or not may_be_mistyped(word):
        return begun
    most = 1 if len(word) <= ONE_ERROR else 2
    near = dict(pair for index in indexes for pair in index.near(word, most).items())
    nearest = min(near.values(), default=0)
    return {one for one, number in near.items() if number == nearest}
