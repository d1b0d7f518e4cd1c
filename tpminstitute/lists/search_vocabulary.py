"""The vocabulary: every word that stands somewhere, how often, what it may begin, and what is near to it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, String, Text, bindparam, column, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from tpminstitute.core.bulk import ForEach
from tpminstitute.lists.search_models import SearchNear, SearchWord
from tpminstitute.lists.search_words import may_be_mistyped, near_keys, without_one

MOST_BEGINNINGS = 60
"""Words that a beginning stands for, where it begins so many that the database had better not gather them all."""

MOST_NEAR = 5
"""Words that are taken for what somebody typed."""

LOOKED_AT = 400
"""Words, the most frequent first, whose distance is reckoned."""

ONE_EDIT, TWO_EDITS = 1, 2
SHORT_WORD = 5
"""Letters up to which one letter may be wrong; beyond, two."""


@dataclass(frozen=True)
class Counted:
    """A word, and in how many people's rows and in how many texts it stands, or by how many more than before."""

    word: str
    people: int
    texts: int


@dataclass(frozen=True)
class Beginnings:
    """Words that begin alike, the most frequent first, and how often all of them stand somewhere."""

    words: Sequence[Counted]
    total: int


def count_words(session: Session, changes: Iterable[Counted]) -> None:
    """Keep the vocabulary: each of `changes` is by how much more often, or less, a word stands somewhere now."""
    some = [one for one in changes if one.people or one.texts]
    for chunk in _chunks(some):
        known = set(session.scalars(select(SearchWord.word).where(SearchWord.word.in_([one.word for one in chunk]))))
        _change(session, [one for one in chunk if one.word in known])
        _add(session, [one for one in chunk if one.word not in known])


def _add(session: Session, new: Sequence[Counted]) -> None:
    """Take in new words, and let them be found by what is near to them."""
    if new:
        _ADD.run(session.connection(), [(one.word, one.people, one.texts) for one in new])
    nears = [(key, one.word) for one in new if may_be_mistyped(one.word) for key in near_keys(one.word)]
    if nears:
        _ADD_NEAR.run(session.connection(), nears)


def _change(session: Session, known: Sequence[Counted]) -> None:
    """Count words that were there before, and forget those that stand nowhere any more."""
    if known:
        _CHANGE.run(session.connection(), [(one.word, one.people, one.texts) for one in known])
    less = [one.word for one in known if one.people < 0 or one.texts < 0]
    if not less:
        return
    gone = session.scalars(
        delete(SearchWord)
        .where(SearchWord.word.in_(less), SearchWord.people == 0, SearchWord.texts == 0)
        .returning(SearchWord.word)
        .execution_options(synchronize_session=False)
    ).all()
    nears = [(key, word) for word in gone if may_be_mistyped(word) for key in near_keys(word)]
    if nears:
        _FORGET_NEAR.run(session.connection(), nears)


_ADD = ForEach(
    lambda given: insert(SearchWord).from_select(["word", "people", "texts"], select(*given.values())),
    word=Text,
    people=Integer,
    texts=Integer,
)
_ADD_NEAR = ForEach(
    lambda given: insert(SearchNear).from_select(["key", "word"], select(*given.values())), key=Integer, word=Text
)
_CHANGE = ForEach(
    lambda given: (
        update(SearchWord)
        .where(SearchWord.word == given["word"])
        .values(people=SearchWord.people + given["people"], texts=SearchWord.texts + given["texts"])
    ),
    word=Text,
    people=Integer,
    texts=Integer,
)
_FORGET_NEAR = ForEach(
    lambda given: delete(SearchNear).where(SearchNear.key == given["key"], SearchNear.word == given["word"]),
    key=Integer,
    word=Text,
)


def _chunks(changes: Sequence[Counted]) -> Iterator[Sequence[Counted]]:
    """Yield some after the other: a statement has room for so many parameters."""
    return (changes[start : start + 5_000] for start in range(0, len(changes), 5_000))


