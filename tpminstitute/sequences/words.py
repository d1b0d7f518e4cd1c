"""What a step says, in words: how long it waits, when it may go out, what it is about."""

from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any

from tpminstitute.contacts.topics import Topics
from tpminstitute.sequences.conditions import describe, parse
from tpminstitute.sequences.models import WaitUnit
from tpminstitute.sequences.plan_checks import StepDraft

MINUTES_A_DAY = 1440

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPOKEN = {"1234567": "any day", "12345": "weekdays", "67": "weekends"}
_UNITS = {WaitUnit.HOURS: "hour", WaitUnit.DAYS: "day", WaitUnit.WORKING_DAYS: "working day"}


def wait_of(step: StepDraft, *, first: bool = False) -> str:
    """Return when a step's mail follows, such as ``3 working days later``; `first` says that no mail is before it."""
    amount, unit = step.wait_amount or 0, step.wait_unit or WaitUnit.DAYS
    if unit is WaitUnit.BEFORE_COURSE:
        return f"{_counted(amount, 'day')} before the course begins"
    if not amount:
        return "at once" if first else "right after the mail before it"
    return f"{_counted(amount, _UNITS[unit])} {'after the start' if first else 'later'}"


def window_of(step: StepDraft) -> str:
    """Return when a step's mail may go out, such as ``weekdays 09:00–17:00 where they live``."""
    opens, closes = step.opens_minute or 0, step.closes_minute or 0
    days = _SPOKEN.get(step.days) or _day_names(step.days)
    if (opens, closes) == (0, MINUTES_A_DAY):
        return f"{days}, at any hour"
    return f"{days} {clock_of(opens)}–{clock_of(closes)} where they live"


def clock_of(minute: int) -> str:
    """Return a minute of the day as a clock shows it, such as ``09:00``; the day's end is ``24:00``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def about(keys: Collection[str], topics: Topics) -> str:
    """Return what a letter or a sequence is about, in the words of the contact form; "" when there is no topic."""
    if keys and {choice.key for choice in topics.offered} <= set(keys):
        return "anything"
    return listed([label for key, label in topics.labels.items() if key in keys])


def conditions_of(conditions: Iterable[Mapping[str, Any]], topics: Topics) -> str:
    """Return under which conditions a step's mail goes out; "" when there is none."""
    return listed([describe(condition, topics) for condition in parse([dict(condition) for condition in conditions])])


def listed(words: list[str]) -> str:
    """Return `words` as a list in a sentence, such as ``A, B and C``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _counted(amount: int, unit: str) -> str:
    return f"{amount} {unit}" if amount == 1 else f"{amount} {unit}s"


def _day_names(days: str) -> str:
    """Name the days, those that follow each other as a span: ``Mon–Thu``, ``Mon, Wed and Fri``."""
    numbers = [int(day) for day in days]
    if len(numbers) > 2 and all(later - earlier == 1 for earlier, later in pairwise(numbers)):
        return f"{_DAYS[numbers[0] - 1]}–{_DAYS[numbers[-1] - 1]}"
    return listed([_DAYS[number - 1] for number in numbers])
