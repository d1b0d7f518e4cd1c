"""A plan while it is being typed: its steps as fields, kept as they were typed, and turned into drafts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from tpminstitute.sequences.models import WaitUnit
from tpminstitute.sequences.plan_checks import MOST_STEPS, Problem, StepDraft
from tpminstitute.sequences.words import MINUTES_A_DAY, clock_of

MOST_ROWS = MOST_STEPS + 1
"""Steps that a page takes, one more than may be saved, so that too many are told and none is lost unsaid."""

WEEKDAYS = {"1": "Mon", "2": "Tue", "3": "Wed", "4": "Thu", "5": "Fri", "6": "Sat", "7": "Sun"}
UNITS = {
    WaitUnit.HOURS: "hours",
    WaitUnit.DAYS: "days",
    WaitUnit.WORKING_DAYS: "working days",
    WaitUnit.BEFORE_COURSE: "days before the course",
}
REPLIES = {"": "whether they replied or not", "replied": "have replied", "not_replied": "haven't replied"}

SINGLE = ("number", "letter_key", "wait", "unit", "opens", "closes", "tags", "not_tags", "replied")
SEVERAL = ("days", "topics", "wrote", "stages", "backgrounds")
CHOICES = {"topic": "wrote", "stage": "stages", "background": "backgrounds"}
TAGS = {"tagged": "tags", "not_tagged": "not_tags"}
"""The fields of the conditions, by their kind (`sequences.conditions`)."""

LONGEST_TEXT = 200
"""Characters taken of a field."""

PLACES = {"days": "days-1", "hours": "opens", "conditions": "for", "topics": "for"}
"""Where a problem's link leads whose field has another name than the problem."""


@dataclass
class TypedStep:
    """The fields of one step, as they were typed; `row` names them apart on the page, wherever the step stands."""

    row: int
    number: str = ""
    letter_key: str = ""
    wait: str = "3"
    unit: str = WaitUnit.WORKING_DAYS.value
    opens: str = "09:00"
    closes: str = "17:00"
    tags: str = ""
    not_tags: str = ""
    replied: str = ""
    days: list[str] = field(default_factory=lambda: list("12345"))
    topics: list[str] = field(default_factory=list)
    wrote: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    backgrounds: list[str] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    focus: str = ""
    """Which of its controls the page begins at, if any."""

    def id_of(self, name: str) -> str:
        """Return the name of a field on the page, which is its id as well."""
        return f"step-{self.row}-{name}"

    @property
    def is_for_some(self) -> bool:
        """Whether it says anything about for whom it is."""
        chosen = (self.topics, self.wrote, self.stages, self.backgrounds, self.replied, self.tags, self.not_tags)
        return any(chosen) or bool({"conditions", "topics"} & self.errors.keys())

    def draft(self) -> StepDraft:
        """Return the step as it would be saved; what can't be read is None."""
        closes = _minute(self.closes)
        return StepDraft(
            letter_key=self.letter_key,
            wait_amount=_whole(self.wait),
            wait_unit=WaitUnit(self.unit) if self.unit in set(WaitUnit) else None,
            days="".join(day for day in WEEKDAYS if day in self.days),
            opens_minute=_minute(self.opens),
            closes_minute=MINUTES_A_DAY if closes == 0 else closes,
            conditions=tuple(self._conditions()),
            topics=tuple(dict.fromkeys(self.topics)),
            number=_whole(self.number),
        )

    def _conditions(self) -> Iterator[dict[str, Any]]:
        for kind, name in CHOICES.items():
            if chosen := getattr(self, name):
                yield {"kind": kind, "one_of": list(dict.fromkeys(chosen))}
        for kind, name in TAGS.items():
            yield from ({"kind": kind, "tag": tag} for tag in _words(getattr(self, name)))
        if self.replied:
            yield {"kind": self.replied}

    def read_conditions(self, conditions: Iterable[Mapping[str, Any]]) -> None:
        """Fill the fields in with stored conditions."""
        for condition in conditions:
            kind = condition["kind"]
            if kind in CHOICES:
                setattr(self, CHOICES[kind], list(condition["one_of"]))
            elif kind in TAGS:
                name = TAGS[kind]
                setattr(self, name, ", ".join(filter(None, (getattr(self, name), condition["tag"]))))
            else:
                self.replied = kind


