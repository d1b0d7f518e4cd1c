"""Around a reply: texts to put in, kept as one types, taken back in time, sent after it was held back."""

from dataclasses import replace
from typing import Any

from flask import flash, request
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import sending
from tpminstitute.inbox.snippets import snippet_for
from tpminstitute.inbox.unsent import LONGEST_SUBJECT, Unsent, keep_draft
from tpminstitute.mail.personal import WITHOUT_SUBJECT
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.one_contact import contact_or_404, held_contact, to_contact
from tpminstitute.web.staff.typed import Draft, Typed


def typed_reply() -> Draft:
    """Return the reply that the form holds, as it was typed."""
    return Draft(
        subject=request.form.get("subject", "")[:LONGEST_SUBJECT],
        text=request.form.get("text", "").replace("\r\n", "\n"),
        nonce=request.form.get("nonce", "")[:60],
        when=request.form.get("when", "")[:30],
        ours=request.form.get("clock") == "ours",
        later=request.form.get("do") == "later",
    )


def unsent_of(draft: Draft) -> Unsent:
    """Return the words of a reply that was typed."""
    return Unsent(draft.subject, draft.text, draft.nonce)


@staff.post("/contacts/<public_id>/reply/draft")
@acting
def keep_reply(public_id: str) -> dict[str, Any]:
    """Keep a reply as it is typed; the script asks every few seconds, and learns under which nonce it is kept."""
    kept = keep_draft(session(), contact_or_404(public_id).id, me().id, unsent_of(typed_reply()))
    return {"kept": kept is not None, "nonce": kept.nonce if kept else ""}


@staff.post("/contacts/<public_id>/reply/text")
@acting
def put_text_in(public_id: str) -> str | dict[str, str]:
    """Put one of the texts for replies (`template`) below what is typed; the script asks for it alone, as JSON."""
    contact, draft = held_contact(public_id), typed_reply()
    as_json = request.accept_mimetypes.best == "application/json"
    try:
        subject, text = snippet_for(session(), settings(), contact, request.form.get("template", "")[:60])
    except Refusal as refusal:
        return (
            {"problem": str(refusal)} if as_json else contact_page(contact, Typed(replace(draft, problem=str(refusal))))
        )
    if as_json:
        return {"subject": subject, "text": text}
    begun = draft.text.rstrip()
    whole = f"{begun}\n\n{text}" if begun else text
    kept = draft.subject if draft.subject.strip() not in ("", WITHOUT_SUBJECT) else subject
    return contact_page(contact, Typed(replace(draft, subject=kept, text=whole)))


@staff.post(f"/contacts/<public_id>/replies/<{ROW_ID}:message_id>/take-back")
@acting
def take_reply_back(public_id: str, message_id: int) -> Response:
    """Take a reply back that has not gone yet; its text stands in the editor again."""
    contact = held_contact(public_id)
    try:
        sending.take_back(session(), contact, message_id, me())
        flash("The reply is taken back. Its text is in the editor again.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return to_contact(contact.public_id)
    return to_contact(contact.public_id, "reply-text")


@staff.post(f"/contacts/<public_id>/replies/<{ROW_ID}:message_id>/send")
@acting
def send_held_back(public_id: str, message_id: int) -> Response:
    """Send a reply now that was held back because they wrote."""
    contact = held_contact(public_id)
    try:
        sending.send_held_back(session(), settings(), contact, message_id, me())
        flash("The reply is on its way.", "success")
    except Refusal as refusal:
        session().rollback()
        flash(str(refusal), "warning")
    return to_contact(contact.public_id, "reply")
