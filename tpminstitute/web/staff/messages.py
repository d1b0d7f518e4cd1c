"""What staff decide about a mail that failed or is uncertain."""

from collections.abc import Callable

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import by_hand
from tpminstitute.mail.models import Message
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me, today_url
from tpminstitute.web.staff.one_contact import to_contact

ROW_ID = f"int(max={2**31 - 1})"
"""What a row's id may be; a larger number fits no column."""


@staff.post(f"/messages/<{ROW_ID}:message_id>/send-again")
@acting
def send_again(message_id: int) -> Response:
    """Queue a failed or uncertain mail once more."""
    return _decide(
        message_id, lambda: by_hand.send_again(session(), settings(), message_id, me().id), "Queued to be sent again."
    )


@staff.post(f"/messages/<{ROW_ID}:message_id>/leave")
@acting
def leave(message_id: int) -> Response:
    """Let a failed or uncertain mail rest."""
    return _decide(message_id, lambda: by_hand.leave(session(), message_id, me().id), "It is not sent again.")


def _decide(message_id: int, change: Callable[[], None], done: str) -> Response:
    message = session().get(Message, message_id)
    if message is None:
        abort(404)
    try:
        change()
        flash(done, "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    if request.args.get("back") == "today":
        return redirect(today_url(), 303)
    if request.args.get("back") == "mail" or message.contact_id is None:
        return redirect(url_for("staff.mail"), 303)
    contact = session().get_one(Contact, message.contact_id)
    return to_contact(contact.public_id)
