"""When a mail may go, by the clock of the place where somebody lives: waits and windows, pure, without a database.

What a clock shows (its reading) and moments are two things, and where a clock is changed the one doesn't give the
other (PEP 495). The rules here:

- A reading that doesn't exist, since the clock is set forward, stands for the first moment after it. A window that
  lies wholly in such an hour doesn't open on that date, and on a date that a place left out nothing opens.
- A reading that comes twice, since the clock is set back, stands for its first time. The second time every window is
  closed, one that is open all day as well, so that an hour is never counted twice: a mail waits until it is over.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tpminstitute.contacts.time_zones import WHERE_THEY_LIVE
from tpminstitute.core import zones
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences.models import WaitUnit

MINUTES_A_DAY = 1440
SEARCHED_DAYS = 400
"""How far ahead an opening is looked for: more than a year, so that each date of the calendar is met."""

LONGEST_WAIT = timedelta(days=731)
SHOWN_HOLIDAYS = 3
SHOWN_WEEKDAYS = 2

_DAY = timedelta(days=1)
_WEEKEND = frozenset({6, 7})
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class NeverOpens(Refusal):
    """A window that doesn't open within `SEARCHED_DAYS`; editing refuses it."""


@dataclass(frozen=True)
class Window:
    """When a mail may go: on `days` (ISO weekdays, Monday is 1), from `opens` until before `closes` (minutes of a day).

    Raises `Refusal` with a sentence when it never opens.
    """

    days: frozenset[int]
    opens: int
    closes: int

    def __post_init__(self) -> None:
        """Refuse a window that never opens."""
        if not self.days:
            raise Refusal("This mail would never go out: choose at least one weekday for it.")
        if not self.days <= frozenset(range(1, 8)):
            raise Refusal("Weekdays are numbers from 1, Monday, to 7, Sunday.")
        if self.opens < 0 or self.closes > MINUTES_A_DAY:
            raise Refusal("The hours of a mail lie within one day, from 00:00 to 24:00.")
        if self.opens >= self.closes:
            raise Refusal(
                f"This mail would never go out: its hours begin at {_clock(self.opens)} and end at "
                f"{_clock(self.closes)}. Let them end later than they begin."
            )


