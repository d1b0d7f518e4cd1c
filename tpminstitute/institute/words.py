"""The settings' names and values, as people read them."""

from typing import Any

from tpminstitute.core.institute_settings import WEEKDAYS, WeeklyHours, reading_of

LABELS = {
    "institute_name": "Name",
    "institute_email": "E-mail address",
    "institute_phone": "Phone",
    "institute_time_zone": "Time zone",
    "postal_address": "Postal address",
    "letter_signature": "Signature of automatic letters",
    "office_hours": "Office hours",
    "promise_working_hours": "Reply promise in working hours",
    "promise_warn_hours": "Warning before the promise ends, in working hours",
    "digest_minute": "Morning digest",
    "comments_open": "Comments on the guide",
}


def shown(name: str, value: Any) -> str:
    """Return a setting's value as it stands by itself, '' for none; an address keeps its lines."""
    return value if isinstance(value, str) else in_words(name, value)


def in_words(name: str, value: Any) -> str:
    """Return a setting's value as a sentence can hold it, such as ``“TPM Institute”`` or ``Mon–Fri 09:00–17:00``."""
    if name == "office_hours":
        return written_hours(value)
    if name == "digest_minute":
        return reading_of(value)
    if isinstance(value, bool):
        return "open" if value else "closed"
    if isinstance(value, int):
        return str(value)
    return f"“{', '.join(value.splitlines())}”" if value else "nothing"


def written_hours(hours: WeeklyHours) -> str:
    """Return weekly hours as people write them, neighbours with the same hours together."""
    parts: list[tuple[int, int, tuple[int, int]]] = []
    for day, span in sorted(hours.items()):
        if parts and parts[-1][1] == day - 1 and parts[-1][2] == span:
            parts[-1] = (parts[-1][0], day, span)
        else:
            parts.append((day, day, span))
    return ", ".join(
        f"{WEEKDAYS[first - 1]}{f'–{WEEKDAYS[last - 1]}' if last > first else ''} "
        f"{reading_of(opens)}–{reading_of(closes)}"
        for first, last, (opens, closes) in parts
    )
