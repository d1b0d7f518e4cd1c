"""The institute's calendar: when courses begin, and on which days no follow-up goes out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core import clock, zones
from tpminstitute.core.errors import Refusal
from tpminstitute.sequences import course_dates, holidays
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.messages import ROW_ID

UNREAD = "Write the day and the time, such as 20 April 2026, 09:00."
UNREAD_DAY = "Choose a day."


@dataclass
class Typed:
    """A form of the page as it was typed, and what has to be mended: `which` is the form, "" for none."""

    which: str = ""
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@staff.get("/calendar")
def calendar() -> str:
    """Show the dates of courses and the holidays of a year, `?year=`; `?federal=1` offers the federal ones."""
    return _page(Typed())


@staff.post("/calendar/courses")
@acting
@acts_once("This date was sent twice, and added once.")
def add_course() -> Response | tuple[str, int]:
    """Add a course's date."""

    def add(facts: course_dates.CourseFacts) -> int:
        course_dates.add_course_date(session(), facts, me().id)
        return 0

    return _course("course-new", add, "It was added.")


@staff.post(f"/calendar/courses/<{ROW_ID}:course_date_id>")
@acting
def change_course(course_date_id: int) -> Response | tuple[str, int]:
    """Rename a course, move it, or say whether it is full."""
    number = request.form.get("number", "")
    shown = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0

    def change(facts: course_dates.CourseFacts) -> int:
        return course_dates.change_course_date(session(), settings(), course_date_id, shown, facts, me().id)

    return _course(f"course-{course_date_id}", change, "Saved.")


@staff.post(f"/calendar/courses/<{ROW_ID}:course_date_id>/remove")
@acting
def remove_course(course_date_id: int) -> Response:
    """Remove a course's date that nothing leads up to."""
    try:
        course_dates.remove_course_date(session(), course_date_id, me().id)
        flash("It was removed.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.calendar"), 303)


@staff.post("/calendar/holidays")
@acting
def add_holiday() -> Response | tuple[str, int]:
    """Add a holiday."""
    typed = Typed("holiday", {name: request.form.get(name, "")[:200] for name in ("day", "name")})
    day = _day(typed.values["day"])
    if day is None:
        typed.errors["day"] = UNREAD_DAY
        return _page(typed), 422
    try:
        holidays.add_holiday(session(), day, typed.values["name"], me().id)
    except holidays.HolidayError as error:
        typed.errors[error.field] = str(error)
        return _page(typed), 422
    flash("It was added. No follow-up goes out on that day.", "success")
    return redirect(url_for("staff.calendar", year=day.year, _anchor="holidays"), 303)


@staff.post("/calendar/holidays/<day>/remove")
@acting
def remove_holiday(day: str) -> Response:
    """Remove a holiday."""
    removed = _day(day)
    year = removed.year if removed else None
    try:
        if removed is None:
            raise Refusal("There is no such day. Nothing was removed.")
        flash(f"“{holidays.remove_holiday(session(), removed, me().id)}” was removed.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.calendar", year=year, _anchor="holidays"), 303)


@staff.post("/calendar/federal")
@acting
def add_federal_holidays() -> Response:
    """Add the federal holidays of a year that were left ticked."""
    year = _year(request.form.get("year", ""))
    days = [day for text in request.form.getlist("day")[:50] if (day := _day(text)) is not None]
    added = holidays.add_federal_holidays(session(), year, days, me().id)
    flash(f"{added} {'holiday was' if added == 1 else 'holidays were'} added.", "success" if added else "warning")
    return redirect(url_for("staff.calendar", year=year, _anchor="holidays"), 303)


def _course(which: str, keep: Callable[[course_dates.CourseFacts], int], done: str) -> Response | tuple[str, int]:
    """Keep what was typed of a course, which tells how many mails moved, or show again what has to be mended."""
    typed = Typed(which, {name: request.form.get(name, "")[:200] for name in ("name", "begins", "full")})
    begins = _moment(typed.values["begins"])
    if begins is None:
        typed.errors["begins"] = UNREAD
        return _page(typed), 422
    try:
        moved = keep(course_dates.CourseFacts(typed.values["name"], begins, bool(typed.values["full"])))
    except course_dates.CourseError as error:
        typed.errors[error.field] = str(error)
        return _page(typed), 422
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return _page(Typed()), 409
    mails = "1 planned mail" if moved == 1 else f"{moved} planned mails"
    flash(f"{done} {mails} moved with it." if moved else done, "success")
    return redirect(url_for("staff.calendar"), 303)


def _page(typed: Typed) -> str:
    year = _year(request.args.get("year", ""))
    return render_template(
        "staff/calendar.html",
        courses=course_dates.course_dates(session()),
        now=clock.now(),
        zone=settings().institute_zone,
        reading=zones.reading,
        year=year,
        years=holidays.years(session()),
        holidays=holidays.holidays_of(session(), year),
        federal=holidays.missing_federal_holidays(session(), year) if request.args.get("federal") else None,
        typed=typed,
        longest_course=course_dates.LONGEST_NAME,
        longest_holiday=holidays.LONGEST_NAME,
        may_act=may_act(),
    )


def _year(text: str) -> int:
    """Return the year that is meant, this one for any that can't be looked at."""
    allowed = holidays.years(session())
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else 0
    return year if year in allowed else clock.now().astimezone(settings().institute_zone).year


def _moment(text: str) -> datetime | None:
    """Read a day and a time by the institute's clock, as a browser sends them; a skipped one comes right after."""
    try:
        reading = datetime.fromisoformat(text)
        if reading.tzinfo is not None:
            return None
        zone = settings().institute_zone
        return zones.moment(zones.existing(reading, zone), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
