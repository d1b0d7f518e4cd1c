"""The courses: what can be learned, when, and how to ask; the dates for calendar programs as well."""

from urllib.parse import urlsplit

from flask import abort, current_app, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from tpminstitute.core import tokens
from tpminstitute.courses.asking import key_of
from tpminstitute.courses.catalogue import PublicCourse
from tpminstitute.courses.feed import feed_of
from tpminstitute.courses.structured import course_as_json_ld
from tpminstitute.web.common import settings, shared
from tpminstitute.web.site import site


@site.get("/courses")
def courses() -> str:
    """Show what the guide says about learning, and the courses."""
    return render_template(
        "site/courses.html",
        page=current_app.extensions["tpm"].courses,
        courses=shared().courses.courses,
        dated=any(course.to_come for course in shared().courses.courses),
    )


@site.get("/courses/<slug>")
def course(slug: str) -> str | Response:
    """Show one course; a former address leads to the one that it has now."""
    found = _course(slug)
    if found.slug != slug:
        return redirect(url_for("site.course", slug=found.slug), 301)
    return render_template(
        "site/course.html",
        course=found,
        dates=found.to_come,
        key_of=key_of,
        # Escaped for the element that it stands in, which no template's escaping fits.
        json_ld=Markup(course_as_json_ld(settings(), found)),
    )


@site.get("/courses/<slug>.ics")
def course_calendar(slug: str) -> Response:
    """Give out the dates of one course for a calendar program."""
    found = _course(slug)
    return _calendar(feed_of(settings(), f"{found.title} · {settings().institute_name}", [found]))


@site.get("/courses.ics")
def courses_calendar() -> Response:
    """Give out the dates of every course for a calendar program."""
    return _calendar(feed_of(settings(), f"Courses · {settings().institute_name}", shared().courses.courses))


@site.app_template_filter("host_of")
def host_of(link: str) -> str:
    """Return where a link leads, as people read it: ``example.org``."""
    return (urlsplit(link).hostname or "").removeprefix("www.")


def _course(slug: str) -> PublicCourse:
    found = shared().courses.at(slug)
    if found is None:
        abort(404)
    return found


def _calendar(content: bytes) -> Response:
    answer = make_response(content)
    answer.mimetype = "text/calendar"
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.set_etag(tokens.digest(content.decode("utf-8"))[:32])
    return answer.make_conditional(request)