@dataclass(frozen=True)
class Wait:
    """How long to wait; 0 is not at all. Raises `Refusal` when it is negative or longer than two years."""

    amount: int
    unit: WaitUnit

    def __post_init__(self) -> None:
        """Refuse what can't be waited for."""
        one = timedelta(hours=1) if self.unit is WaitUnit.HOURS else _DAY
        _check_amount(self.amount, LONGEST_WAIT // one)


@dataclass(frozen=True)
class Reached:
    """Where a wait ends, in UTC, and a sentence where that isn't plain (a clock change, a holiday), else ""."""

    at: datetime
    why: str


@dataclass(frozen=True)
class Opening:
    """The moment a mail may go, in UTC, whether that is later than asked for, and the sentence why (else "")."""

    at: datetime
    moved: bool
    why: str


def earliest_after(
    moment: datetime,
    wait: Wait,
    zone: ZoneInfo,
    holidays: Set[date] = frozenset(),
    where: str = WHERE_THEY_LIVE,
) -> Reached:
    """Return the earliest moment `wait` after `moment`.

    Hours are time that passes. Days keep the reading of the clock in `zone`; working days do too, and count neither
    Saturdays, Sundays nor `holidays` (dates in `zone`). No wait is the moment itself, whatever its day. `where` says
    whose place `zone` is, for the sentence. Raises `ValueError` for `BEFORE_COURSE`, which `days_before` counts back.
    """
    if wait.unit is WaitUnit.BEFORE_COURSE:
        raise ValueError("A wait before a course is counted back from the course's date.")
    if wait.unit is WaitUnit.HOURS or not wait.amount:
        return Reached(moment.astimezone(UTC) + timedelta(hours=wait.amount), "")
    start = zones.reading(moment, zone)
    if wait.unit is WaitUnit.DAYS:
        return _reached(start + wait.amount * _DAY, zone, where)
    day, skipped = _working_days_after(start.date(), wait.amount, holidays)
    reached = _reached(datetime.combine(day, start.time()), zone, where)
    return Reached(reached.at, _joined(_holidays(skipped), reached.why))


def days_before(moment: datetime, days: int, zone: ZoneInfo, where: str = WHERE_THEY_LIVE) -> Reached:
    """Return the moment `days` before `moment`, as the start of a course, at the same reading of the clock in `zone`.

    Raises `Refusal` when `days` is negative or more than two years.
    """
    _check_amount(days, LONGEST_WAIT // _DAY)
    if not days:
        return Reached(moment.astimezone(UTC), "")
    return _reached(zones.reading(moment, zone) - days * _DAY, zone, where)


def is_open(moment: datetime, window: Window, zone: ZoneInfo, holidays: Set[date] = frozenset()) -> bool:
    """Return whether `window` is open at `moment` by the clock of `zone`; `holidays` are dates there."""
    local = zones.local(moment, zone)
    return (
        not local.fold
        and local.isoweekday() in window.days
        and window.opens <= local.hour * 60 + local.minute < window.closes
        and local.date() not in holidays
    )


def next_open(
    earliest: datetime,
    window: Window,
    zone: ZoneInfo,
    holidays: Set[date] = frozenset(),
    where: str = WHERE_THEY_LIVE,
) -> Opening:
    """Return the first moment from `earliest` on at which `window` is open by the clock of `zone`.

    `holidays` are dates in `zone`; `where` says whose place it is, for the sentence.
    Raises `NeverOpens` when that is more than `SEARCHED_DAYS` away.
    """
    if is_open(earliest, window, zone, holidays):
        return Opening(earliest.astimezone(UTC), False, "")
    start, first_day = zones.first_reading(earliest, zone), zones.local(earliest, zone).date()
    passed, absent = [], []
    for number in range(SEARCHED_DAYS):
        day = first_day + number * _DAY
        wanted, end = max(start, _on(day, window.opens)), _on(day, window.closes)
        reading = zones.existing(wanted, zone)
        if not _is_day(day, window, holidays) or wanted >= end:
            passed.append(day)
        elif reading >= end:
            absent.append(day)
        else:
            why = _joined(
                _why_not_then(earliest, window, zone, holidays, where),
                _weekdays({day.isoweekday() for day in passed} - window.days, window),
                _holidays([day for day in passed if day.isoweekday() in window.days and day in holidays]),
                *(f"On {_date(day)} the clock in {zone.key} skips the hours of this mail." for day in absent),
                _skips(wanted, zone, where) if reading != wanted else "",
            )
            return Opening(zones.moment(reading, zone), True, why)
    raise NeverOpens(
        f"This mail would not go out within {SEARCHED_DAYS} days: each of its days is a holiday. Give it more weekdays."
    )


# --- days ---------------------------------------------------------------------------------------------------


def _on(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minutes)


def _check_amount(amount: int, most: int) -> None:
    if amount < 0:
        raise Refusal("A wait can't be shorter than nothing: write 0 or more.")
    if amount > most:
        raise Refusal(f"A wait of more than two years would be forgotten by everybody: write {most} or less.")


def _is_day(day: date, window: Window, holidays: Set[date]) -> bool:
    return day.isoweekday() in window.days and day not in holidays


def _working_days_after(day: date, amount: int, holidays: Set[date]) -> tuple[date, list[date]]:
    """The date `amount` working days after `day`, and the holidays that were met on the way."""
    skipped = []
    while amount:
        day += _DAY
        if day.isoweekday() in _WEEKEND:
            continue
        if day in holidays:
            skipped.append(day)
        else:
            amount -= 1
    return day, skipped


def _reached(reading: datetime, zone: ZoneInfo, where: str) -> Reached:
    existing = zones.existing(reading, zone)
    why = ""
    if existing != reading:
        why = _skips(reading, zone, where)
    elif zones.comes_twice(reading, zone):
        why = f"{_in_words(reading)} comes twice {where} ({zone.key}), and it is the first."
    return Reached(zones.moment(existing, zone), why)


# --- sentences ----------------------------------------------------------------------------------------------


def _why_not_then(earliest: datetime, window: Window, zone: ZoneInfo, holidays: Set[date], where: str) -> str:
    """Why a mail doesn't go at `earliest` itself, though it might go on that day."""
    local = zones.local(earliest, zone)
    if not _is_day(local.date(), window, holidays):
        return ""
    place = f"{where} ({zone.key})"
    if window.opens <= local.hour * 60 + local.minute < window.closes:
        return f"{_in_words(local)} comes twice {place}, and only the first time counts."
    hours = f"{_clock(window.opens)} to {_clock(window.closes)}"
    return f"{_in_words(local)} {place} is outside the hours of this mail, {hours}."


def _weekdays(closed: set[int], window: Window) -> str:
    if not closed:
        return ""
    if len(closed) > SHOWN_WEEKDAYS:
        return f"This mail goes out on {_listed([_WEEKDAYS[day - 1] for day in sorted(window.days)])} only."
    verb = "is" if len(closed) == 1 else "are"
    return f"{_listed([_WEEKDAYS[day - 1] for day in sorted(closed)])} {verb} outside the days of this mail."


def _holidays(days: list[date]) -> str:
    if not days:
        return ""
    if len(days) > SHOWN_HOLIDAYS:
        return f"{len(days)} holidays lie between, the first on {_date(days[0])}."
    return f"{_listed([_date(day) for day in days])} {'is a holiday' if len(days) == 1 else 'are holidays'}."


def _skips(reading: datetime, zone: ZoneInfo, where: str) -> str:
    return f"{_in_words(reading)} doesn't exist {where} ({zone.key}): the clock is set forward then."


def _in_words(reading: datetime) -> str:
    return f"{reading:%H:%M} on {_date(reading)}"


def _date(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {day:%B}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