class TypedPlan:
    """The steps of a plan as they stand on the page."""

    def __init__(self, steps: list[TypedStep]) -> None:
        self.steps = steps
        self.general: list[str] = []
        """What has to be mended in the plan as a whole."""
        self.says = ""
        """What the last button did, for who can't see it."""

    @classmethod
    def of(cls, steps: Iterable[StepDraft]) -> "TypedPlan":
        """Return the fields of a plan that is kept."""
        return cls([_typed(row, step) for row, step in enumerate(steps)])

    @classmethod
    def sent(cls, form: "MultiDict[str, str]") -> "TypedPlan":
        """Return the fields that a page sent, whatever they hold."""
        rows = [row for text in form.getlist("row") if (row := _whole(text)) is not None]
        return cls([_sent(row, form) for row in list(dict.fromkeys(rows))[:MOST_ROWS]])

    def topics(self) -> set[str]:
        """Return the topics that are ticked anywhere, some of which may be archived by now."""
        return {key for step in self.steps for key in (*step.topics, *step.wrote)}

    def drafts(self) -> list[StepDraft]:
        """Return the plan as it would be saved."""
        return [step.draft() for step in self.steps]

    def show(self, problems: Row[Problem]) -> None:
        """Put each problem's sentence to its field."""
        for problem in problems:
            if problem.position:
                self.steps[problem.position - 1].errors.setdefault(problem.field, []).append(problem.sentence)
            else:
                self.general.append(problem.sentence)

    @property
    def summary(self) -> list[tuple[str, str]]:
        """Every sentence, with the id of the field that it is about."""
        told = [("", sentence) for sentence in self.general]
        for place, step in enumerate(self.steps, 1):
            for name, sentences in step.errors.items():
                told += [(step.id_of(PLACES.get(name, name)), f"Mail {place}: {sentence}") for sentence in sentences]
        return told

    def press(self, button: str) -> None:
        """Add a mail, remove one or move one, as a button such as ``up-2`` says; any other changes nothing."""
        what, _, text = button.partition("-")
        at = next((at for at, step in enumerate(self.steps) if str(step.row) == text), None)
        if what == "add" and len(self.steps) < MOST_ROWS:
            self.steps.append(TypedStep(self._free_row(), focus="letter_key"))
            self.says = f"Mail {len(self.steps)} was added."
        elif what == "remove" and at is not None:
            del self.steps[at]
            self.says = f"Mail {at + 1} was taken out."
            if self.steps:
                self.steps[min(at, len(self.steps) - 1)].focus = "legend"
        elif what in ("up", "down") and at is not None:
            to = at + (1 if what == "down" else -1)
            if 0 <= to < len(self.steps):
                self.steps[at].focus = what
                self.steps[at], self.steps[to] = self.steps[to], self.steps[at]
                self.says = f"It is mail {to + 1} now."

    def _free_row(self) -> int:
        taken = {step.row for step in self.steps}
        return next(row for row in range(len(taken) + 1) if row not in taken)


def _typed(row: int, step: StepDraft) -> TypedStep:
    closes = step.closes_minute or 0
    typed = TypedStep(
        row=row,
        number="" if step.number is None else str(step.number),
        letter_key=step.letter_key,
        wait=str(step.wait_amount),
        unit=(step.wait_unit or WaitUnit.DAYS).value,
        opens=clock_of(step.opens_minute or 0),
        closes=clock_of(closes % MINUTES_A_DAY),
        days=list(step.days),
        topics=list(step.topics),
    )
    typed.read_conditions(step.conditions)
    return typed


def _sent(row: int, form: "MultiDict[str, str]") -> TypedStep:
    step = TypedStep(row)
    for name in SINGLE:
        setattr(step, name, form.get(step.id_of(name), "").strip()[:LONGEST_TEXT])
    for name in SEVERAL:
        setattr(step, name, form.getlist(step.id_of(name)))
    return step


def _whole(text: str) -> int | None:
    """Read a whole number of at most nine digits, which may be negative."""
    sign, digits = (-1, text[1:]) if text[:1] in ("-", "\u2212") else (1, text)
    return sign * int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _minute(text: str) -> int | None:
    """Read a time such as ``09:00``, as browsers send it; midnight at the end may be ``24:00``."""
    found = re.fullmatch(r"(\d{1,2}):(\d\d)(?::00)?", text, re.ASCII)
    if found is None or int(found[2]) > 59:
        return None
    minute = int(found[1]) * 60 + int(found[2])
    return minute if minute <= MINUTES_A_DAY else None


def _words(text: str) -> list[str]:
    return [tag for part in text.split(",") if (tag := part.strip())]
