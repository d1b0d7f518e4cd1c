"""Reminders as the desk shows them, and the form for one as it was typed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request

from tpminstitute.accounts.models import Account
from tpminstitute.core import clock, zones
from tpminstitute.pipeline.reminders import ReminderError, Wanted
from tpminstitute.pipeline.snoozing import Snooze, until
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.lookups import who_may_act

UNREAD = "Write a day and a time, such as 2026-11-24 09:00."
_TEXT = 2_000
"""Characters that are taken from the form; what is longer is refused with the rest still there."""


@dataclass
class ReminderForm:
    """What a reminder is to say, as it was typed: `due` by the institute's clock, `whom` an account's id."""

    text: str
    due: str
    whom: str
    number: int = 0
    errors: dict[str, str] = field(default_factory=dict)

    def wanted(self) -> Wanted:
        """Return what the form says; raises `ReminderError` for a time that can't be read."""
        due = read_moment(self.due, settings().institute_zone)
        if due is None:
            raise ReminderError("due", UNREAD)
        whom = int(self.whom) if self.whom.isascii() and self.whom.isdigit() and len(self.whom) < 10 else 0
        return Wanted(whom, due, self.text)


def typed_reminder() -> ReminderForm:
    """Return the form as it was sent."""
    number = request.form.get("number", "")
    return ReminderForm(
        text=request.form.get("text", "").replace("\r\n", "\n")[:_TEXT],
        due=request.form.get("due", "")[:40],
        whom=request.form.get("for", "")[:10],
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0,
    )


def empty_reminder() -> ReminderForm:
    """Return a form for a new reminder: for whoever writes it, tomorrow morning."""
    tomorrow = until(Snooze.TOMORROW, clock.now(), settings().institute_zone)
    return ReminderForm("", written_moment(tomorrow, settings().institute_zone), str(me().id))


def holders(also: int | None = None) -> Sequence[Account]:
    """Return whom a reminder may be for, by name; `also` is the account of whom it is for now."""
    able = list(who_may_act())
    if also is not None and also not in {account.id for account in able}:
        able.append(session().get_one(Account, also))
    return able


def read_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """Read a day and a time by the clock of `zone`, as a browser sends them, or None for what is none.

    One that the clock skips comes right after the change.
    """
    try:
        reading = datetime.fromisoformat(text.strip())
        return None if reading.tzinfo else zones.moment(zones.existing(reading, zone), zone)
    except (ValueError, OverflowError):
        return None


def written_moment(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment by the clock of `zone` as a browser's field for a day and a time takes it."""
    return f"{zones.reading(moment, zone):%Y-%m-%dT%H:%M}"


def is_long_over(due: datetime) -> bool:
    """Return whether a reminder was due a day ago or more."""
    return due < clock.now() - timedelta(days=1)
