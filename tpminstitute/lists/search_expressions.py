"""What is looked for: words and phrases, all of some or any of some, and how each database is asked for it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tpminstitute.lists.search_words import NAMED


@dataclass(frozen=True)
class Term:
    """Words one after the other, as they are folded; where it `begins`, the last one may go on."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True)
class All:
    """Every one of these."""

    of: tuple["Expression", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of these."""

    of: tuple["Expression", ...]


Expression = Term | All | AnyOf


def any_of(terms: Iterable[Expression]) -> Expression:
    """Return what is true where any of `terms` is, each looked for once."""
    distinct = tuple(dict.fromkeys(terms))
    return distinct[0] if len(distinct) == 1 else AnyOf(distinct)


def all_of(terms: Sequence[Expression]) -> Expression:
    """Return what is true where all of `terms` are."""
    return terms[0] if len(terms) == 1 else All(tuple(terms))


def of_a_name(expression: Expression) -> Expression | None:
    """Return what marks those whose name has a word that is looked for, or None where one word isn't enough."""
    words = _words_each_enough(expression)
    return any_of(Term((NAMED + term.words[0],), term.begins) for term in words) if words else None


def begins_with(key: str, expression: Expression) -> bool:
    """Return whether one word is enough and whichever it is begins with `key`."""
    words = _words_each_enough(expression)
    return bool(words) and all(term.words[0].startswith(key) for term in words)


def _words_each_enough(expression: Expression) -> Sequence[Term]:
    terms = (expression,) if isinstance(expression, Term) else expression.of if isinstance(expression, AnyOf) else ()
    words = [term for term in terms if isinstance(term, Term) and len(term.words) == 1]
    return words if len(words) == len(terms) else ()


def terms_of(expression: Expression) -> Iterator[Term]:
    """Yield every term in an expression."""
    if isinstance(expression, Term):
        yield expression
    else:
        for part in expression.of:
            yield from terms_of(part)


def for_fts5(expression: Expression) -> str:
    """Return an expression in the language of SQLite's FTS5; its words have no character that means anything there."""
    if isinstance(expression, Term):
        return f'"{" ".join(expression.words)}"{" *" if expression.begins else ""}'
    return f"({(' AND ' if isinstance(expression, All) else ' OR ').join(map(for_fts5, expression.of))})"


def for_tsquery(expression: Expression) -> str:
    """Return an expression in the language of PostgreSQL's tsquery."""
    if isinstance(expression, Term):
        phrase = " <-> ".join(f"'{word}'" for word in expression.words)
        return f"({phrase}{':*' if expression.begins else ''})"
    return f"({(' & ' if isinstance(expression, All) else ' | ').join(map(for_tsquery, expression.of))})"


def is_true(expression: Expression, words: Sequence[str]) -> bool:
    """Return whether an expression is true of a text with these words, as both databases would say."""
    if isinstance(expression, Term):
        return next(places(expression, words), None) is not None
    answers = (is_true(part, words) for part in expression.of)
    return all(answers) if isinstance(expression, All) else any(answers)


def places(term: Term, words: Sequence[str]) -> Iterator[int]:
    """Yield where a term begins among `words`."""
    *first, last = term.words
    length = len(term.words)
    for at in range(len(words) - length + 1):
        if all(words[at + step] == word for step, word in enumerate(first)):
            end = words[at + length - 1]
            if end == last or (term.begins and end.startswith(last)):
                yield at
