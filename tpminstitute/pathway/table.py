"""What the pathway check is made of: its questions, its rules, and which answers a rule is for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from tpminstitute.contacts.models import Background

Answers = Mapping[str, frozenset[str]]
"""What was answered: the chosen answers of each question, by their keys; a question that was skipped isn't there."""

SKIPPED = ""
"""Stands for no answer among the answers of a question."""


class Kind(StrEnum):
    """What a rule says: a station behind, something else one has, where one stands, what to do, and what fits."""

    BEHIND = "Behind"
    HAVE = "Have"
    HERE = "Here"
    STEP = "Step"
    FITS = "Fits"
    NOT_YET = "Not yet"
    SKILL = "Skill"


@dataclass(frozen=True)
class Answer:
    """One answer of a question: `number` stands for it in addresses, `key` in rules."""

    number: int
    key: str
    label: str


@dataclass(frozen=True)
class Question:
    """One question: `letter` stands for it in addresses, `key` in rules; `several` answers may be ticked.

    `chapter` is the chapter that it is drawn from, `line` where it stands in the table's text.
    """

    letter: str
    key: str
    words: str
    chapter: str
    answers: tuple[Answer, ...]
    several: bool = False
    line: int = 0

    def answer(self, key: str) -> Answer | None:
        """Return its answer with that key, or None."""
        return next((answer for answer in self.answers if answer.key == key), None)


@dataclass(frozen=True)
class Condition:
    """One part of a rule's “When”: the answer is, or is not (`no`), one of `answers`. Who skipped it gave none."""

    question: str
    answers: tuple[str, ...]
    no: bool = False

    def holds(self, answers: Answers) -> bool:
        """Return whether it is so."""
        return bool(answers.get(self.question, frozenset()) & set(self.answers)) != self.no


@dataclass(frozen=True)
class Rule:
    """One rule: for whom (`when`, all of it), its label, why it is so for them, and the guide's own words for it.

    `passage` is the anchor where these words stand; `background` is what the reader counts as for follow-ups.
    """

    kind: Kind
    label: str
    when: tuple[Condition, ...]
    why: str
    quote: str
    passage: str
    background: Background | None = None
    line: int = 0

    def is_for(self, answers: Answers) -> bool:
        """Return whether the rule is for who answered so."""
        return all(condition.holds(answers) for condition in self.when)


@dataclass(frozen=True)
class Table:
    """The whole check, as `reading.read_table` made it of its text."""

    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]

    def of_kind(self, kind: Kind) -> list[Rule]:
        """Return the rules of one kind, in order."""
        return [rule for rule in self.rules if rule.kind is kind]

    def question(self, key: str) -> Question | None:
        """Return the question with that key, or None."""
        return self._by_key.get(key)

    def by_letter(self, letter: str) -> Question | None:
        """Return the question with that letter, or None."""
        return next((question for question in self.questions if question.letter == letter), None)

    @cached_property
    def fingerprint(self) -> str:
        """Four characters that change with every word of what is asked."""
        asked = repr([(q.letter, q.key, q.words, q.several, q.answers) for q in self.questions])
        return hashlib.sha256(asked.encode()).hexdigest()[:4]

    @cached_property
    def _by_key(self) -> dict[str, Question]:
        return {question.key: question for question in self.questions}
