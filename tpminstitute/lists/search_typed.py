"""What somebody typed into the search, taken apart: words, phrases, addresses, phone numbers, references."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import phonenumbers

from tpminstitute.contacts.identity import FEWEST_PHONE_DIGITS, read_phone
from tpminstitute.core.tokens import ALPHABET, PUBLIC_ID_LENGTH
from tpminstitute.lists.search_expressions import All, Expression, Term
from tpminstitute.lists.search_words import AT, LONGEST_PHONE, REFERENCE, from_its_end, key_of, stands_alone, words_of

LONGEST = 500
"""Characters that are read of what was typed."""

MOST_PARTS, MOST_WORDS = 12, 30
"""Words, phrases or numbers that are looked for, and words of one of them."""

_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))
_CHUNKS = re.compile(
    r'"(?P<quoted>[^"]*)"'
    r"|(?<!\S)(?P<halves>(?=[0-9 ]*[A-Za-z])[0-9A-Za-z]{4} [0-9A-Za-z]{4})(?!\S)"
    r"|(?<![\w@.])(?P<phone>\+?\(?[0-9][0-9 ()./\-\u00a0\u2010-\u2015]*[0-9])(?![\w@.]|-\w)"
    r'|(?P<word>[^\s"]+)'
)
_READ_ALOUD = str.maketrans("oil", "011")
"""What a reference never has, and is heard instead (crockford.com/base32.html)."""


@dataclass(frozen=True)
class Part:
    """One thing that was typed: its words stand together, and the last may go on unless it is `whole`.

    `instead` is what it may mean as well: a phone number, a reference, a word written in one.
    """

    typed: str
    words: tuple[str, ...]
    whole: bool
    instead: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Typed:
    """All that was typed; `name_key` is the whole of it as a name, `cut` whether there was more than is looked for."""

    text: str
    parts: Sequence[Part]
    name_key: str
    cut: bool


def read_typed(text: str) -> Typed:
    """Take apart what was typed; any text at all, and one without a word has no parts."""
    read = text[:LONGEST].translate(_QUOTES)
    parts = list(_parts(read))
    cut = len(text) > LONGEST or len(parts) > MOST_PARTS
    return Typed(text.strip(), parts[:MOST_PARTS], key_of(read), cut)


def _parts(text: str) -> Iterator[Part]:
    for found in _CHUNKS.finditer(text):
        chunk = next(filter(None, found.groups()), "")
        words = tuple(words_of(chunk))[:MOST_WORDS]
        if not words:
            continue
        digits = "".join(char for char in chunk if char.isdigit())
        if found["quoted"]:
            yield Part(chunk, words, whole=True)
        elif found["phone"] and len(digits) >= FEWEST_PHONE_DIGITS:
            yield Part(chunk, words, whole=False, instead=(*_reference(words), *_phone(chunk, digits), *_apart(chunk)))
        elif found["halves"] and digits:
            yield Part(chunk, words, whole=False, instead=(*_reference(words), *_apart(chunk)))
        elif found["phone"] or found["halves"]:
            yield from (Part(word, (word,), whole=False) for word in words)
        else:
            whole = words[-1] == AT or stands_alone(words[-1])
            yield Part(chunk, words, whole=whole, instead=(*_reference(words), *_in_one(words)))


def _phone(typed: str, digits: str) -> Iterator[Term]:
    """Yield a phone number from its end, without its country where that is known, and as it begins."""
    national = digits
    e164 = read_phone(typed[:60])
    if e164 is not None:
        parsed = phonenumbers.parse(e164)
        national = phonenumbers.national_significant_number(parsed)
    if len(digits) <= LONGEST_PHONE + 2:
        yield Term((from_its_end(national),), begins=True)
        yield Term((digits.lstrip("0") or "0",), begins=True)


def _apart(typed: str) -> Iterator[Expression]:
    """Yield what has a space in it as several, wherever they stand."""
    if " " in typed:
        yield All(tuple(Term((word,)) for word in words_of(typed)))


def _reference(words: tuple[str, ...]) -> Iterator[Term]:
    """Yield a reference, or the beginning of the public id that somebody pasted, however it was read out."""
    whole = "".join(words).translate(_READ_ALOUD)
    if len(whole) in (REFERENCE, PUBLIC_ID_LENGTH) and set(whole) <= set(ALPHABET) and (whole[:REFERENCE],) != words:
        yield Term((whole[:REFERENCE],))


def _in_one(words: tuple[str, ...]) -> Iterator[Term]:
    """Yield words that a hyphen or the like held together as one: Jean-Luc is Jeanluc as well."""
    if 1 < len(words) <= 3 and AT not in words and not any(map(stands_alone, words)):
        yield Term(("".join(words),), begins=True)
