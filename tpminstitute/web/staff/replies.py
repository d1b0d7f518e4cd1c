"""What staff do in a conversation: answer, mark it as done, let follow-ups go on."""

from dataclasses import replace

from flask import abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_public_id, locked
from tpminstitute.core import tokens
from tpminstitute.inbox import conversations
from tpminstitute.inbox.answers import AddressClosed, Answer, reply
from tpminstitute.mail.control import control
from tpminstitute.mail.personal import ReplyError
from tpminstitute.sequences.pauses import resume_for_contact
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, me
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.typed import Draft, Typed

LONGEST_SUBJECT = 300


@staff.post("/contacts/<public_id>/reply")
@acting
def send_reply(public_id: str) -> Response | tuple[str, int]:
    """Send an answer; one that can't be sent comes back as it was typed, with the sentence that says why."""
    contact = _contact(public_id)
    draft = Draft(
        subject=request.form.get("subject", "")[:LONGEST_SUBJECT],
        text=request.form.get("text", "").replace("\r\n", "\n"),
        nonce=request.form.get("nonce", "")[:60],
    )
    nevertheless = "nevertheless" in request.form
    answer = Answer(_key(draft), draft.text, me(), draft.subject, despite_closed=nevertheless)
    try:
        queued = reply(session(), settings(), contact, answer)
    except AddressClosed as refusal:
        return contact_page(contact, Typed(replace(draft, problem=str(refusal), asks=True))), 409
    except ReplyError as refusal:
        return contact_page(contact, Typed(replace(draft, problem=str(refusal), asks=nevertheless))), 422
    if not queued:
        flash("This reply was sent before. It was not sent twice.", "warning")
    elif control(session()).held:
        flash("The reply is kept. It goes out once mail is not held any more.", "success")
    else:
        flash("The reply is on its way.", "success")
    return _home(contact)


@staff.post("/contacts/<public_id>/done")
@acting
def close_conversation(public_id: str) -> Response:
    """Say that nobody has to write next."""
    contact = _contact(public_id)
    if conversations.close(session(), contact.id, me().id):
        flash("Marked as done.", "success")
    else:
        flash("This conversation was done already. Nothing was changed.", "warning")
    return _home(contact)


@staff.post("/contacts/<public_id>/follow-ups/go-on")
@acting
def let_follow_ups_go_on(public_id: str) -> Response:
    """Let follow-ups go on that wait."""
    contact = _contact(public_id)
    if resume_for_contact(session(), contact.id, me().id):
        flash("The follow-ups go on.", "success")
    else:
        flash("No follow-ups wait any more. Nothing was changed.", "warning")
    return _home(contact)


def _contact(public_id: str) -> Contact:
    found = by_public_id(session(), public_id)
    if found is None:
        abort(404)
    return locked(session(), found.id)


def _key(draft: Draft) -> str:
    """Return what is the same for a repeated sending of the same words; changed words are another answer."""
    return "desk:" + tokens.digest("\n".join([str(me().id), draft.nonce, draft.subject, draft.text]))


def _home(contact: Contact) -> Response:
    return redirect(url_for("staff.contact", public_id=contact.public_id, **list_place()), 303)
