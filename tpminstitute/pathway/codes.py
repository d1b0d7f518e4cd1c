"""The address of a pathway: the answers and nothing else, such as ``1-2b0a-a1b2e13``.

``1`` is the form of the address, ``2b0a`` the fingerprint of the questions as they were asked, and then each answered
question's letter with the numbers of its answers. A letter and a number never come to stand for something else
(`checks.reassigned`), so an old address keeps its meaning.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tpminstitute.pathway.table import Answers, Table

FORM = "1"
LONGEST = 300
"""Characters of an address's end; what is longer isn't looked at."""

_CODE = re.compile(r"1-([0-9a-f]{4})-((?:[a-z][1-9]{1,9}){1,26})", re.ASCII)
_PAIR = re.compile(r"([a-z])([1-9]+)", re.ASCII)


@dataclass(frozen=True)
class Decoded:
    """What an address says: `answers` that are still asked for, and whether the questions were others then (`older`).

    `gone` counts the answers that there aren't any more.
    """

    answers: Answers
    older: bool = False
    gone: int = 0


def encode(table: Table, answers: Answers) -> str:
    """Return the code of `answers`; '' for none at all."""
    parts = []
    for question in sorted(table.questions, key=lambda one: one.letter):
        chosen = answers.get(question.key, frozenset())
        numbers = sorted(answer.number for answer in question.answers if answer.key in chosen)
        if numbers:
            parts.append(question.letter.lower() + "".join(map(str, numbers)))
    return f"{FORM}-{table.fingerprint}-{''.join(parts)}" if parts else ""


def decode(table: Table, code: str) -> Decoded | None:
    """Return what `code` says by `table`; None for what is no code, or says nothing that is still asked for."""
    match = _CODE.fullmatch(code) if len(code) <= LONGEST else None
    if match is None:
        return None
    older = match[1] != table.fingerprint
    answers: dict[str, frozenset[str]] = {}
    gone = 0
    pairs = _PAIR.findall(match[2])
    if not _in_order([letter for letter, _ in pairs]):
        return None
    for letter, numbers in pairs:
        question = table.by_letter(letter.upper())
        known = {str(answer.number): answer.key for answer in question.answers} if question else {}
        chosen = frozenset(known[number] for number in numbers if number in known)
        gone += len(numbers) - len(chosen)
        if not _in_order(numbers) or (question and len(chosen) > 1 and not question.several):
            return None
        if question and chosen:
            answers[question.key] = chosen
    return Decoded(answers, older, gone) if answers and (older or not gone) else None


def _in_order(signs: Sequence[str]) -> bool:
    return all(one < other for one, other in pairwise(signs))
