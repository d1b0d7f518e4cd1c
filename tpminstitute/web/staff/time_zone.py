"""Staff say by which clock a contact lives."""

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts import time_zones
from tpminstitute.contacts.service import by_public_id
from tpminstitute.core.errors import Refusal
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, me


@staff.post("/contacts/<public_id>/time-zone")
@acting
def set_time_zone(public_id: str) -> Response:
    """Set a contact's time zone, or forget it when the field is empty."""
    contact = by_public_id(session(), public_id)
    if contact is None:
        abort(404)
    typed = request.form.get("time_zone", "")
    try:
        changed = time_zones.set_time_zone(session(), contact.id, typed, me().id)
    except Refusal as refusal:
        flash(str(refusal), "warning")
    else:
        flash("The time zone was changed." if changed else "That is the time zone already.", "success")
    return redirect(url_for("staff.contact", public_id=public_id, **list_place()), 303)
