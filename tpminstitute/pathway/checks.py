"""What keeps a table from being used: questions nobody needs, words the guide doesn't have, rules that contradict.

A rule's “When” is a box: for each question, the answers that it is for. So whether two rules can hold for the same
reader, or one says nothing that an earlier one hasn't said, is a matter of comparing sets, and nothing is tried out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from tpminstitute.guide.chapters import Guide
from tpminstitute.guide.passages import chapter_of, stands_in
from tpminstitute.pathway.reading import LONGEST_LABEL
from tpminstitute.pathway.table import SKIPPED, Condition, Kind, Question, Rule, Table

STEPS = 3
"""How many next steps everybody gets."""

FEWEST_ANSWERS = 2

Box = Mapping[str, frozenset[str]]
"""By question, and for one of several answers by question and answer, the values that a rule is for."""


def problems_of(table: Table, guide: Guide) -> list[str]:
    """Return everything that keeps `table` from being used with `guide`, as sentences; nothing when it can be."""
    found = [*_about_questions(table, guide), *_about_conditions(table)]
    if found:
        return found
    return [
        *_about_words(table, guide),
        *_about_use(table),
        *_about_everybody(table),
        *_contradictions(table),
        *_unsaid(table),
    ]


def reassigned(table: Table, earlier: Iterable[Table]) -> list[str]:
    """Return a sentence for each letter or number that stood for something else in an earlier table.

    Addresses that people kept hold nothing but these.
    """
    found = []
    for before in earlier:
        for question in table.questions:
            old = before.by_letter(question.letter)
            if old is not None and old.key != question.key:
                found.append(_letter_taken(question, old))
            elif old is not None:
                found += [_number_taken(question, was, now) for was, now in _renumbered(old, question)]
    return list(dict.fromkeys(found))


def box_of(table: Table, rule: Rule) -> Box:
    """Return for which answers a rule is."""
    box: dict[str, frozenset[str]] = {}
    for condition in rule.when:
        question = table.question(condition.question)
        assert question is not None
        for name, allowed in _sides(question, condition):
            box[name] = box.get(name, allowed) & allowed
    return box


def _sides(question: Question, condition: Condition) -> Iterator[tuple[str, frozenset[str]]]:
    if question.several:
        for key in condition.answers:
            yield f"{question.key} {key}", frozenset(("no" if condition.no else "yes",))
        return
    chosen = frozenset(condition.answers)
    every = frozenset(answer.key for answer in question.answers) | {SKIPPED}
    yield question.key, every - chosen if condition.no else chosen


def _about_questions(table: Table, guide: Guide) -> Iterator[str]:
    for name, times in Counter(question.letter for question in table.questions).items():
        if times > 1:
            yield f"The letter {name} stands for {times} questions. Give each one of its own."
    for name, times in Counter(question.key for question in table.questions).items():
        if times > 1:
            yield f"The word “{name}” stands for {times} questions. Give each one of its own."
    slugs = {chapter.slug for chapter in guide.chapters}
    for question in table.questions:
        if question.chapter not in slugs:
            yield f"Line {question.line}: the guide has no chapter “{question.chapter}”. It has {', '.join(slugs)}."
        if len(question.answers) < FEWEST_ANSWERS:
            yield f"Line {question.line}: “{question.key}” needs at least {FEWEST_ANSWERS} answers."
        for what in ("number", "key"):
            values = [getattr(answer, what) for answer in question.answers]
            if len(set(values)) < len(values):
                yield f"Line {question.line}: two answers of “{question.key}” have the same {_WHAT[what]}."


def _about_conditions(table: Table) -> Iterator[str]:
    for rule in table.rules:
        asked: set[str] = set()
        for condition in rule.when:
            question = table.question(condition.question)
            if question is None:
                yield f"Line {rule.line}: there is no question “{condition.question}” to ask for."
                continue
            unknown = [key for key in condition.answers if question.answer(key) is None]
            if unknown:
                yield f"Line {rule.line}: “{question.key}” has no answer “{unknown[0]}”."
            names = condition.answers if question.several else (question.key,)
            if asked & set(names):
                yield f"Line {rule.line}: “{rule.label}” asks for “{question.key}” twice. Write it as one."
            asked |= set(names)
            if question.several and not condition.no and len(condition.answers) > 1:
                yield (
                    f"Line {rule.line}: several answers of “{question.key}” may be ticked, so “or” can't be read. "
                    "Write a rule for each."
                )


def _about_words(table: Table, guide: Guide) -> Iterator[str]:
    for rule in table.rules:
        if chapter_of(guide, rule.passage) is None:
            yield f"Line {rule.line}: the guide has no passage “{rule.passage}”. Take a chapter’s or a skill’s."
        elif not stands_in(guide, rule.passage, rule.quote):
            yield (
                f"Line {rule.line}: these words don't stand in the guide under “{rule.passage}”. Copy them from there, "
                f"word for word: “{rule.quote[:LONGEST_LABEL]}”."
            )


def _about_use(table: Table) -> Iterator[str]:
    used = {condition.question for rule in table.rules for condition in rule.when}
    for question in table.questions:
        if question.key not in used:
            yield f"Line {question.line}: no rule asks for “{question.key}”. Write one, or take the question out."


def _about_everybody(table: Table) -> Iterator[str]:
    if not table.questions:
        yield "The table asks nothing. Write at least one question."
    here = table.of_kind(Kind.HERE)
    if not here or here[-1].when:
        yield "Who answers nothing has to stand somewhere, too: end the “Here” rules with one that has no “When”."
    always = [rule for rule in table.of_kind(Kind.STEP) if not rule.when]
    if len(always) < STEPS:
        yield (
            f"Whatever is answered, there have to be {STEPS} next steps: write at least {STEPS} “Step” rules that have "
            f"no “When”. There {'is' if len(always) == 1 else 'are'} {len(always)}."
        )


def _contradictions(table: Table) -> Iterator[str]:
    """Say which rules of one label can hold for the same reader: they have it and don't, it fits and doesn't."""
    boxes = {rule.line: box_of(table, rule) for rule in table.rules}
    for one, other in combinations(table.rules, 2):
        if one.label.casefold() == other.label.casefold() and one.kind is not Kind.HERE is not other.kind:
            if not _meet(boxes[one.line], boxes[other.line]):
                continue
            if one.kind is other.kind:
                yield f"Lines {one.line} and {other.line} both say “{one.label}” to the same readers. Keep one."
            else:
                yield (
                    f"Lines {one.line} and {other.line} contradict: for the same answers “{one.label}” is said as "
                    f"“{one.kind}” and as “{other.kind}”. Change the “When” of one, so that both can't hold."
                )


def _unsaid(table: Table) -> Iterator[str]:
    """Say which places to stand nobody can come to, since an earlier rule takes everybody."""
    here = table.of_kind(Kind.HERE)
    for at, rule in enumerate(here):
        box = box_of(table, rule)
        taken = next((earlier for earlier in here[:at] if _holds_all(box_of(table, earlier), box)), None)
        if taken is not None:
            yield (
                f"Line {rule.line}: nobody comes to “{rule.label}”, since line {taken.line} takes all of them. "
                "Move it up, or narrow the other one."
            )


def _meet(one: Box, other: Box) -> bool:
    return all(one[name] & other[name] for name in one.keys() & other.keys())


def _holds_all(wide: Box, narrow: Box) -> bool:
    return all(narrow.get(name) is not None and narrow[name] <= allowed for name, allowed in wide.items())


def _renumbered(old: Question, question: Question) -> Sequence[tuple[str, str]]:
    was = {answer.number: answer.key for answer in old.answers}
    return [(was[a.number], a.key) for a in question.answers if was.get(a.number, a.key) != a.key]


def _letter_taken(question: Question, old: Question) -> str:
    return (
        f"Line {question.line}: the letter {question.letter} stood for “{old.key}” in an earlier version, and "
        f"addresses that people kept hold it. Give “{question.key}” a letter that no question had."
    )


def _number_taken(question: Question, was: str, now: str) -> str:
    return (
        f"Line {question.line}: “{now}” has a number that stood for “{was}” in an earlier version, and addresses that "
        "people kept hold it. Give it a number that no answer of this question had."
    )


_WHAT = {"number": "number", "key": "word"}
