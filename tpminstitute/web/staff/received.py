"""One mail that came in: read, looked at as HTML, downloaded, its files, and the decision that it waits for."""

import re
from collections.abc import Callable
from io import BytesIO

from flask import abort, flash, make_response, redirect, render_template, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.inbox import decisions
from tpminstitute.inbox.contents import attachment_content, content_of
from tpminstitute.inbox.files import HARMLESS
from tpminstitute.inbox.inert import inert_html
from tpminstitute.inbox.models import ReceivedAttachment, ReceivedMail
from tpminstitute.inbox.threads import heard_mail
from tpminstitute.web.common import CONTENT_SECURITY_POLICY, session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, me
from tpminstitute.web.staff.one_contact import to_contact
from tpminstitute.web.staff.thread_views import heard_view

INERT = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""The policy of a mail's own HTML: no script, no form, nothing loaded, shown only inside our page."""

NOTHING = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""The policy of a download, should a browser show it after all."""

_NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|]')
_POSITION = "int(max=999)"


@staff.get("/received/<public_id>")
def received_mail(public_id: str) -> Response:
    """Show one mail by itself, its own HTML in a frame where nothing of it acts."""
    found = heard_mail(session(), public_id)
    if found is None:
        abort(404)
    contact = session().get(Contact, found.contact_id) if found.contact_id is not None else None
    page = render_template(
        "staff/received.html",
        heard=heard_view(found),
        html=inert_html(session(), _mail(public_id)),
        frame_url=url_for("staff.mail_as_html", public_id=public_id),
        contact=contact,
    )
    answer = make_response(page)
    answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    return answer


@staff.get("/received/<public_id>/html")
def mail_as_html(public_id: str) -> Response:
    """Show a mail's own HTML by itself, for the frame: inert, whatever is in it."""
    html = inert_html(session(), _mail(public_id))
    if html is None:
        abort(404)
    answer = make_response(html.page)
    answer.headers["Content-Security-Policy"] = INERT
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@staff.get("/received/<public_id>/original")
def mail_as_it_came(public_id: str) -> Response:
    """Hand out a mail's bytes as they came."""
    mail = _mail(public_id)
    name = one_line(mail.subject, 60) or "mail"
    return _download(content_of(session(), mail), f"{name}.eml", "application/octet-stream")


@staff.get(f"/received/<public_id>/files/<{_POSITION}:position>")
def attachment(public_id: str, position: int) -> Response:
    """Hand out one file of a mail, to be saved and never opened here."""
    mail = _mail(public_id)
    found = session().scalar(
        select(ReceivedAttachment).where(ReceivedAttachment.mail_id == mail.id, ReceivedAttachment.position == position)
    )
    if found is None:
        abort(404)
    media_type = found.media_type if found.media_type in HARMLESS else "application/octet-stream"
    return _download(attachment_content(session(), found), found.name, media_type)


@staff.post("/received/<public_id>/same-person")
@acting
def same_person(public_id: str) -> Response:
    """Take a stranger's mail as written by the contact, and keep the address."""
    done = "The address is kept, and the mail counts as theirs."
    return _decide(public_id, lambda mail: decisions.is_same_person(session(), settings(), mail, me().id), done)


@staff.post("/received/<public_id>/somebody-else")
@acting
def somebody_else(public_id: str) -> Response:
    """Take a stranger's mail as the beginning of a conversation of their own."""
    done = "The mail is an inquiry of their own now."
    return _decide(public_id, lambda mail: decisions.is_somebody_else(session(), settings(), mail, me().id), done)


@staff.post("/received/<public_id>/set-aside")
@acting
def set_aside(public_id: str) -> Response:
    """Say that there is nothing to do about a mail."""
    return _decide(public_id, lambda mail: decisions.set_aside(session(), mail, me().id), "Set aside.")


def _mail(public_id: str) -> ReceivedMail:
    found = session().scalar(select(ReceivedMail).where(ReceivedMail.public_id == public_id))
    if found is None:
        abort(404)
    return found


def _download(octets: bytes, name: str, media_type: str) -> Response:
    safe = one_line(_NOT_IN_A_NAME.sub("_", name), 150).strip(". ") or "file"
    answer = send_file(BytesIO(octets), mimetype=media_type, as_attachment=True, download_name=safe)
    answer.headers["Content-Security-Policy"] = NOTHING
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _decide(public_id: str, change: Callable[[ReceivedMail], None], done: str) -> Response:
    """Decide about one mail and go where it is filed now; a refusal says why and changes nothing."""
    mail = decisions.locked_mail(session(), public_id)
    if mail is None:
        abort(404)
    try:
        change(mail)
        flash(done, "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    session().flush()
    contact = session().get(Contact, mail.contact_id) if mail.contact_id is not None else None
    if contact is None:
        return redirect(url_for("staff.received_mail", public_id=public_id, **list_place()), 303)
    return to_contact(contact.public_id)
