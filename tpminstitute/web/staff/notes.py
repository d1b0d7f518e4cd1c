"""Notes on a contact's page: written, changed, removed and put back; what can't be kept comes back as it was typed."""

from flask import flash, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts import notes
from tpminstitute.contacts.notes import NoteError, StaleNote
from tpminstitute.core.errors import Refusal
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.one_contact import contact_or_404, to_contact
from tpminstitute.web.staff.typed import NoteText, Typed
from tpminstitute.web.staff.undo import offer_undo


@staff.post("/contacts/<public_id>/notes")
@acting
@acts_once("This note was sent twice, and kept once.")
def add_note(public_id: str) -> Response | tuple[str, int]:
    """Keep a note about a contact."""
    contact, body = contact_or_404(public_id), _body()
    try:
        notes.add_note(session(), contact.id, body, me().id)
    except NoteError as refusal:
        return contact_page(contact, Typed(note=NoteText(body, str(refusal)))), 422
    flash("The note is kept.", "success")
    return to_contact(contact.public_id)


@staff.post(f"/contacts/<public_id>/notes/<{ROW_ID}:note_id>")
@acting
def change_note(public_id: str, note_id: int) -> Response | tuple[str, int]:
    """Change a note; where a colleague changed it meanwhile, both texts are shown and nothing is lost."""
    contact, body = contact_or_404(public_id), _body()
    typed = request.form.get("number", "")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
    try:
        changed = notes.change_note(session(), contact.id, note_id, number, body, me().id)
    except StaleNote as stale:
        text = NoteText(body, str(stale), note_id, stale.newest.number, stale.newest)
        return contact_page(contact, Typed(note=text)), 409
    except NoteError as refusal:
        kept = notes.notes_of(session(), contact.id, [note_id])
        text = NoteText(body, str(refusal), note_id if kept else 0, number)
        return contact_page(contact, Typed(note=text)), 422
    flash("The note is changed." if changed else "The note says so already. Nothing was changed.", "success")
    return to_contact(contact.public_id)


@staff.post(f"/contacts/<public_id>/notes/<{ROW_ID}:note_id>/remove")
@acting
def remove_note(public_id: str, note_id: int) -> Response:
    """Remove a note, and offer to put it back; `?number=` is the text that was on the page."""
    contact = contact_or_404(public_id)
    try:
        notes.remove_note(session(), contact.id, note_id, id_argument("number") or 0, me().id)
        flash("The note is removed.", "success")
        offer_undo("The note is removed.", url_for("staff.restore_note", public_id=public_id, note_id=note_id))
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return to_contact(contact.public_id)


@staff.post(f"/contacts/<public_id>/notes/<{ROW_ID}:note_id>/restore")
@acting
def restore_note(public_id: str, note_id: int) -> Response:
    """Put back a note that was just removed."""
    contact = contact_or_404(public_id)
    try:
        notes.restore_note(session(), contact.id, note_id, me().id)
        flash("The note is back.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return to_contact(contact.public_id)


def _body() -> str:
    return request.form.get("body", "").replace("\r\n", "\n")
