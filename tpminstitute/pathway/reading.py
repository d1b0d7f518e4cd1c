"""Read the pathway check's table from its text, or say line by line what can't be read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tpminstitute.contacts.models import Background
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, without_hidden
from tpminstitute.guide.chapters import CONTENT
from tpminstitute.pathway.table import Answer, Condition, Kind, Question, Rule, Table

SHIPPED = CONTENT / "pathway.md"
LONGEST_TEXT = 60_000
LONGEST_LABEL = 80
LONGEST_WORDS = 300
MOST_QUESTIONS = 20
MOST_RULES = 150
"""The limits of a table: characters of it, of a label, of a sentence; questions; rules."""

_QUESTION = re.compile(r"Question ([A-Z]), ([a-z]+)")
_RULE = re.compile(rf"({'|'.join(Kind)}): (\S.*)")
_FIELD = re.compile(r"([A-Z][a-z]+(?: [a-z]+)?): *(.*)")
_ANSWER = re.compile(r"([1-9]) ([a-z]+): (\S.*)")
_CONDITION = re.compile(r"([a-z]+) is (not )?([a-z]+(?: or [a-z]+)*)")
_OF_QUESTION = {"Ask", "Chapter", "Choose"}
_OF_RULE = {"When", "Why", "Guide", "Passage"}
_BACKGROUNDS = {one.value.replace("_", " "): one for one in Background}


class TableProblem(Refusal):
    """A table can't be used; `sentences` say why, each with its line where there is one."""

    def __init__(self, sentences: Sequence[str]) -> None:
        """Say all of `sentences`."""
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


@dataclass
class _Block:
    line: int
    head: str
    fields: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)


def shipped_text(path: Path = SHIPPED) -> str:
    """Return the table as it is shipped. Raises `TableProblem` when its file can't be read."""
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise TableProblem([f"{path} can't be read. Put it back, or save it again as UTF-8."]) from None


def tidy(text: str) -> str:
    """Return a table's text as it is kept: Unix line ends, no hidden characters, nothing at the ends of lines."""
    plain = without_hidden(text.replace("\r\n", "\n").replace("\r", "\n"))
    return "\n".join(line.rstrip() for line in plain.strip().split("\n")) + "\n"


def read_table(text: str) -> Table:
    """Read a table from its text; whether it can be used is said by `checks`.

    Raises `TableProblem` with a sentence for each line that can't be read.
    """
    if len(text) > LONGEST_TEXT:
        raise TableProblem([f"Shorten the table to {LONGEST_TEXT:,} characters: it has {len(text):,}."])
    problems: list[str] = []
    questions: list[Question] = []
    rules: list[Rule] = []
    for block in _blocks(text, problems):
        if match := _QUESTION.fullmatch(block.head):
            questions.append(_question(block, match[1], match[2], problems))
        elif match := _RULE.fullmatch(block.head):
            rules.append(_rule(block, Kind(match[1]), match[2], problems))
        else:
            problems.append(_says(block.line, f"“{one_line(block.head, 40)}” begins no question and no rule. {_HEADS}"))
    if len(questions) > MOST_QUESTIONS or len(rules) > MOST_RULES:
        problems.append(f"Keep to {MOST_QUESTIONS} questions and {MOST_RULES} rules.")
    if problems:
        raise TableProblem(problems)
    return Table(tuple(questions), tuple(rules))


def _blocks(text: str, problems: list[str]) -> Iterator[_Block]:
    """Yield what stands under each heading; what stands above the first, and each line after a “#”, is a remark."""
    block: _Block | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("## "):
            if block is not None:
                yield block
            block = _Block(number, line[3:].strip())
        elif block is not None and line.strip() and not line.startswith("# "):
            _add_line(block, number, line.strip(), problems)
    if block is not None:
        yield block


def _add_line(block: _Block, number: int, line: str, problems: list[str]) -> None:
    if match := _ANSWER.fullmatch(line):
        block.answers.append(Answer(int(match[1]), match[2], match[3]))
        _measure(number, match[3], LONGEST_WORDS, problems)
    elif (match := _FIELD.fullmatch(line)) and match[1] not in block.fields:
        block.fields[match[1]] = match[2]
        _measure(number, match[2], LONGEST_WORDS, problems)
    else:
        problems.append(_says(number, f"“{one_line(line, 40)}” is no line of a question or a rule, or stands twice."))


def _measure(line: int, words: str, longest: int, problems: list[str]) -> None:
    if len(words) > longest:
        problems.append(_says(line, f"Shorten this to {longest} characters: it has {len(words)}."))


def _question(block: _Block, letter: str, key: str, problems: list[str]) -> Question:
    _expect(block, _OF_QUESTION, {"Ask", "Chapter"}, problems)
    choose = block.fields.get("Choose", "one")
    if choose not in ("one", "any"):
        problems.append(_says(block.line, "Write “Choose: one” or “Choose: any”."))
    words, chapter = block.fields.get("Ask", ""), block.fields.get("Chapter", "")
    return Question(letter, key, words, chapter, tuple(block.answers), choose == "any", block.line)


def _rule(block: _Block, kind: Kind, label: str, problems: list[str]) -> Rule:
    allowed = _OF_RULE | ({"Counts as"} if kind is Kind.HERE else set())
    _expect(block, allowed, {"Why", "Guide", "Passage"}, problems)
    _measure(block.line, label, LONGEST_LABEL, problems)
    if block.answers:
        problems.append(_says(block.line, "A rule has no answers of its own. Take its numbered lines out."))
    counts = block.fields.get("Counts as", "")
    if counts and counts not in _BACKGROUNDS:
        problems.append(_says(block.line, f"“Counts as” knows {', '.join(_BACKGROUNDS)}, and nothing else."))
    return Rule(
        kind,
        label,
        tuple(_conditions(block, problems)),
        block.fields.get("Why", ""),
        block.fields.get("Guide", ""),
        block.fields.get("Passage", ""),
        _BACKGROUNDS.get(counts),
        block.line,
    )


def _conditions(block: _Block, problems: list[str]) -> Iterator[Condition]:
    when = block.fields.get("When", "")
    for part in when.split(";") if when else ():
        match = _CONDITION.fullmatch(" ".join(part.split()))
        if match:
            yield Condition(match[1], tuple(match[3].split(" or ")), bool(match[2]))
        else:
            problems.append(_says(block.line, f"“{one_line(part, 60)}” can't be read. {_WHEN}"))


def _expect(block: _Block, allowed: set[str], needed: set[str], problems: list[str]) -> None:
    for name in block.fields.keys() - allowed:
        problems.append(_says(block.line, f"“{block.head}” has a line “{name}”, which doesn't belong there."))
    for name in sorted(needed - {name for name, value in block.fields.items() if value}):
        problems.append(_says(block.line, f"“{block.head}” has no line “{name}: …”. Write it."))


def _says(line: int, sentence: str) -> str:
    return f"Line {line}: {sentence}"


_HEADS = "Write “## Question A, word”, or one of “## " + ": …”, “## ".join(Kind) + ": …”."
_WHEN = "Write such as “When: education is degree or other; projects is not several”."
