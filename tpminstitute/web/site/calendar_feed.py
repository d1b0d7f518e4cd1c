"""A staff member's calendar, for the calendar program that knows its secret address; it asks for no account."""

from flask import abort, make_response, request
from werkzeug.wrappers import Response

from tpminstitute.core import tokens
from tpminstitute.today.calendar_feed import calendar_at
from tpminstitute.web.common import session, settings
from tpminstitute.web.site import site


@site.get("/calendar/<secret>.ics")
def calendar_feed(secret: str) -> Response:
    """Give out the calendar at a secret address; 304 while nothing in it changed, 404 for any other address."""
    content = calendar_at(session(), settings(), secret)
    if content is None:
        abort(404)
    answer = make_response(content)
    answer.mimetype = "text/calendar"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.set_etag(tokens.digest(content.decode("utf-8"))[:32])
    return answer.make_conditional(request)
