"""The federal holidays of the United States, by rule.

Source: 5 U.S.C. § 6103. A holiday on a Saturday is kept on the Friday before it (§ 6103 (b)), one on a Sunday on the
Monday after it (Executive Order 11582, § 3 (a)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

MONDAY, THURSDAY = 0, 3
NEW_YEAR = "New Year's Day"
_WEEK = timedelta(days=7)
_INSTEAD = {5: timedelta(days=-1), 6: timedelta(days=1)}
"""When a Saturday's and a Sunday's holiday is kept."""


@dataclass(frozen=True)
class FederalHoliday:
    """A day on which the offices of the United States are closed, and why."""

    day: date
    name: str


def federal_holidays(year: int) -> list[FederalHoliday]:
    """Return the days of a year that are federal holidays, and those on which one is kept instead, in order.

    The first of January of the next year may be kept on the last day of this one. Juneteenth counts from 2021 on, the
    year it was made a holiday; the other rules hold since 1986.
    """
    rules = {name: rule for name, rule in _RULES.items() if year >= _SINCE.get(name, year)}
    found = [FederalHoliday(rule(year), name) for name, rule in rules.items()]
    next_new_year = FederalHoliday(date(year + 1, 1, 1), NEW_YEAR)
    instead = [
        FederalHoliday(holiday.day + _INSTEAD[holiday.day.weekday()], f"{holiday.name} (observed)")
        for holiday in (*found, next_new_year)
        if holiday.day.weekday() in _INSTEAD
    ]
    return sorted((h for h in (*found, *instead) if h.day.year == year), key=lambda holiday: holiday.day)


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _nth(month: int, weekday: int, number: int) -> Callable[[int], date]:
    """The rule for the `number`-th such weekday of a month."""

    def rule(year: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7) + (number - 1) * _WEEK

    return rule


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


_RULES: dict[str, Callable[[int], date]] = {
    NEW_YEAR: _fixed(1, 1),
    "Birthday of Martin Luther King, Jr.": _nth(1, MONDAY, 3),
    "Washington's Birthday": _nth(2, MONDAY, 3),
    "Memorial Day": _last_monday_of_may,
    "Juneteenth": _fixed(6, 19),
    "Independence Day": _fixed(7, 4),
    "Labor Day": _nth(9, MONDAY, 1),
    "Columbus Day": _nth(10, MONDAY, 2),
    "Veterans Day": _fixed(11, 11),
    "Thanksgiving Day": _nth(11, THURSDAY, 4),
    "Christmas Day": _fixed(12, 25),
}
_SINCE = {"Juneteenth": 2021}
