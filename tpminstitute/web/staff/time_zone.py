"""Staff say by which clock a contact lives."""

from flask import flash, request
from werkzeug.wrappers import Response

from tpminstitute.contacts import time_zones
from tpminstitute.core.errors import Refusal
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.one_contact import contact_or_404, to_contact


@staff.post("/contacts/<public_id>/time-zone")
@acting
def set_time_zone(public_id: str) -> Response:
    """Set a contact's time zone, or forget it when the field is empty; `?instead_of=` is the one on the page."""
    contact = contact_or_404(public_id)
    typed, shown = request.form.get("time_zone", ""), request.args.get("instead_of") or None
    try:
        changed = time_zones.set_time_zone(session(), contact.id, typed, me().id, instead_of=shown)
    except Refusal as refusal:
        flash(str(refusal), "warning")
    else:
        flash("The time zone was changed." if changed else "That is the time zone already.", "success")
    return to_contact(public_id)
