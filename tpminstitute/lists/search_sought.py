"""What is looked for in the index, by what was typed and by the words that there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from sqlalchemy.orm import Session

from tpminstitute.lists.search_expressions import Expression, Term, all_of, any_of
from tpminstitute.lists.search_typed import Part, Typed
from tpminstitute.lists.search_vocabulary import Counted, beginnings, counts_of, near_words
from tpminstitute.lists.search_words import is_counted, may_be_mistyped

SHORTEST_BEGINNING = 2
"""Characters; one stands for itself only."""

GATHERED = 20_000
"""Places of all words with one beginning that a database gathers quickly; of more the frequent words are taken."""

HARDLY = 2
"""A word that stands in no more places than this may be a typing error, somebody's here or somebody else's there."""

EVERYWHERE = 1_000_000_000


@dataclass(frozen=True)
class Sought:
    """An expression, and in how many places each of the words stands that must all be there."""

    expression: Expression
    often: tuple[int, ...]

    def likely(self, rows: int) -> float:
        """Return in about how many of `rows` places all its words stand, if none draws the others to it."""
        return max(rows, 1) * prod(min(often / max(rows, 1), 1.0) for often in self.often)


@dataclass(frozen=True)
class Corrected:
    """What is looked for instead, and which words are taken for which."""

    people: Sought
    texts: Sought
    words: Sequence[tuple[str, Sequence[str]]]


class Reader:
    """Turns what was typed into what is looked for; it asks the vocabulary for each word once."""

    def __init__(self, session: Session, typed: Typed) -> None:
        """Look up how often each word stands somewhere."""
        self._session, self._parts = session, typed.parts
        self._counts = counts_of(session, {word for part in typed.parts for word in part.words})

    def sought(self, *, people: bool) -> Sought:
        """Return what is looked for in people's rows, or else in texts."""
        return _all([self._part(part, people, last=part is self._parts[-1]) for part in self._parts])

    def corrected(self) -> Corrected | None:
        """Return what is looked for with near words in place of those that hardly stand anywhere, or None."""
        near = {part: self._near(part) for part in self._parts}
        changed = [(part.typed, words) for part, words in near.items() if words]
        if not changed:
            return None

        def sought(*, people: bool) -> Sought:
            return _all(
                [
                    self._any_near(near[part], people)
                    if near[part]
                    else self._part(part, people, last=part is self._parts[-1])
                    for part in self._parts
                ]
            )

        return Corrected(sought(people=True), sought(people=False), changed)

    def _near(self, part: Part) -> Sequence[str]:
        if part.whole or len(part.words) > 1 or not may_be_mistyped(part.words[0]):
            return []
        often = self._counts.get(part.words[0])
        return near_words(self._session, part.words[0]) if often is None or _total(often) <= HARDLY else []

    def _any_near(self, words: Sequence[str], people: bool) -> Sought:
        counts = counts_of(self._session, words)
        often = sum(_often(counts.get(word), people) for word in words)
        return Sought(any_of(Term((word,)) for word in words), (often,))

    def _part(self, part: Part, people: bool, *, last: bool) -> Sought:
        *first, end = part.words
        before = tuple(self._often(word, people) for word in {*first} - {end})
        known = self._counts.get(end)
        if part.whole or len(end) < SHORTEST_BEGINNING or (known is not None and not last):
            return _or(Term(part.words), (*before, self._often(end, people)), part)
        if not is_counted(end):
            return _or(Term(part.words, begins=True), (*before, self._often(end, people)), part)
        found = beginnings(self._session, end, people=people)
        if found.total <= GATHERED:
            return _or(Term(part.words, begins=True), (*before, found.total), part)
        ends = dict.fromkeys((end, *(one.word for one in found.words)))
        often = sum(_often(one, people) for one in found.words)
        return _or(any_of(Term((*first, word)) for word in ends), (*before, often), part)

    def _often(self, word: str, people: bool) -> int:
        if not is_counted(word):
            return EVERYWHERE if len(word) == 1 else 0
        return _often(self._counts.get(word), people)


def _or(expression: Expression, often: tuple[int, ...], part: Part) -> Sought:
    return Sought(any_of((expression, *part.instead)), often)


def _all(sought: Sequence[Sought]) -> Sought:
    return Sought(all_of([one.expression for one in sought]), tuple(number for one in sought for number in one.often))


def _often(counted: Counted | None, people: bool) -> int:
    if counted is None:
        return 0
    return counted.people if people else counted.texts


def _total(counted: Counted) -> int:
    return counted.people + counted.texts
