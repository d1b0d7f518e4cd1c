"""What staff do with an inquiry: handled, spam, reopen, release, acknowledge."""

from collections.abc import Callable

from flask import abort, flash
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import service
from tpminstitute.inbox.models import Inquiry
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.one_contact import to_contact


@staff.post("/inquiries/<public_id>/handled")
@acting
def mark_handled(public_id: str) -> Response:
    """Mark an inquiry as handled."""
    return _act(public_id, lambda inquiry: service.mark_handled(session(), inquiry, me().id), "Marked as handled.")


@staff.post("/inquiries/<public_id>/spam")
@acting
def mark_spam(public_id: str) -> Response:
    """Mark an inquiry as spam."""
    done = "Marked as spam. Its unsent mails were cancelled."
    return _act(public_id, lambda inquiry: service.mark_spam(session(), settings(), inquiry, me().id), done)


@staff.post("/inquiries/<public_id>/reopen")
@acting
def reopen(public_id: str) -> Response:
    """Put a handled inquiry back among the open ones."""
    return _act(public_id, lambda inquiry: service.reopen(session(), inquiry, me().id), "Reopened.")


@staff.post("/inquiries/<public_id>/release")
@acting
def release(public_id: str) -> Response:
    """Release an inquiry that was set apart."""
    done = "Released. What was withheld happens now."
    return _act(public_id, lambda inquiry: service.release(session(), settings(), inquiry, me().id), done)


@staff.post("/inquiries/<public_id>/acknowledge")
@acting
def acknowledge(public_id: str) -> Response:
    """Send the acknowledgement that was left out."""
    done = "The acknowledgement is among the mails below, with what becomes of it."
    return _act(public_id, lambda inquiry: service.send_acknowledgement(session(), settings(), inquiry, me().id), done)


def _act(public_id: str, change: Callable[[Inquiry], None], done: str) -> Response:
    """Change one inquiry and go back to its contact; a refusal says why and changes nothing."""
    inquiry = service.locked_inquiry(session(), public_id)
    if inquiry is None:
        abort(404)
    try:
        change(inquiry)
        flash(done, "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    contact = session().get_one(Contact, inquiry.contact_id)
    return to_contact(contact.public_id)
