"""Reports: inquiries, answers, leads, follow-ups and people, as plots with the table under them, and as CSV."""

from datetime import date, timedelta
from typing import Any

from flask import Response as FlaskResponse
from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.sheets import csv_lines
from tpminstitute.institute.promise import Promise
from tpminstitute.reports.answers import answers_report
from tpminstitute.reports.follow_ups import follow_up_lines
from tpminstitute.reports.funnel import funnel_report
from tpminstitute.reports.inquiries import inquiry_report
from tpminstitute.reports.periods import Period, Piece, period, weeks_until
from tpminstitute.reports.workload import workload
from tpminstitute.today.queries import promise_in
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.report_sheets import (
    MOST_BARS,
    Sheet,
    answer_sheets,
    follow_up_sheets,
    inquiry_sheets,
    lead_sheets,
    people_sheets,
)

REPORTS = {
    "inquiries": "Inquiries",
    "answers": "First answers",
    "leads": "Leads",
    "follow-ups": "Follow-ups",
    "people": "People",
}

LONGEST = timedelta(days=366 * 5)
"""Days that one report looks at."""


@staff.get("/reports")
def reports() -> Response:
    """Lead to the first report."""
    return redirect(url_for("staff.report", name="inquiries"))


@staff.get("/reports/<name>")
def report(name: str) -> str | tuple[str, int]:
    """Show one report; `?from=`, `?until=` and `?by=` choose the time, the last twelve weeks by default."""
    if name not in REPORTS:
        abort(404)
    chosen, problem = _chosen()
    page = render_template(
        "staff/report.html",
        name=name,
        title=REPORTS[name],
        tabs=[
            {"label": label, "href": url_for("staff.report", name=key, **_place()), "current": key == name}
            for key, label in REPORTS.items()
        ],
        chosen=chosen,
        pieces=Piece,
        problem=problem,
        sheets=_sheets(name, chosen),
        promise=_promised() if name == "answers" else "",
        place=_place(),
        most_bars=MOST_BARS,
    )
    return (page, 422) if problem else page


@staff.get("/reports/<name>/<key>.csv")
def report_sheet(name: str, key: str) -> FlaskResponse:
    """Hand out one table of a report as CSV."""
    chosen, problem = _chosen()
    if name not in REPORTS or problem:
        abort(404)
    sheet = next((sheet for sheet in _sheets(name, chosen) if sheet.key == key), None)
    if sheet is None:
        abort(404)
    lines = csv_lines(sheet.heading, ([str(cell) for cell in row] for row in sheet.rows))
    answer = FlaskResponse("".join(lines), mimetype="text/csv")
    file = f"{name}-{key}-{chosen.first}-{chosen.last}.csv"
    answer.headers["Content-Disposition"] = f"attachment; filename={file}"
    return answer


def _sheets(name: str, chosen: Period) -> list[Sheet]:
    match name:
        case "inquiries":
            return inquiry_sheets(inquiry_report(session(), chosen), chosen)
        case "answers":
            promise = promise_in(session(), settings())
            return answer_sheets(answers_report(session(), chosen, promise), chosen, _hours(promise))
        case "leads":
            return lead_sheets(funnel_report(session(), chosen), chosen)
        case "follow-ups":
            return follow_up_sheets(follow_up_lines(session(), chosen))
        case _:
            return people_sheets(workload(session(), chosen))


def _promised() -> str:
    hours = _hours(promise_in(session(), settings()))
    return f"{hours:g} working {'hour' if hours == 1 else 'hours'}"


def _hours(promise: Promise) -> float:
    return promise.working_time.total_seconds() / 3600


def _place() -> dict[str, Any]:
    return {name: request.args[name] for name in ("from", "until", "by") if name in request.args}


def _chosen() -> tuple[Period, str]:
    """Return the period that the address asks for, or the usual one with a sentence that says what is wrong."""
    zone = settings().institute_zone
    usual = weeks_until(clock.now().astimezone(zone).date(), zone)
    try:
        first = _day("from", usual.first)
        last = _day("until", usual.last)
        piece = Piece(request.args.get("by") or Piece.WEEK)
        if last - first > LONGEST:
            raise Refusal("That is more than five years. Choose a shorter time.")
        return period(first, last, piece, zone), ""
    except Refusal as refusal:
        return usual, str(refusal)
    except ValueError:
        return usual, "This time can't be read. Write days like 2026-03-09, and by day, week or month."


def _day(name: str, usual: date) -> date:
    text = request.args.get(name, "").strip()
    found = date.fromisoformat(text) if text else usual
    if not date(2000, 1, 1) <= found <= date(2100, 1, 1):
        raise Refusal("Choose days between 2000 and 2100.")
    return found
