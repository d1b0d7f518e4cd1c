"""Links of follow-ups that are counted, and the note on what we keep."""

import structlog
from flask import abort, redirect, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from tpminstitute.core.tokens import BadToken
from tpminstitute.sequences.clicks import any_counts, count_click, read_address
from tpminstitute.web.common import database, reason_of, session, settings
from tpminstitute.web.site import site

log = structlog.get_logger(__name__)


@site.get("/go/<token>")
def go(token: str) -> Response:
    """Lead on to where a follow-up's link points, and count it where staff turned that on; HEAD counts nothing.

    The address is signed, so it leads to nothing but what stood in a mail of ours. A reader comes on even while the
    database is away.
    """
    try:
        link = read_address(settings(), token)
    except BadToken:
        abort(404)
    if request.method == "GET":
        try:
            with database().write() as writing:
                count_click(writing, link)
        except SQLAlchemyError as problem:
            log.warning("click_not_counted", reason=reason_of(problem))
    answer = redirect(link.url, 302)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


@site.get("/privacy")
def privacy() -> str:
    """Say what the institute keeps of who writes to it, and what it doesn't watch."""
    return render_template("site/privacy.html", counts_clicks=any_counts(session()))
