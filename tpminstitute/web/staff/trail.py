"""What staff change and whom they look at is on record, whichever page they do it on."""

from typing import Any

import structlog
from flask import Flask, g, has_request_context, make_response, message_flashed, request
from flask_login import current_user
from sqlalchemy import Select, event, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.exc import OperationalError
from werkzeug.wrappers import Response

from tpminstitute.accounts.audit import is_audited, record_audit, record_seen, saw_contact
from tpminstitute.accounts.audit_words import KINDS
from tpminstitute.contacts.models import Contact
from tpminstitute.core.db import Database
from tpminstitute.inbox.models import Inquiry, ReceivedMail
from tpminstitute.mail.models import Message
from tpminstitute.pipeline.models import Lead, Reminder
from tpminstitute.web.common import database, error_page, reason_of, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.lookups import contact_at

log = structlog.get_logger(__name__)

KIND_OF_PLACE = {
    "accounts": "account",
    "account": "account",
    "calendar": "calendar",
    "comments": "comment",
    "confirm": "coming_in",
    "contacts": "contact",
    "courses": "calendar",
    "drafts": "follow_ups",
    "duplicates": "contact",
    "imports": "export",
    "inquiries": "contact",
    "mail": "mail",
    "messages": "mail",
    "news": "account",
    "own-mail": "account",
    "pipeline": "contact",
    "received": "contact",
    "reminders": "contact",
    "sequences": "follow_ups",
    "settings": "setting",
    "suppressions": "address",
    "templates": "template",
    "today": "contact",
}
"""What sort of thing is changed at an address, by what follows /staff/."""

UNTOLD = {"be_on_contact", "choose_people_columns", "keep_reply"}
"""What the browser does by itself while somebody reads or types, and how one's own list looks."""

NOT_ON_RECORD = (
    "Who opens a contact is on record, and that could not be written down just now, since the database is busy. So the "
    "page isn’t shown. Nothing was changed. Try again in a minute."
)

UNSAID = ("secret", "token", "text")
"""Parts of an address that open something, or that somebody wrote."""


def watch_changes(app: Flask, db: Database) -> None:
    """From now on note in `g.changed` whether a request wrote to `db`, as far as the database says so."""

    @event.listens_for(db.engine, "after_cursor_execute")
    def _wrote(_connection: Any, cursor: Any, _sql: str, _values: Any, made: DefaultExecutionContext, _m: bool) -> None:
        if has_request_context() and (made.isinsert or made.isupdate or made.isdelete) and cursor.rowcount != 0:
            g.changed = True

    # What was refused is told by a warning; the rows of an UPDATE … RETURNING are counted too late to know.
    message_flashed.connect(_refused, app)


def _refused(_app: Flask, category: str, **_more: Any) -> None:
    if category in ("warning", "error"):
        g.refused = True


@staff.after_request
def leave_trail(response: Response) -> Response:
    """Write to the audit log what a page of the desk didn't write by itself."""
    if response.status_code < 400 and current_user.is_authenticated:
        if request.method == "POST":
            _note_change()
        elif request.method == "GET" and (response.status_code, _place()) == (200, "contacts"):
            return _seen(response)
    return response


def _seen(page: Response) -> Response:
    """Return the page of a contact once it is on record who opened it, or one that says why it isn't shown."""
    try:
        _note_seen()
    except OperationalError as problem:
        log.error("not_on_record", path=request.path, reason=reason_of(problem))
        return make_response(error_page(503, NOT_ON_RECORD))
    return page


def _note_change() -> None:
    action = (request.endpoint or "").rpartition(".")[2]
    session().flush()  # what the view changed and nobody asked about since isn't with the database yet
    if not g.get("changed") or g.get("refused") or action in UNTOLD or is_audited(session()):
        return
    said = {name: value for name, value in (request.view_args or {}).items() if name not in UNSAID}
    contact_id = _contact_id(said)
    if contact_id is not None:
        said.pop("public_id", None)
    record_audit(
        session(),
        action[:60],
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in said.items()),
        account_id=current_user.id,
        contact_id=contact_id,
        kind=KIND_OF_PLACE.get(_place(), _place() if _place() in KINDS else "other"),
    )


def _note_seen() -> None:
    said = request.view_args or {}
    shown = contact_at(said["public_id"]) if "public_id" in said else None
    contact_id = shown.id if shown is not None else None
    if contact_id is None or saw_contact(session(), current_user.id, contact_id):
        return
    with database().write() as writing:
        writing.info.update(session().info)
        record_seen(writing, current_user.id, contact_id)


def _place() -> str:
    return request.path.removeprefix("/staff/").partition("/")[0]


def _contact_id(said: dict[str, Any]) -> int | None:
    """Return the contact that an address names, or that what it names belongs to."""
    wanted = _about(_place(), said)
    return None if wanted is None else session().scalar(wanted)


def _about(place: str, said: dict[str, Any]) -> Select[int | None] | None:
    if place == "messages" and "message_id" in said:
        return select(Message.contact_id).where(Message.id == said["message_id"])
    if place == "pipeline" and "lead_id" in said:
        return select(Lead.contact_id).where(Lead.id == said["lead_id"])
    if "public_id" not in said:
        return None
    match place:
        case "contacts" | "today":
            return select(Contact.id).where(Contact.public_id == said["public_id"])
        case "inquiries":
            return select(Inquiry.contact_id).where(Inquiry.public_id == said["public_id"])
        case "reminders":
            return select(Reminder.contact_id).where(Reminder.public_id == said["public_id"])
        case "received":
            return select(ReceivedMail.contact_id).where(ReceivedMail.public_id == said["public_id"])
    return None
