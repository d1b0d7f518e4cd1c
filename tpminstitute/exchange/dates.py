"""Dates as spreadsheets and other services write them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tpminstitute.core import zones

_NUMBERS = re.compile(
    r"(?P<a>\d{1,4})[./-](?P<b>\d{1,2})[./-](?P<c>\d{2,4})"
    r"(?:[ ,T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_WORDS = re.compile(
    r"(?:(?P<day>\d{1,2})\.? (?P<month>[^\W\d]{3,9})\.?|(?P<month2>[^\W\d]{3,9})\.? (?P<day2>\d{1,2})),? "
    r"(?P<year>\d{4})"
    r"(?:,? (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))? ?(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)
_MILLISECONDS = re.compile(r"\d{12,13}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nobody was a contact of anybody's by e-mail before; an empty date of many programs is 1970 or 1900."""


def read_date(text: str, day_first: bool, zone: ZoneInfo) -> datetime | None:
    """Return the moment that `text` means, or None when it is no date.

    Parameters: `day_first`, whether 3/4/2026 is the third of April; `zone`, whose clock a time without a zone is by.
    """
    text = " ".join(text.split())
    reading = _iso(text) or _milliseconds(text) or _numbers(text, day_first) or _words(text)
    if reading is None or reading.year < EARLIEST.year:
        return None
    if reading.tzinfo is None:
        reading = zones.moment(zones.existing(reading, zone), zone)
    return reading.astimezone(UTC)


def find_day_first(values: Iterable[str], guess: bool) -> bool:
    """Return whether days stand before months, as far as the `values` tell; `guess` where they don't."""
    for value in values:
        found = _NUMBERS.match(value.strip())
        if found and len(found["a"]) <= 2 and "." not in value[:6]:
            if int(found["a"]) > 12:
                return True
            if int(found["b"]) > 12:
                return False
    return guess


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


def _milliseconds(text: str) -> datetime | None:
    """Return a moment that is written as milliseconds since 1970, as some services' interfaces do."""
    if not _MILLISECONDS.fullmatch(text):
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))


def _numbers(text: str, day_first: bool) -> datetime | None:
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return None
    if len(found["a"]) == 4:
        year, month, day = int(found["a"]), int(found["b"]), int(found["c"])
    else:
        first, second, year = int(found["a"]), int(found["b"]), int(found["c"])
        by_day = day_first or "." in text[:6]
        day, month = (first, second) if by_day else (second, first)
    return _reading(year if year > 99 else 2000 + year, month, day, found)


def _words(text: str) -> datetime | None:
    found = _WORDS.fullmatch(text)
    if found is None:
        return None
    word = (found["month"] or found["month2"])[:3].lower()
    if word not in _MONTHS:
        return None
    return _reading(int(found["year"]), _MONTHS.index(word) + 1, int(found["day"] or found["day2"]), found)


def _reading(year: int, month: int, day: int, found: re.Match[str]) -> datetime | None:
    hour = int(found["hour"] or 0)
    if found["half"]:
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    try:
        return datetime(year, month, day, hour, int(found["minute"] or 0), int(found["second"] or 0))  # noqa: DTZ001
    except ValueError:
        return None
