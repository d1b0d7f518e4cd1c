"""What is sensitive asks for the password again, if it was given a while ago."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import redirect, render_template, request, url_for
from flask import session as browser_session
from werkzeug.wrappers import Response

from tpminstitute.core import clock
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.own_pages import own_page
from tpminstitute.web.staff.passwords import NOT_IT, Attempt, is_password_of

FRESH_FOR = timedelta(minutes=15)
GIVEN_AT = "fs_paa"
"""Where Flask-Security keeps when the password was given, in seconds."""

FIELD = "confirm_password"


def asks_password(view: Callable[..., Any]) -> Callable[..., Any]:
    """Open a view only to who gave the password in the last quarter of an hour.

    Others are asked for it: what a form carried is carried along, so that nothing is typed twice.
    """

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if is_fresh():
            return view(*args, **kwargs)
        if request.method != "POST":
            return redirect(url_for("staff.confirm_password", next=request.full_path))
        if FIELD not in request.form:
            return _ask(""), 403
        problem = _give(request.form[FIELD])
        return (_ask(problem), 403) if problem else view(*args, **kwargs)

    return guarded


def is_fresh() -> bool:
    """Return whether the password was given lately."""
    given = browser_session.get(GIVEN_AT)
    age = clock.now().timestamp() - given if isinstance(given, int | float) else None
    return age is not None and age < FRESH_FOR.total_seconds()


@staff.get("/confirm")
def confirm_password() -> str:
    """Ask for the password; `?next=` is the page that needs it."""
    return _page("", {"next": request.args.get("next", "")}, url_for("staff.take_password"))


@staff.post("/confirm")
def take_password() -> Response | tuple[str, int]:
    """Take the password and go on to the page that needed it."""
    problem = _give(request.form.get(FIELD, ""))
    if problem:
        return _page(problem, {"next": request.form.get("next", "")}, url_for("staff.take_password")), 422
    return redirect(own_page(request.form.get("next", "")), 303)


def _give(password: str) -> str:
    """Take a password; returns what is wrong with it, '' for nothing."""
    attempt = Attempt("password", f"account {me().id}", me().id)
    if attempt.wait:
        return attempt.wait
    if not is_password_of(me(), password):
        return NOT_IT
    attempt.succeeded()
    browser_session[GIVEN_AT] = clock.now().timestamp()
    return ""


def _ask(problem: str) -> str:
    carried = [(name, value) for name, value in request.form.items(multi=True) if name not in (FIELD, "csrf_token")]
    return _page(problem, carried, request.full_path.rstrip("?"))


def _page(problem: str, carried: Any, action: str) -> str:
    pairs = list(carried.items()) if isinstance(carried, dict) else carried
    return render_template("staff/confirm.html", problem=problem, carried=pairs, action=action, field=FIELD)
