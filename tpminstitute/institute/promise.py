"""The reply promise: within how much working time whoever waits for the institute gets an answer."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tpminstitute.core.config import Settings
from tpminstitute.institute.office_hours import Hours, OfficeHours, began_at, due_at, working_time_between


@dataclass(frozen=True)
class Promise:
    """An answer within `working_time`, by the office's `hours`; the last `warn_before` of it is at risk."""

    working_time: timedelta
    warn_before: timedelta
    hours: OfficeHours

    def due_at(self, since: datetime) -> datetime:
        """Return when the promise to who waits since then is due, in UTC."""
        return due_at(since, self.working_time, self.hours)

    def as_if_since(self, due: datetime) -> datetime:
        """Return since when somebody waits at most to whom the promise is due by `due`: `due_at` the other way round.

        By it what is due at a time of its own finds its place among those who wait.
        """
        return began_at(due, self.working_time, self.hours)

    def at_risk_since(self, now: datetime) -> datetime:
        """Return since when somebody waits at most whose promise is at risk by `now`, or broken."""
        return began_at(now, self.working_time - self.warn_before, self.hours)

    def is_at_risk(self, due: datetime, now: datetime) -> bool:
        """Return whether so little working time is left until `due`, which is still to come."""
        return working_time_between(now, due, self.hours) <= self.warn_before


def promise_of(settings: Settings, holidays: Set[date]) -> Promise:
    """Return the promise that the settings make; `holidays` are the days on which the office stays closed."""
    week = {day: Hours(opens, closes) for day, (opens, closes) in settings.office_hours.items()}
    return Promise(
        timedelta(hours=settings.promise_working_hours),
        timedelta(hours=settings.promise_warn_hours),
        OfficeHours(settings.institute_zone, week, holidays),
    )
