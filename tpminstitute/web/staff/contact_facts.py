"""What staff say of a contact: who looks after them, stage, tags, background, a call; and stopping follow-ups."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.background import set_background
from tpminstitute.contacts.models import Background, Contact
from tpminstitute.contacts.owners import assign
from tpminstitute.contacts.tags import add_tag, remove_tag
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox import calls
from tpminstitute.pipeline.endings import EndingProblem
from tpminstitute.pipeline.service import lead_of, move_lead
from tpminstitute.sequences.stopping import stop_by_hand
from tpminstitute.sequences.tag_editing import known_tags
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.one_contact import held_contact, to_contact
from tpminstitute.web.staff.typed import Call, Typed

NOTHING = "It was so already. Nothing was changed."


@staff.post("/contacts/<public_id>/owner")
@acting
def assign_contact(public_id: str) -> Response:
    """Let a staff member look after a contact, or nobody; `?instead_of=` is who did so on the page."""
    typed = request.form.get("owner", request.args.get("owner", ""))
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        abort(400)
    owner_id = int(typed) if typed else None

    def take(contact: Contact) -> bool:
        return assign(session(), contact, owner_id, me().id, instead_of=id_argument("instead_of"))

    return _change(public_id, take, "It was kept.")


@staff.post("/contacts/<public_id>/stage")
@acting
def move_to_stage(public_id: str) -> Response:
    """Move the contact's newest lead to another stage; one that ends there is asked why, or for which course.

    `?from=` is where it stood on the page.
    """
    typed = request.form.get("stage", "")
    stage_id = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
    shown = id_argument("from")
    lead = lead_of(session(), held_contact(public_id).id)

    def move(_: Contact) -> bool:
        return lead is not None and move_lead(session(), lead.id, stage_id, me().id, shown_stage_id=shown)

    try:
        return _change(public_id, move, "The lead was moved.")
    except EndingProblem:
        assert lead is not None  # it was asked how it ended
        asking: dict[str, Any] = {"to": stage_id, "from": shown, "contact": 1}
        return redirect(url_for("staff.ask_to_move", lead_id=lead.id, **asking), 303)


@staff.get("/tags")
def offered_tags() -> Response:
    """Answer the tags that a field offers, as a list in JSON, for a page that asks when somebody comes to it."""
    return jsonify(known_tags(session()))


@staff.post("/contacts/<public_id>/tags")
@acting
def tag_contact(public_id: str) -> Response:
    """Put a tag on a contact."""
    typed = request.form.get("tag", "")
    return _change(public_id, lambda contact: add_tag(session(), contact.id, typed, me().id), "The tag was added.")


@staff.post("/contacts/<public_id>/tags/remove")
@acting
def untag_contact(public_id: str) -> Response:
    """Take a tag off a contact."""
    tag = request.form.get("tag", "")
    return _change(public_id, lambda contact: remove_tag(session(), contact.id, tag, me().id), "The tag was taken off.")


@staff.post("/contacts/<public_id>/background")
@acting
def say_background(public_id: str) -> Response:
    """Say where a contact stands on the path, or that nobody knows; `?instead_of=` is what the page said."""
    where = _background(request.form.get("background", ""))
    shown = _background(request.args.get("instead_of", ""))

    def say(contact: Contact) -> bool:
        return set_background(session(), contact.id, where, me().id, instead_of=shown)

    return _change(public_id, say, "It was kept.")


@staff.post("/contacts/<public_id>/calls")
@acting
@acts_once("This call was sent twice, and noted once.")
def note_call(public_id: str) -> Response | tuple[str, int]:
    """Note a call; a note that is too long comes back as it was typed."""
    contact = held_contact(public_id)
    said = request.form.get("said", "").replace("\r\n", "\n")
    try:
        calls.note_call(session(), settings(), contact, me(), said)
    except Refusal as refusal:
        return contact_page(contact, Typed(call=Call(said, str(refusal)))), 422
    flash("The call is noted. The next follow-up waits for your word.", "success")
    return to_contact(contact.public_id)


@staff.post(f"/contacts/<public_id>/follow-ups/<{ROW_ID}:run_id>/stop")
@acting
def stop_follow_ups(public_id: str, run_id: int) -> Response:
    """Stop one run of a contact for good."""

    def stop(_: Contact) -> bool:
        stop_by_hand(session(), run_id, me().id)
        return True

    return _change(public_id, stop, "These follow-ups were stopped.")


def _background(word: str) -> Background | None:
    if word and word not in {known.value for known in Background}:
        abort(400)
    return Background(word) if word else None


def _change(public_id: str, change: Callable[[Contact], bool], done: str) -> Response:
    """Change one thing about a contact and go back to their page; a refusal says why and changes nothing."""
    contact = held_contact(public_id)
    try:
        changed = change(contact)
        flash(done if changed else NOTHING, "success" if changed else "warning")
    except EndingProblem:
        raise
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return to_contact(contact.public_id)
