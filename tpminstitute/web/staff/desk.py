"""The inbox, one contact, and the page of parts."""

from dataclasses import dataclass
from typing import Any

from flask import abort, render_template, request, url_for

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_public_id
from tpminstitute.inbox.models import InquiryState
from tpminstitute.inbox.queries import Row, count_of, inbox_page, inquiries_of
from tpminstitute.mail.queries import mails_of
from tpminstitute.sequences.queries import runs_of
from tpminstitute.timeline.queries import timeline_of
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.acknowledgements import owed_acknowledgements
from tpminstitute.web.staff.views import contact_view, inquiry_view, mail_view, run_view

FILTERS = {
    "open": ("Open", InquiryState.OPEN, "Nothing is open. New inquiries from the contact form appear here."),
    "handled": (
        "Handled",
        InquiryState.HANDLED,
        "Nothing was handled yet. Inquiries that were answered rest here.",
    ),
    "suspected": (
        "Suspected",
        InquiryState.SUSPECTED,
        "Nothing is set apart. What looks like spam waits here for a person.",
    ),
    "spam": ("Spam", InquiryState.SPAM, "Nothing was marked as spam."),
    "all": ("All", None, "No inquiry has come in yet. They appear here as soon as somebody writes."),
}


@dataclass(frozen=True)
class InboxView:
    """A page of the inbox, its filters and the ways on."""

    rows: list[Row]
    filters: list[dict[str, Any]]
    older_url: str | None
    newer_url: str | None
    empty_text: str


@staff.get("/")
def inbox() -> str:
    """Show the inquiries, newest first; `?show=` chooses the state, `?before=`/`?after=` the page."""
    return render_template("staff/inbox.html", inbox=_inbox())


@staff.get("/contacts/<public_id>")
def contact(public_id: str) -> str:
    """Show one contact: inquiries, follow-ups, mails, timeline."""
    found: Contact | None = by_public_id(session(), public_id)
    if found is None:
        abort(404)
    inquiries = inquiries_of(session(), found.id)
    return render_template(
        "staff/contact.html",
        contact=contact_view(session(), found),
        inquiries=[inquiry_view(inquiry) for inquiry in inquiries],
        owed=owed_acknowledgements(session(), found, inquiries),
        messages=[mail_view(mail) for mail in mails_of(session(), found.id)],
        follow_ups=[run_view(run) for run in runs_of(session(), found.id)],
        timeline=timeline_of(session(), found.id),
        inbox=_inbox(),
    )


@staff.get("/parts")
def parts() -> str:
    """Show every part of the look in every state."""
    return render_template("staff/parts.html")


def _inbox() -> InboxView:
    chosen = request.args.get("show", "open")
    if chosen not in FILTERS:
        chosen = "open"
    _, state, empty_text = FILTERS[chosen]
    page = inbox_page(session(), state, before=id_argument("before"), after=id_argument("after"))
    return InboxView(
        rows=list(page.rows),
        filters=[_filter(key, chosen) for key in FILTERS],
        older_url=url_for("staff.inbox", show=chosen, before=page.older) if page.older else None,
        newer_url=url_for("staff.inbox", show=chosen, after=page.newer) if page.newer else None,
        empty_text=empty_text,
    )


def id_argument(name: str) -> int | None:
    """Return a row id from the address, or None for anything that can't be one."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _filter(key: str, chosen: str) -> dict[str, Any]:
    label, state, _ = FILTERS[key]
    counted = state in (InquiryState.OPEN, InquiryState.SUSPECTED)
    return {
        "label": label,
        "href": url_for("staff.inbox", show=key),
        "current": key == chosen,
        "count": (count_of(session(), state) or None) if counted and state else None,
    }
