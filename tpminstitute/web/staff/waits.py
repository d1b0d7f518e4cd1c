"""Who waits for a place in a course: a letter to one of them is begun, or they are taken off for a reason."""

from datetime import datetime

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import waiting_list
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.courses import course_or_404, course_page
from tpminstitute.web.staff.messages import ROW_ID

WAIT = f"/courses/<{ROW_ID}:course_id>/waits/<{ROW_ID}:wait_id>"


@staff.post(f"{WAIT}/tell")
@acting
def tell_waiting(course_id: int, wait_id: int) -> Response:
    """Begin a letter to somebody who waits, as a draft on their page; it goes when whoever asked sends it."""
    course_or_404(course_id)
    try:
        told_before = _told(request.form.get("told", ""))
        contact = waiting_list.tell(session(), settings(), course_id, wait_id, told_before, me().id)
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return redirect(url_for("staff.course", course_id=course_id, _anchor="waiting"), 303)
    flash("A letter is begun, and not sent: read it, change it, send it.", "success")
    return redirect(url_for("staff.contact", public_id=contact, _anchor="reply-text"), 303)


@staff.post(f"{WAIT}/off")
@acting
def take_off_list(course_id: int, wait_id: int) -> Response | tuple[str, int]:
    """Take somebody off the list, for a reason (`why`)."""
    found, why = course_or_404(course_id), request.form.get("why", "")[:2000]
    try:
        waiting_list.take_off(session(), course_id, wait_id, why, me().id)
    except Refusal as refusal:
        return course_page(found, (wait_id, why, str(refusal))), 422
    flash("They are off the list. Their timeline says why.", "success")
    return redirect(url_for("staff.course", course_id=course_id, _anchor="waiting"), 303)


def _told(text: str) -> datetime | None:
    """Return when a letter was begun before, as the page said; raises `Refusal` for what no page of ours says."""
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise Refusal("This page was damaged on its way. Nothing was changed: try again.")
    return told
