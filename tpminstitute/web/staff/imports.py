"""Bringing contacts in from a file: the file, its columns, the dry run, the run, the report, the way back."""

from flask import Response as FlaskResponse
from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.accounts.audit import record_audit
from tpminstitute.core.errors import Refusal
from tpminstitute.core.sheets import csv_lines
from tpminstitute.exchange import imports as steps
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.imports import LARGEST_FILE, REVERT_DAYS
from tpminstitute.exchange.models import AT_WORK, Import, ImportState
from tpminstitute.exchange.progress import progress_of, report_of
from tpminstitute.exchange.queries import (
    import_by_public_id,
    imports_page,
    problem_sheet,
    problems_page,
)
from tpminstitute.exchange.records import shown
from tpminstitute.exchange.source import KIND_NAMES
from tpminstitute.web.common import database, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, may_act, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.import_columns import chosen_columns, columns_view
from tpminstitute.web.staff.import_views import PROBLEM_KINDS, STATES
from tpminstitute.web.staff.uploads import brought


@staff.get("/imports")
def imports() -> str:
    """Show the imports, newest first, and the form that brings a file; `?before=` turns the page."""
    return _list()


@staff.post("/imports", endpoint="bring_file")
@acting
@acts_once("This file was sent twice, and kept once.")
def bring_file() -> Response | tuple[str, int]:
    """Take a file; it is received by `uploads.receive_file`, before this."""
    try:
        found = brought()
    except Refusal as refusal:
        return _list(str(refusal)), 422
    job = steps.begin(session(), settings(), found.path, found.name, found.choices, me().id)
    return _to(job)


@staff.get("/imports/<public_id>")
def one_import(public_id: str) -> str:
    """Show how an import stands, and what can be done next; `?after=` turns the page of its problems."""
    return _page(_found(public_id))


@staff.get("/imports/<public_id>/progress")
def import_progress(public_id: str) -> str:
    """Show how far an import is, as a piece of its page."""
    job = _found(public_id)
    return render_template("staff/_import_progress.html", job=job, progress=progress_of(job))


@staff.get("/imports/<public_id>/problems")
@acting
@asks_password
def import_problems(public_id: str) -> FlaskResponse:
    """Hand out the rows with problems as CSV, to be mended and brought again."""
    job = _found(public_id)
    with database().write() as writing:
        record_audit(writing, "import_problems_exported", f"import {job.public_id}", account_id=me().id)
    heading, rows = problem_sheet(database(), public_id)
    answer = FlaskResponse(csv_lines(heading, rows), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"problems-{job.public_id[:8]}.csv")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@staff.post("/imports/<public_id>/columns")
@acting
def choose_columns(public_id: str) -> Response | tuple[str, int]:
    """Keep what the columns are, and let the dry run begin."""
    job = _found(public_id)
    choices = chosen_columns(steps.file_of(settings(), job), job)
    try:
        steps.choose(session(), job, choices)
    except Refusal as refusal:
        return _columns_page(job, problem=str(refusal), tried=True), 422
    return _to(job)


@staff.post("/imports/<public_id>/columns/again")
@acting
def choose_columns_again(public_id: str) -> Response:
    """Go back from the dry run to the columns."""
    job = _found(public_id)
    steps.choose_again(session(), job)
    return _to(job)


@staff.post("/imports/<public_id>/run")
@acting
def run_import(public_id: str) -> Response:
    """Let it run."""
    job = _found(public_id)
    steps.run(session(), job, me().id)
    return _to(job)


@staff.post("/imports/<public_id>/revert")
@acting
def revert_import(public_id: str) -> Response:
    """Take the whole import back."""
    job = _found(public_id)
    steps.revert(session(), job, me().id)
    return _to(job)


@staff.post("/imports/<public_id>/discard")
@acting
def discard_import(public_id: str) -> Response:
    """Remove an import that wasn't run, with its file."""
    job = _found(public_id)
    name = job.file_name
    steps.discard(session(), settings(), job, me().id)
    flash(f"“{name}” was removed. Nothing of it was imported.", "success")
    return redirect(url_for("staff.imports"), 303)


def _list(problem: str = "") -> str:
    listing = imports_page(session(), id_argument("before"))
    return render_template(
        "staff/imports.html",
        rows=listing.rows,
        older_url=url_for("staff.imports", before=listing.older) if listing.older else None,
        states=STATES,
        problem=problem,
        may=may_act(),
        largest=LARGEST_FILE,
    )


def _page(job: Import) -> str:
    if job.state is ImportState.CHOOSING and may_act() and steps.file_of(settings(), job).exists():
        return _columns_page(job)
    page = problems_page(session(), job, _place(request.args.get("after", "")))
    return render_template(
        "staff/import.html",
        job=job,
        progress=progress_of(job),
        at_work=job.state in AT_WORK,
        report=report_of(job),
        state=STATES[job.state],
        kind=KIND_NAMES[from_json(job.choices).layout.kind],
        choices=from_json(job.choices),
        lacks=steps.lacks_of_consent(from_json(job.choices)),
        problems=[(row, [shown(cell) for cell in row.cells if cell.strip()]) for row in page.rows],
        problem_kinds=PROBLEM_KINDS,
        more_url=_after_url(job, page.after),
        first_url=url_for("staff.one_import", public_id=job.public_id) if "after" in request.args else None,
        days=REVERT_DAYS,
        may=may_act(),
    )


def _columns_page(job: Import, problem: str = "", tried: bool = False) -> str:
    file = steps.file_of(settings(), job)
    return render_template("staff/import_columns.html", problem=problem, **columns_view(file, job, tried))


def _after_url(job: Import, after: tuple[int, int] | None) -> str | None:
    if after is None:
        return None
    return url_for("staff.one_import", public_id=job.public_id, after=f"{after[0]}-{after[1]}", _anchor="problems")


def _place(text: str) -> tuple[int, int] | None:
    """Return a line and an id from the address, or None for anything else."""
    line, _, row_id = text.partition("-")
    if all(part.isascii() and part.isdigit() and len(part) < 10 for part in (line, row_id)):
        return int(line), int(row_id)
    return None


def _found(public_id: str) -> Import:
    job = import_by_public_id(session(), public_id)
    if job is None:
        abort(404)
    return job


def _to(job: Import) -> Response:
    return redirect(url_for("staff.one_import", public_id=job.public_id), 303)
