"""The dates of a course at the desk: added, moved, full and free again, taken back."""

from dataclasses import dataclass, field

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core import zones
from tpminstitute.core.errors import Refusal
from tpminstitute.courses import dates
from tpminstitute.courses.dates import DateText, StaleDate
from tpminstitute.courses.editing import CourseProblems
from tpminstitute.inbox import waiting_list
from tpminstitute.sequences.models import Course, CourseDate
from tpminstitute.web.common import kept, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.courses import LONGEST_TYPED, change, course_or_404
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.settings_pages import number_sent

DATE = f"/courses/<{ROW_ID}:course_id>/dates/<{ROW_ID}:date_id>"


@dataclass
class DateForm:
    """A date's form as it was typed; `number` is the one of the page, `kept` what a colleague saved meanwhile."""

    text: DateText
    number: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    kept: CourseDate | None = None


@staff.get(f"/courses/<{ROW_ID}:course_id>/dates/new")
@acting
def new_date(course_id: int) -> str:
    """Show the form of a date that is to be, by the institute's clock."""
    return _form_page(course_or_404(course_id), DateForm(DateText("", "", settings().institute_zone.key)), None)


@staff.post(f"/courses/<{ROW_ID}:course_id>/dates/new")
@acting
@acts_once("This date was sent twice, and added once.")
def add_date(course_id: int) -> Response | tuple[str, int]:
    """Add a date; visitors see it at once if the course is published."""
    found, form = course_or_404(course_id), _typed()
    try:
        dates.add_date(session(), course_id, form.text, me().id)
    except CourseProblems as problems:
        form.errors = dict(problems.fields)
        return _form_page(found, form, None), 422
    return _saved(course_id, "The date was added.")


@staff.get(DATE)
@acting
def edit_date(course_id: int, date_id: int) -> str:
    """Show the form of a date."""
    date = _date_or_404(course_id, date_id)
    return _form_page(course_or_404(course_id), DateForm(dates.text_of(date), date.number), date)


@staff.post(DATE)
@acting
def save_date(course_id: int, date_id: int) -> Response | tuple[str, int]:
    """Keep a date as it was typed; mails that hang on it move along, and what a colleague saved is shown beside it."""
    found, date, form = course_or_404(course_id), _date_or_404(course_id, date_id), _typed()
    try:
        moved = dates.change_date(session(), settings(), course_id, date_id, form.number, form.text, me().id)
    except CourseProblems as problems:
        form.errors = dict(problems.fields)
        return _form_page(found, form, date), 422
    except StaleDate as refusal:
        form.kept, form.number = refusal.kept, refusal.kept.number
        return _form_page(found, form, date), 409
    mails = "1 planned mail" if moved == 1 else f"{moved} planned mails"
    return _saved(course_id, f"Saved. {mails} moved with it." if moved else "Saved.")


@staff.post(f"{DATE}/full")
@acting
def fill_date(course_id: int, date_id: int) -> Response:
    """Say that the last place went."""
    done = "It is full. Visitors can join the waiting list, and follow-ups that lead up to it have ended."
    return change(
        course_id, done, lambda s: dates.say_full(s, settings(), course_id, date_id, True, me().id), f"date-{date_id}"
    )


@staff.post(f"{DATE}/free")
@acting
def free_date(course_id: int, date_id: int) -> Response:
    """Say that a place is free again."""
    done = "A place is free again. Nobody who waits was written to: that is for a person to do."
    return change(
        course_id, done, lambda s: dates.say_full(s, settings(), course_id, date_id, False, me().id), f"date-{date_id}"
    )


@staff.post(f"{DATE}/remove")
@acting
def remove_date(course_id: int, date_id: int) -> Response:
    """Take a date back; who waits for it waits for the next one."""
    course_or_404(course_id)
    try:
        waiting = waiting_list.remove_date(session(), course_id, date_id, me().id)
    except Refusal as refusal:
        session().rollback()
        flash(str(refusal), "warning")
        return redirect(url_for("staff.course", course_id=course_id), 303)
    told = "One person waits" if waiting == 1 else f"{waiting} people wait"
    return _saved(course_id, f"The date is gone. {told} for the next one now." if waiting else "The date is gone.")


@staff.post(f"/courses/<{ROW_ID}:course_id>/dates/take-over")
@acting
def take_over_date(course_id: int) -> Response:
    """Make a date of the calendar one of this course; what leads up to it still does."""
    text = request.form.get("date", "")
    date_id = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    done = "It is a date of this course now."
    return change(course_id, done, lambda s: dates.take_over(s, settings(), course_id, date_id, me().id))


def _saved(course_id: int, done: str) -> Response:
    kept().forget()
    flash(done, "success")
    return redirect(url_for("staff.course", course_id=course_id), 303)


def _date_or_404(course_id: int, date_id: int) -> CourseDate:
    date = session().get(CourseDate, date_id)
    if date is None or date.course_id != course_id:
        abort(404)
    return date


def _typed() -> DateForm:
    def said(name: str) -> str:
        return request.form.get(name, "")[:LONGEST_TYPED]

    text = DateText(
        begins=said("begins")[:40],
        ends=said("ends")[:40],
        time_zone=said("time_zone")[:60],
        online="online" in request.form,
        place=said("place"),
        places=said("places")[:20],
        cost=said("cost")[:10],
        fee=said("fee"),
        link=said("link"),
    )
    return DateForm(text, number_sent())


def _form_page(found: Course, form: DateForm, date: CourseDate | None) -> str:
    ours = settings().institute_zone.key
    return render_template(
        "staff/course_date.html",
        course=found,
        form=form,
        date=date,
        zones=sorted({*zones.places(), "UTC", ours, form.text.time_zone} - {""}),
        ours=ours,
        longest_place=dates.LONGEST_PLACE,
        longest_fee=dates.LONGEST_FEE,
        most_places=dates.MOST_PLACES,
    )
