"""Going through what was set apart: released or marked as spam from the list, one by one or many at once."""

from collections.abc import Callable, Sequence

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import service
from tpminstitute.inbox.models import Inquiry
from tpminstitute.inbox.queries import PAGE
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, me
from tpminstitute.web.staff.undo import offer_undo

NOTHING_TICKED = "Nothing was ticked, so nothing was changed. Tick some, or press the buttons of one."


@staff.post("/inquiries/judge")
@acting
def judge_inquiries() -> Response:
    """Say of one inquiry (`release` or `spam` is its id), or of the ticked ones (`do`, `inquiry`), what they are."""
    verb, ids = _asked()
    if verb not in ("release", "spam"):
        abort(400)
    if not ids:
        flash(NOTHING_TICKED, "warning")
    elif verb == "release":
        done = _each(ids, lambda inquiry: service.release(session(), settings(), inquiry, me().id))
        if done:
            flash(f"Released {_number(done)}. What was withheld happens now.", "success")
    else:
        done = _each(ids, lambda inquiry: service.mark_spam(session(), settings(), inquiry, me().id))
        if done:
            undo = url_for("staff.take_spam_back", inquiry=done, **list_place())
            offer_undo(f"Marked {_number(done)} as spam.", undo)
    return _back()


@staff.post("/inquiries/not-spam")
@acting
def take_spam_back() -> Response:
    """Take back that inquiries (`?inquiry=`) were marked as spam."""
    ids = request.args.getlist("inquiry")[:PAGE]
    done = _each(ids, lambda inquiry: service.take_spam_back(session(), settings(), inquiry, me().id))
    if done:
        flash(f"Taken back: {_number(done)} {'is' if len(done) == 1 else 'are'} no spam by your word.", "success")
    return _back()


def _asked() -> tuple[str, Sequence[str]]:
    """Return what the pressed button says, and of which inquiries."""
    for verb in ("release", "spam"):
        if verb in request.form:
            return verb, [request.form[verb]]
    return request.form.get("do", ""), request.form.getlist("inquiry")[:PAGE]


def _each(ids: Sequence[str], change: Callable[[Inquiry], None]) -> list[str]:
    """Change the inquiries, in the order of their ids so that two colleagues don't wait in a ring; returns which.

    What a colleague was quicker with is left, and said.
    """
    done = []
    for public_id in sorted(set(ids)):
        inquiry = service.locked_inquiry(session(), public_id)
        if inquiry is None:
            flash("One of them is not there any more. Nothing was changed about it.", "warning")
            continue
        try:
            change(inquiry)
            session().flush()
            done.append(public_id)
        except Refusal as refusal:
            flash(str(refusal), "warning")
    return done


def _number(done: Sequence[str]) -> str:
    return "one inquiry" if len(done) == 1 else f"{len(done)} inquiries"


def _back() -> Response:
    return redirect(url_for("staff.inbox", **{"show": "suspected", **list_place()}), 303)
