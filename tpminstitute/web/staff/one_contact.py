"""The contact that an address names, and the way back to their page."""

from flask import abort, redirect, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.web.common import session
from tpminstitute.web.staff.access import list_place
from tpminstitute.web.staff.lookups import contact_at


def contact_or_404(public_id: str) -> Contact:
    """Return the contact of that public id, or the one it was merged into; a page that isn't there without one."""
    found = contact_at(public_id)
    if found is None:
        abort(404)
    return found


def held_contact(public_id: str) -> Contact:
    """Return the same, held until the transaction's end so that nobody changes it in between."""
    return locked(session(), contact_or_404(public_id).id)


def to_contact(public_id: str, anchor: str | None = None) -> Response:
    """Lead back to a contact's page, to its part `anchor`, with the place in the list that the request carries."""
    return redirect(url_for("staff.contact", public_id=public_id, **list_place(), _anchor=anchor), 303)
