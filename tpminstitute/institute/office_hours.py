"""Working time: when the institute is at work by its own clock, and when so much of it has passed.

Pure reckoning. Working time is time that really passes while the office is open, so an hour that a clock skips counts
nothing and one that it shows twice counts twice, if the office is open through it. Opening and closing are readings of
the institute's clock: one that it skips stands for the first moment after the change, one that it shows twice for its
first time.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tpminstitute.core import zones
from tpminstitute.core.errors import Refusal

MINUTES_A_DAY = 1440
SEARCHED_DAYS = 400
"""How far an opening is looked for: more than a year, so that each date of the calendar is met."""

_DAY = timedelta(days=1)
_NONE = timedelta()
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class NeverOpen(Refusal):
    """There are no office hours to reckon with."""


@dataclass(frozen=True)
class Hours:
    """When the office is open on a day: from `opens` until before `closes`, in minutes of the day.

    Raises `Refusal` with a sentence for hours that are none.
    """

    opens: int
    closes: int

    def __post_init__(self) -> None:
        """Refuse hours that are none."""
        if self.opens < 0 or self.closes > MINUTES_A_DAY:
            raise Refusal("Office hours lie within one day, from 00:00 to 24:00.")
        if self.opens >= self.closes:
            raise Refusal("The office would never be open: let it close later than it opens.")


@dataclass(frozen=True)
class OfficeHours:
    """When the institute is at work: `week` by ISO weekday (Monday is 1), not on `holidays`, by the clock of `zone`.

    Raises `NeverOpen` for a week without hours.
    """

    zone: ZoneInfo
    week: Mapping[int, Hours]
    holidays: Set[date] = frozenset()
    _openings: dict[date, tuple[datetime, datetime]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Reckoned once: a list of promises asks for the same few days again and again."""

    def __post_init__(self) -> None:
        """Refuse a week without hours."""
        if not self.week:
            raise NeverOpen("The office would never be open: give at least one weekday its hours.")
        if not self.week.keys() <= set(range(1, 8)):
            raise Refusal("Weekdays are numbers from 1, Monday, to 7, Sunday.")


@dataclass(frozen=True)
class Standing:
    """Whether the office is open, until when (in UTC), and that as a sentence for people."""

    is_open: bool
    until: datetime
    sentence: str


def due_at(since: datetime, working_time: timedelta, hours: OfficeHours) -> datetime:
    """Return the first moment, in UTC, by which `working_time` has passed since `since`.

    No working time is `since` itself, whatever the hour. Raises `NeverOpen` when that isn't within `SEARCHED_DAYS`.
    """
    since, left = since.astimezone(UTC), working_time
    if left <= _NONE:
        return since
    for start, end in _from(since, hours):
        if end - start >= left:
            return start + left
        left -= end - start
    raise _never()


def began_at(until: datetime, working_time: timedelta, hours: OfficeHours) -> datetime:
    """Return the last moment, in UTC, since which `working_time` has passed by `until`: `due_at` the other way round.

    What began then or earlier was due by `until`, whatever began later wasn't. Raises `NeverOpen` as `due_at` does.
    """
    until, left = until.astimezone(UTC), working_time
    if left <= _NONE:
        return until
    for start, end in _back_from(until, hours):
        if end - start >= left:
            return end - left
        left -= end - start
    raise _never()


def working_time_between(first: datetime, last: datetime, hours: OfficeHours) -> timedelta:
    """Return how much working time passes from `first` to `last`; none where `last` isn't later."""
    first, last, passed = first.astimezone(UTC), last.astimezone(UTC), _NONE
    day = zones.local(first, hours.zone).date() - _DAY
    while day <= zones.local(last, hours.zone).date():
        start, end = _opening(day, hours)
        passed += max(min(end, last) - max(start, first), _NONE)
        day += _DAY
    return passed


def standing_at(moment: datetime, hours: OfficeHours) -> Standing:
    """Return whether the office is open at `moment`, and until when it stays so.

    The sentence is such as ``Open until 17:00.`` or ``Closed until Monday 9:00.``, by the institute's clock. Raises
    `NeverOpen` when it doesn't open within `SEARCHED_DAYS`.
    """
    for start, end in _from(moment.astimezone(UTC), hours):
        if start <= moment:
            return Standing(True, end, f"Open until {_clock(end, hours)}.")
        return Standing(False, start, f"Closed until {_day_and_clock(start, moment, hours)}.")
    raise _never()


# --- openings -----------------------------------------------------------------------------------------------


def _from(moment: datetime, hours: OfficeHours) -> Iterator[tuple[datetime, datetime]]:
    """The openings from `moment` on, the one that it lies in from `moment` only."""
    first = zones.local(moment, hours.zone).date() - _DAY  # a clock set back at midnight shows the day before again
    for number in range(SEARCHED_DAYS):
        start, end = _opening(first + number * _DAY, hours)
        if max(start, moment) < end:
            yield max(start, moment), end


def _back_from(moment: datetime, hours: OfficeHours) -> Iterator[tuple[datetime, datetime]]:
    """The openings until `moment`, the newest first, the one that it lies in until `moment` only."""
    last = zones.local(moment, hours.zone).date() + _DAY
    for number in range(SEARCHED_DAYS):
        start, end = _opening(last - number * _DAY, hours)
        if start < min(end, moment):
            yield start, min(end, moment)


def _opening(day: date, hours: OfficeHours) -> tuple[datetime, datetime]:
    """When the office opens and closes on `day`; at once where it stays closed."""
    if day not in hours._openings:
        hours._openings[day] = _reckoned(day, hours)
    return hours._openings[day]


def _reckoned(day: date, hours: OfficeHours) -> tuple[datetime, datetime]:
    open_on = hours.week.get(day.isoweekday())
    if open_on is None or day in hours.holidays:
        return _at(day, 0, hours.zone), _at(day, 0, hours.zone)
    return _at(day, open_on.opens, hours.zone), _at(day, open_on.closes, hours.zone)


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    reading = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return zones.moment(zones.existing(reading, zone), zone)


def _never() -> NeverOpen:
    return NeverOpen(
        f"The office isn't open for long enough within {SEARCHED_DAYS} days. Give the week more hours, or look at the "
        "holidays."
    )


# --- sentences ----------------------------------------------------------------------------------------------


def _clock(moment: datetime, hours: OfficeHours) -> str:
    shown = zones.local(moment, hours.zone)
    return f"{shown.hour}:{shown:%M}"


def _day_and_clock(moment: datetime, now: datetime, hours: OfficeHours) -> str:
    day, today = zones.local(moment, hours.zone).date(), zones.local(now, hours.zone).date()
    if day == today:
        return f"today {_clock(moment, hours)}"
    if day - today <= 6 * _DAY:
        return f"{_WEEKDAYS[day.weekday()]} {_clock(moment, hours)}"
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {day:%B}, {_clock(moment, hours)}"
