"""The institute's holidays: days on which it doesn't work and no follow-up goes out."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.sequences.federal_holidays import FederalHoliday, federal_holidays
from tpminstitute.sequences.models import Holiday

LONGEST_NAME = 80
"""Characters of a holiday's name."""

YEARS_AHEAD = 10
"""How far ahead holidays are kept: what is planned later is planned again before it comes."""


class HolidayError(Refusal):
    """A holiday can't be kept as it is; `field` is what has to be mended."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say where and why."""
        super().__init__(sentence)
        self.field = field


def holidays_of(session: Session, year: int) -> list[Holiday]:
    """Return the holidays of a year, in order."""
    within = Holiday.day.between(date(year, 1, 1), date(year, 12, 31))
    return list(session.scalars(select(Holiday).where(within).order_by(Holiday.day)))


def days_off(session: Session) -> frozenset[date]:
    """Return the days of all holidays."""
    return frozenset(session.scalars(select(Holiday.day)))


def years(session: Session) -> range:
    """Return the years that may be looked at: from that of the first holiday, or this one, as far as one may plan."""
    this = clock.now().year
    first = session.scalar(select(Holiday.day).order_by(Holiday.day).limit(1))
    return range(min(first.year if first else this, this), this + YEARS_AHEAD + 1)


def add_holiday(session: Session, day: date, name: str, account_id: int) -> None:
    """Add a holiday; raises `HolidayError` for a name that can't be, a day that is one already, or too far away."""
    called = one_line(name, len(name))
    if not called:
        raise HolidayError("name", "Write which holiday it is.")
    if len(called) > LONGEST_NAME:
        raise HolidayError("name", f"Shorten the name: {LONGEST_NAME} characters are the most.")
    this = clock.now().year
    if not this - 1 <= day.year <= this + YEARS_AHEAD:
        raise HolidayError("day", f"Choose a day between {this - 1} and {this + YEARS_AHEAD}.")
    if not _put(session, day, called):
        kept = session.get_one(Holiday, day)
        raise HolidayError("day", f"{_told(day)} is a holiday already: “{kept.name}”. Nothing was added.")
    record_audit(session, "holiday_added", f"{day:%Y-%m-%d}, “{called}”", account_id=account_id)


def remove_holiday(session: Session, day: date, account_id: int) -> str:
    """Remove a holiday; returns its name. Raises `Refusal` when the day is none."""
    holiday = session.get(Holiday, day, with_for_update=True)
    if holiday is None:
        raise Refusal(f"{_told(day)} is no holiday any more. Nothing was removed.")
    record_audit(session, "holiday_removed", f"{day:%Y-%m-%d}, “{holiday.name}”", account_id=account_id)
    session.delete(holiday)
    session.flush()
    return holiday.name


def missing_federal_holidays(session: Session, year: int) -> list[FederalHoliday]:
    """Return the federal holidays of a year that are not in the list, for staff to look over."""
    kept = {holiday.day for holiday in holidays_of(session, year)}
    return [holiday for holiday in federal_holidays(year) if holiday.day not in kept]


def add_federal_holidays(session: Session, year: int, days: Collection[date], account_id: int) -> int:
    """Add those of a year's federal holidays that are among `days`; returns how many were new."""
    added = [h for h in federal_holidays(year) if h.day in days and _put(session, h.day, h.name)]
    for holiday in added:
        record_audit(session, "holiday_added", f"{holiday.day:%Y-%m-%d}, “{holiday.name}”", account_id=account_id)
    return len(added)


def _put(session: Session, day: date, name: str) -> bool:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    adding = insert(Holiday).values(day=day, name=name).on_conflict_do_nothing(index_elements=["day"])
    return session.scalar(adding.returning(Holiday.day)) is not None


def _told(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
