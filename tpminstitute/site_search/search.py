"""A search over what visitors read: whatever its case, its accents and small errors of typing.

There are hundreds of passages and not millions, so each is looked at, in memory, and no index is kept.
"""

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


def search(query: str, passages: Iterable[Passage]) -> Answer:
    """Return the passages in which every word of `query` stands, those first that have them in their title.

    A word stands for itself and for longer ones that begin with it; one that stands nowhere is taken for near ones.
    A text that is there under several titles is found once, under the best.
    """
    query = one_line(query, LONGEST_QUERY)
    sought = list(dict.fromkeys(words_of(query)))[:MOST_WORDS]
    if not sought:
        return Answer(query, [], {}, more=False)
    read = [_Read.of(passage) for passage in passages]
    vocabulary = set().union(*(one.title | one.text for one in read))
    meant = {word: _meant(word, vocabulary) for word in sought}
    taken = {word: sorted(words) for word, words in meant.items() if words and not _stands(word, vocabulary)}
    has_all = [one for one in read if all(words & (one.title | one.text) for words in meant.values())]
    best: dict[str, Passage] = {}
    for one in sorted(has_all, key=lambda one: one.rank(meant)):
        best.setdefault(one.passage.text, one.passage)
    words = set().union(*meant.values())
    shown = [Found(one, marked(one.title, words), marked(one.text, words)) for one in list(best.values())[:MOST_FOUND]]
    return Answer(query, shown, taken, more=len(best) > MOST_FOUND)


@dataclass(frozen=True)
class _Read:
    """A passage and the words in it."""

    passage: Passage
    title: Set[str]
    text: Set[str]

    @classmethod
    def of(cls, passage: Passage) -> "_Read":
        return cls(passage, set(words_of(passage.title)), set(words_of(passage.text)))

    def rank(self, meant: Mapping[str, Set[str]]) -> tuple[int, int, int]:
        """Return its place: by how much of what is sought is in the title, is written so, and how little else is."""
        in_title = sum(1 for words in meant.values() if words & self.title)
        as_typed = sum(1 for word in meant if word in self.title or word in self.text)
        return -in_title, -as_typed, len(self.title) if in_title else 0


def marked(text: str, words: Iterable[str]) -> list[Piece]:
    """Return `text` in pieces, those of `words` marked that stand in it."""
    text, wanted = prepared(text), set(words)
    pieces, at = [], 0
    for spot in (spot for spot in spots_of(text) if spot.word in wanted):
        pieces.append(Piece(text[at : spot.start], False))
        pieces.append(Piece(text[spot.start : spot.end], True))
        at = spot.end
    return [piece for piece in [*pieces, Piece(text[at:], False)] if piece.text]


def _stands(word: str, vocabulary: set[str]) -> bool:
    return any(_begins(one, word) for one in vocabulary)


def _begins(one: str, word: str) -> bool:
    return one == word or (len(word) >= SHORTEST_BEGINNING and one.startswith(word))


def _meant(word: str, vocabulary: set[str]) -> set[str]:
    """Return the words that `word` stands for: those it begins, else the nearest."""
    begun = {one for one in vocabulary if _begins(one, word)}
    if begun or not may_be_mistyped(word):
        return begun
    most = 1 if len(word) <= ONE_ERROR else 2
    near = {one: edits(word, one, most) for one in vocabulary if abs(len(one) - len(word)) <= most and one.isalpha()}
    nearest = min(near.values(), default=most + 1)
    return {one for one, distance in near.items() if distance == nearest} if nearest <= most else set()
