"""The settings that an administrator may change at the desk as well; the environment says what holds until then."""

import re
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import idna
from pydantic import BaseModel, BeforeValidator, field_validator, model_validator
from pydantic_settings import NoDecode

from tpminstitute.core import zones
from tpminstitute.core.text import visible

MINUTES_A_DAY = 1440
LONGEST_NAME = 80
"""Characters of the institute's name: it stands in front of every sender's address."""

LONGEST_LINES = 300
"""Characters of the postal address and of a signature."""

MOST_LINES = 6
LONGEST_PROMISE = 200
"""Working hours, five weeks of them."""

NINE_TO_FIVE = (9 * 60, 17 * 60)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_SPAN = re.compile(r"([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))? (\d{1,2}:\d{2})-(\d{1,2}:\d{2})")
_HOURS_HINT = "write it as Mon-Fri 09:00-17:00, several parts with commas between them"

WeeklyHours = dict[int, tuple[int, int]]
"""For each ISO weekday (Monday is 1) with hours: when they begin and end, in minutes of the day."""


def minute_of(text: str) -> int:
    """Return a reading such as ``09:30`` in minutes of the day, 24:00 being the end of it; raises `ValueError`."""
    found = _CLOCK.fullmatch(text.strip())
    if not found or int(found[2]) > 59 or int(found[1]) * 60 + int(found[2]) > MINUTES_A_DAY:
        raise ValueError("write a time of the day such as 09:30")
    return int(found[1]) * 60 + int(found[2])


def reading_of(minute: int) -> str:
    """Return a minute of the day as a clock shows it, such as ``09:30``."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _hours(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    hours: WeeklyHours = {}
    for part in value.split(","):
        found = _SPAN.fullmatch(part.strip())
        if not found or found[1] not in WEEKDAYS or (found[2] or found[1]) not in WEEKDAYS:
            raise ValueError(_HOURS_HINT)
        first, last = WEEKDAYS.index(found[1]) + 1, WEEKDAYS.index(found[2] or found[1]) + 1
        for day in range(first, last + 1):
            hours[day] = (minute_of(found[3]), minute_of(found[4]))
    return hours


def _minute(value: Any) -> Any:
    return minute_of(value) if isinstance(value, str) else value


def _open(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() not in ("on", "off"):
        raise ValueError("write on or off")
    return value.strip().lower() == "on" if isinstance(value, str) else value


def _whole_hours(value: Any) -> Any:
    text = str(value).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise ValueError("write a whole number of hours")
    return int(text)


class InstituteSettings(BaseModel):
    """Who the institute is, when it works, what it promises, and whether its guide takes comments."""

    institute_name: str = "TPM Institute"
    institute_email: str = "info@tpminstitute.org"
    institute_phone: str = "+1 (215) 430-2201"
    institute_time_zone: str = "America/New_York"
    postal_address: str = ""
    letter_signature: str = ""
    office_hours: Annotated[WeeklyHours, NoDecode, BeforeValidator(_hours)] = dict.fromkeys(
        range(1, 6), (9 * 60, 17 * 60)
    )
    promise_working_hours: Annotated[int, BeforeValidator(_whole_hours)] = 8
    promise_warn_hours: Annotated[int, BeforeValidator(_whole_hours)] = 2
    digest_minute: Annotated[int, BeforeValidator(_minute)] = 7 * 60
    comments_open: Annotated[bool, BeforeValidator(_open)] = True

    @property
    def institute_zone(self) -> ZoneInfo:
        """The clock that the institute lives by, and everybody of whom no other is known."""
        return ZoneInfo(self.institute_time_zone)

    @field_validator("institute_name")
    @classmethod
    def _named(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("write the institute's name: pages and mails begin with it")
        if len(name) > LONGEST_NAME:
            raise ValueError(f"shorten it to {LONGEST_NAME} characters: it has {len(name)}")
        return name.strip()

    @field_validator("institute_name", "institute_phone")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if len(text.splitlines()) > 1 or visible(text) != text:
            raise ValueError("write it on one line, in characters that can be seen")
        return text.strip()

    @field_validator("institute_phone")
    @classmethod
    def _a_number(cls, phone: str) -> str:
        if len(phone) > 60 or (phone and not any(char.isdigit() for char in phone)):
            raise ValueError("write a phone number of at most 60 characters, or leave it empty")
        return phone

    @field_validator("postal_address", "letter_signature")
    @classmethod
    def _few_lines(cls, text: str) -> str:
        lines = [line.rstrip() for line in text.strip().splitlines()]
        kept = "\n".join(lines)
        if len(kept) > LONGEST_LINES or len(lines) > MOST_LINES:
            raise ValueError(f"shorten it to {MOST_LINES} lines and {LONGEST_LINES} characters")
        if visible(kept) != kept:
            raise ValueError("write it in characters that can be seen")
        return kept

    @field_validator("institute_time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if zones.named(name) is None:
            raise ValueError("write it as the IANA database does, for example America/New_York or Europe/Berlin")
        return name

    @field_validator("institute_email")
    @classmethod
    def _mail_address(cls, address: str) -> str:
        if not address.strip():
            raise ValueError("write the address that visitors are told and notices go to")
        return checked_mail_address(address.strip())

    @field_validator("office_hours")
    @classmethod
    def _open_at_times(cls, hours: WeeklyHours) -> WeeklyHours:
        if not hours:
            raise ValueError("the office would never be open: give at least one weekday its hours")
        if any(day not in range(1, 8) for day in hours):
            raise ValueError("weekdays are numbers from 1, Monday, to 7, Sunday")
        if any(not 0 <= opens < closes <= MINUTES_A_DAY for opens, closes in hours.values()):
            raise ValueError("let the office close later than it opens, on the same day")
        return dict(sorted(hours.items()))

    @field_validator("promise_working_hours", "promise_warn_hours")
    @classmethod
    def _at_least_one(cls, hours: int) -> int:
        if not 1 <= hours <= LONGEST_PROMISE:
            raise ValueError(f"write a number of hours from 1 to {LONGEST_PROMISE}")
        return hours

    @field_validator("digest_minute")
    @classmethod
    def _within_a_day(cls, minute: int) -> int:
        if not 0 <= minute < MINUTES_A_DAY:
            raise ValueError("write a time of the day such as 07:00")
        return minute

    @model_validator(mode="after")
    def _warned_in_time(self) -> Self:
        if self.promise_warn_hours >= self.promise_working_hours:
            raise ValueError(
                "PROMISE_WARN_HOURS must be less than PROMISE_WORKING_HOURS: "
                "a warning comes before the promise ends and after it was made"
            )
        return self


def checked_mail_address(address: str) -> str:
    """Return an e-mail address that every mail server takes on its left side; raises `ValueError` for another."""
    local, _, domain = address.rpartition("@")
    if address and (not local or not domain or any(c.isspace() for c in address)):
        raise ValueError("write it as an e-mail address, for example info@tpminstitute.org")
    if not local.isascii():
        raise ValueError("write the part before the @ in ASCII: not every mail server takes another")
    try:
        idna.encode(domain or "example.org", uts46=True)
    except idna.IDNAError:
        raise ValueError("what follows the @ is no name that DNS can hold") from None
    return address
