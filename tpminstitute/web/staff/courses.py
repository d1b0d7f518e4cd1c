"""Courses at the desk: listed, written, shown to visitors or not; readers only look."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from tpminstitute.contacts.topics import topics_of
from tpminstitute.courses import editing, queries
from tpminstitute.courses.dates import zone_of
from tpminstitute.courses.editing import CourseProblems, CourseText, StaleText
from tpminstitute.courses.prose import as_html
from tpminstitute.courses.words import when_in_words, where_in_words
from tpminstitute.inbox import waiting_list
from tpminstitute.sequences.models import Course, CourseDate
from tpminstitute.web.common import kept, session, settings
from tpminstitute.web.staff import settings_pages, staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.settings_pages import number_sent

DIRECTIONS = {"up": -1, "down": 1}
LONGEST_TYPED = 20_000
"""Characters of a field that come back to be shortened."""


@dataclass
class CourseForm:
    """A course's form as it was typed; `number` is the one of the page, `kept` what a colleague saved meanwhile."""

    text: CourseText
    number: int = 0
    errors: dict[str, str] = field(default_factory=dict)
    kept: CourseText | None = None


@staff.get("/courses")
def courses() -> str:
    """Show every course, when its next date is, and how many wait for it."""
    waits: dict[int, int] = {}
    for (course_id, _), found in waiting_list.count_waiting(session()).items():
        waits[course_id] = waits.get(course_id, 0) + found
    every = queries.every_course(session())
    return render_template(
        "staff/courses.html",
        courses=[course for course in every if course.archived_at is None],
        archived=[course for course in every if course.archived_at is not None],
        dates=queries.next_dates(session()),
        waits=waits,
        may_act=may_act(),
    )


@staff.get("/courses/new")
@acting
def new_course() -> str:
    """Show the form of a course that is to be."""
    return _form_page(CourseForm(CourseText("", "")), None)


@staff.post("/courses/new")
@acting
def add_course_text() -> Response | tuple[str, int]:
    """Add a course, hidden until somebody publishes it."""
    form = _typed()
    try:
        added = editing.add_course(session(), form.text, me().id)
    except CourseProblems as problems:
        form.errors = dict(problems.fields)
        return _form_page(form, None), 422
    kept().forget()
    flash("It was added. Visitors see it once it is published.", "success")
    return redirect(url_for("staff.course", course_id=added.id), 303)


@staff.get(f"/courses/<{ROW_ID}:course_id>")
def course(course_id: int) -> str:
    """Show one course: what visitors read, its dates, and who waits."""
    return course_page(course_or_404(course_id))


@staff.get(f"/courses/<{ROW_ID}:course_id>/edit")
@acting
def edit_course(course_id: int) -> str:
    """Show the form of a course."""
    found = course_or_404(course_id)
    return _form_page(CourseForm(editing.text_of(found), found.number), found)


@staff.post(f"/courses/<{ROW_ID}:course_id>/edit")
@acting
def save_course(course_id: int) -> Response | tuple[str, int]:
    """Keep a course as it was typed; what a colleague saved in between is shown beside it."""
    found, form = course_or_404(course_id), _typed()
    try:
        changed = editing.change_course(session(), course_id, form.number, form.text, me().id)
    except CourseProblems as problems:
        form.errors = dict(problems.fields)
        return _form_page(form, found), 422
    except StaleText as refusal:
        form.kept, form.number = editing.text_of(refusal.kept), refusal.kept.number
        return _form_page(form, found), 409
    kept().forget()
    flash("Saved." if changed else "It says so already. Nothing was changed.", "success")
    return redirect(url_for("staff.course", course_id=course_id), 303)


@staff.post(f"/courses/<{ROW_ID}:course_id>/publish")
@acting
def publish_course(course_id: int) -> Response:
    """Show a course to visitors."""
    return change(course_id, "It is published.", lambda s: editing.publish(s, course_id, me().id))


@staff.post(f"/courses/<{ROW_ID}:course_id>/hide")
@acting
def hide_course(course_id: int) -> Response:
    """Show it to visitors no longer."""
    done = "It is hidden. Its dates and who waits are kept."
    return change(course_id, done, lambda s: editing.hide(s, course_id, me().id))


@staff.post(f"/courses/<{ROW_ID}:course_id>/archive")
@acting
def archive_course(course_id: int) -> Response:
    """Put it away."""
    done = "It is in the archive. Its dates and who waits are kept."
    return change(course_id, done, lambda s: editing.archive(s, course_id, me().id))


@staff.post(f"/courses/<{ROW_ID}:course_id>/restore")
@acting
def restore_course(course_id: int) -> Response:
    """Take it out of the archive."""
    done = "It is out of the archive, and hidden until it is published."
    return change(course_id, done, lambda s: editing.restore(s, course_id, me().id))


@staff.post(f"/courses/<{ROW_ID}:course_id>/move/<direction>")
@acting
def move_course(course_id: int, direction: str) -> Response:
    """Move it up or down on the page."""
    if direction not in DIRECTIONS:
        abort(404)
    course_or_404(course_id)
    places = DIRECTIONS[direction]
    return settings_pages.change(
        "It was moved.", "staff.courses", lambda s: editing.move(s, course_id, places, me().id)
    )


def change(course_id: int, done: str, act: Callable[[Session], object], anchor: str | None = None) -> Response:
    """Do something with a course, say `done` or why not, and lead back to its page."""
    course_or_404(course_id)
    return settings_pages.change(done, "staff.course", act, course_id=course_id, _anchor=anchor)


def course_or_404(course_id: int) -> Course:
    """Return a course, or end the request where there is none."""
    found = session().get(Course, course_id)
    if found is None:
        abort(404)
    return found


def course_page(found: Course, refused: tuple[int, str, str] | None = None) -> str:
    """Return a course's page; `refused` is a wait's id, the reason that was typed, and why it wasn't taken."""
    waiting = waiting_list.who_waits(session(), found.id)
    return render_template(
        "staff/course.html",
        course=found,
        as_html=as_html,
        topic_label=topics_of(session()).label(found.topic),
        dates=queries.dates_of(session(), found.id),
        spare=queries.dates_without_course(session()),
        waiting=waiting,
        of_date=waiting_list.of_date,
        refused=refused,
        longest_why=waiting_list.LONGEST_WHY,
        public_url=settings().public_url,
        zone=settings().institute_zone,
        may_act=may_act(),
    )


@staff.app_template_filter("course_when")
def course_when(date: CourseDate) -> str:
    """Return from when to when a date goes, by its own clock."""
    return when_in_words(date.begins_at, date.ends_at, zone_of(date))


@staff.app_template_filter("course_where")
def course_where(date: CourseDate) -> str:
    """Return where a date takes place, '' where that isn't said."""
    return where_in_words(date.online, date.place)


def _typed() -> CourseForm:
    def said(name: str) -> str:
        return request.form.get(name, "")[:LONGEST_TYPED].replace("\r\n", "\n")

    text = CourseText(
        said("title"), said("topic"), said("for_whom"), said("learns"), said("link"), said("slug").strip()
    )
    return CourseForm(text, number_sent())


def _form_page(form: CourseForm, found: Course | None) -> str:
    return render_template(
        "staff/course_edit.html",
        course=found,
        form=form,
        topics=topics_of(session()).offered_beside([form.text.topic]),
        longest_title=editing.LONGEST_TITLE,
        longest_text=editing.LONGEST_TEXT,
        longest_link=editing.LONGEST_LINK,
        longest_slug=editing.LONGEST_SLUG,
        public_url=settings().public_url,
    )
