"""What staff do in a conversation: answer now or later, mark it as done, let follow-ups go on."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import flash, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.time_zones import clock_of
from tpminstitute.core import zones
from tpminstitute.inbox import conversations
from tpminstitute.inbox.answers import AddressClosed
from tpminstitute.inbox.sending import send
from tpminstitute.inbox.unsent import keep_draft
from tpminstitute.mail.control import control
from tpminstitute.mail.personal import ReplyError
from tpminstitute.sequences.pauses import resume_for_contact
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, me
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.one_contact import held_contact, to_contact
from tpminstitute.web.staff.reply_tools import typed_reply, unsent_of
from tpminstitute.web.staff.typed import Draft, Typed
from tpminstitute.web.staff.undo import offer_undo


@staff.post("/contacts/<public_id>/reply")
@acting
def send_reply(public_id: str) -> Response | tuple[str, int]:
    """Send an answer, now or later, or keep it as a draft (`do`); one that can't be sent comes back as it was typed."""
    contact, draft = held_contact(public_id), typed_reply()
    if request.form.get("do") == "keep":
        kept = keep_draft(session(), contact.id, me().id, unsent_of(draft))
        flash("The draft is kept." if kept else "There was nothing to keep.", "success" if kept else "warning")
        return to_contact(contact.public_id)
    nevertheless = "nevertheless" in request.form
    try:
        goes_at = _chosen(contact, draft) if draft.later else None
        message_id = send(
            session(),
            settings(),
            contact,
            me(),
            unsent_of(draft),
            goes_at=goes_at,
            despite_closed=nevertheless,
        )
    except AddressClosed as refusal:
        return contact_page(contact, Typed(replace(draft, problem=str(refusal), asks=True))), 409
    except ReplyError as refusal:
        return contact_page(contact, Typed(replace(draft, problem=str(refusal), asks=nevertheless))), 422
    if message_id is None:
        flash("This reply was sent before. It was not sent twice.", "warning")
        return to_contact(contact.public_id)
    back = url_for("staff.take_reply_back", public_id=public_id, message_id=message_id, **list_place())
    if goes_at is not None:
        flash(f"The reply waits until {zones.written(goes_at, _zone(contact, draft))}.", "success")
        offer_undo("The reply waits for its time.", back)
    else:
        held = control(session()).held
        once = "The reply is kept. It goes out once mail is not held any more."
        flash(once if held else "The reply is on its way.", "success")
        offer_undo("You can take the reply back for ten seconds.", back)
    return to_contact(contact.public_id)


@staff.post("/contacts/<public_id>/done")
@acting
def close_conversation(public_id: str) -> Response:
    """Say that nobody has to write next."""
    contact = held_contact(public_id)
    if conversations.close(session(), contact.id, me().id):
        flash("Marked as done.", "success")
    else:
        flash("This conversation was done already. Nothing was changed.", "warning")
    return to_contact(contact.public_id)


@staff.post("/contacts/<public_id>/follow-ups/go-on")
@acting
def let_follow_ups_go_on(public_id: str) -> Response:
    """Let follow-ups go on that wait."""
    contact = held_contact(public_id)
    if resume_for_contact(session(), contact.id, me().id):
        flash("The follow-ups go on.", "success")
    else:
        flash("No follow-ups wait any more. Nothing was changed.", "warning")
    return to_contact(contact.public_id)


def _chosen(contact: Contact, draft: Draft) -> datetime:
    """Return the moment that was chosen for a reply; a reading that the clock skips is the first one after it."""
    zone = _zone(contact, draft)
    try:
        shown = datetime.fromisoformat(draft.when).replace(tzinfo=None)
        return zones.moment(zones.existing(shown, zone), zone)
    except (ValueError, OverflowError):
        raise ReplyError("Choose a day and a time at which it goes. Nothing was sent; your text was kept.") from None


def _zone(contact: Contact, draft: Draft) -> ZoneInfo:
    ours = settings().institute_zone
    return ours if draft.ours else clock_of(contact.time_zone, contact.time_zone_source, contact.phone_e164, ours).zone