def counts_of(session: Session, words: Collection[str]) -> dict[str, Counted]:
    """Return those of `words` that stand somewhere, with how often."""
    rows = session.execute(
        select(SearchWord.word, SearchWord.people, SearchWord.texts).where(SearchWord.word.in_(words))
    )
    return {word: Counted(word, people, texts) for word, people, texts in rows}


def beginnings(session: Session, start: str, *, people: bool) -> Beginnings:
    """Return the words that begin with `start` and stand in people's rows, or else in texts."""
    often = SearchWord.people if people else SearchWord.texts
    found = session.execute(
        select(SearchWord.word, SearchWord.people, SearchWord.texts, func.sum(often).over())
        .where(SearchWord.word >= start, SearchWord.word < after(start), often > 0)
        .order_by(often.desc(), SearchWord.word)
        .limit(MOST_BEGINNINGS)
    ).all()
    return Beginnings([Counted(*row[:3]) for row in found], int(found[0][3]) if found else 0)


def after(start: str) -> str:
    """Return what stands behind everything that begins with `start`, in the order of bytes."""
    return start + "\U0010ffff"


def near_words(session: Session, typed: str) -> list[str]:
    """Return the words that somebody may have meant: the nearest first, of these the most frequent."""
    if not may_be_mistyped(typed):
        return []
    found = _within(session, typed, near_keys(typed), ONE_EDIT)
    if not found and len(typed) > SHORT_WORD:
        found = _within(session, typed, _keys_of_two_edits(typed), TWO_EDITS)
    return found


def _within(session: Session, typed: str, keys: Collection[int], most: int) -> list[str]:
    given = _given(session, keys)
    often = (SearchWord.people + SearchWord.texts).label("often")
    found = session.execute(
        select(SearchWord.word, often)
        .where(SearchWord.word.in_(select(SearchNear.word).where(SearchNear.key.in_(given))), SearchWord.word != typed)
        .order_by(often.desc(), SearchWord.word)
        .limit(LOOKED_AT)
    ).all()
    near = [(distance, -often, word) for word, often in found if (distance := edits(typed, word, most)) <= most]
    return [word for _, _, word in sorted(near)[:MOST_NEAR]]


def _given(session: Session, keys: Collection[int]) -> Any:
    """Return many numbers as one parameter."""
    if session.get_bind().dialect.name == "sqlite":
        listed = ",".join(map(str, keys))
        return select(column("value")).select_from(func.json_each(bindparam(None, f"[{listed}]", String)))
    return select(func.unnest(bindparam(None, [*keys], ARRAY(Integer))))


def _keys_of_two_edits(typed: str) -> set[int]:
    """Return the checksums that a word within two edits has: those of everything within one edit."""
    return {key for edited in _edited_once(typed) for key in near_keys(edited)}


def _edited_once(typed: str) -> set[str]:
    """Return `typed` with any one letter left out, put in, put for another, or any two neighbours exchanged."""
    letters = _letters_of(typed)
    edited = without_one(typed)
    for at in range(len(typed) + 1):
        head, tail = typed[:at], typed[at:]
        edited.update(head + letter + tail for letter in letters)
        if tail:
            edited.update(head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            edited.add(head + tail[1] + tail[0] + tail[2:])
    return edited


def _letters_of(typed: str) -> set[str]:
    """Return the letters that may stand in a word of the same script: a block of 64 for each that isn't Latin."""
    letters = set("abcdefghijklmnopqrstuvwxyz") if any(char.isascii() for char in typed) else set()
    for block in {ord(char) & ~0x3F for char in typed if not char.isascii()}:
        letters |= {chr(point) for point in range(block, block + 64) if chr(point).isalpha()}
    return letters


def edits(one: str, other: str, most: int) -> int:
    """Return how many letters must be left out, put in, put for another or exchanged with their neighbour.

    This is the optimal string alignment distance; anything beyond `most` is told as `most` + 1.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for at, against in enumerate(other, start=1):
            cost = min(last[at] + 1, now[-1] + 1, last[at - 1] + (letter != against))
            if row > 1 and at > 1 and letter == other[at - 2] and one[row - 2] == against:
                cost = min(cost, before_last[at - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before_last, last = last, now
    return last[-1]
