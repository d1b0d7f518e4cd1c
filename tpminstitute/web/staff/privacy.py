"""A contact's own data: all of it in one file, and erasing it."""

from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.exchange.forgetting import forget_in_files
from tpminstitute.merging.queries import may_be, merges_page
from tpminstitute.merging.service import address_keys
from tpminstitute.own_page.erasing import due_of, erased_by_wish
from tpminstitute.privacy import erasing, export
from tpminstitute.privacy.models import Erasure
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me, needs
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.lookups import contact_at
from tpminstitute.web.staff.one_contact import contact_or_404

IN_MEMORY = 8 * 2**20
"""Octets of an export that are kept in memory; the rest is on the disk until it was handed out."""

WORDS = {
    "inquiries": "inquiries",
    "received_mails": "mails from them",
    "messages": "mails of ours",
    "notes": "notes",
    "reminders": "reminders",
    "activities": "entries on the timeline",
    "enrollments": "runs of follow-ups",
    "consents": "consents",
    "contact_addresses": "further addresses",
    "contact_tags": "tags",
    "received_attachments": "files",
    "leads": "leads",
    "reply_drafts": "unsent replies",
    "link_clicks": "opened links",
}
"""What is counted in words, in the order of the page; the rest is only counted together."""


@staff.app_context_processor
def privacy_tools() -> dict[str, Callable[[str], dict[str, Any]]]:
    """Give the contact's page what the foot of its tools shows; nothing is asked before it does."""
    return {"foot_of": _foot}


def _foot(public_id: str) -> dict[str, Any]:
    contact = contact_at(public_id)
    if contact is None or contact.gone:
        return {}
    return {
        "pairs": [
            (pair, pair.other if pair.one.public_id == public_id else pair.one)
            for pair in may_be(session(), contact.id)
        ],
        "merges": [row for row in merges_page(session(), contact_id=contact.id).merges if row.undone_at is None],
        "may_erase": me().role is Role.ADMINISTRATOR,
        "may_act": may_act(),
        "erased_at": due_of(session(), contact),
    }


@staff.post("/contacts/<public_id>/data")
@acting
@asks_password
def export_contact(public_id: str) -> Response:
    """Hand out all that is held about a contact."""
    contact = _present(public_id)
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the answer closes it once it was handed out)
    export.write(session(), settings().institute_name, contact.id, file)
    sentence = "All that is held about them was exported."
    record(session(), contact.id, ActivityKind.DATA_EXPORTED, sentence, account_id=me().id)
    subject = f"contact {contact.public_id}"
    record_audit(session(), "contact_data_exported", subject, account_id=me().id, contact_id=contact.id, kind="export")
    file.seek(0)
    name = f"contact-{contact.public_id[:8]}-{clock.now():%Y-%m-%d}.zip"
    answer = send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    answer.call_on_close(file.close)
    return answer


@staff.get("/contacts/<public_id>/erase")
@needs(Role.ADMINISTRATOR)
def preview_erasure(public_id: str) -> str:
    """Show exactly what goes and what stays when a contact is erased."""
    return _erasure_page(_present(public_id))


@staff.post("/contacts/<public_id>/erase")
@needs(Role.ADMINISTRATOR)
def erase_contact(public_id: str) -> Response | tuple[str, int]:
    """Erase a contact, once their reference was typed."""
    contact = _present(public_id)
    typed = request.form.get("typed", "").strip().lower()
    if typed != contact.public_id[:8]:
        return _erasure_page(
            contact, f"Type {contact.public_id[:8]} to erase this person. Nothing was erased.", typed
        ), 422
    keys = address_keys(session(), [contact.id, *erasing.shells_of(session(), contact.id)])
    erasing.erase(session(), contact.id, me().id)
    forget_in_files(session(), settings(), keys)
    flash("Everything personal was erased. What stays keeps the counts true.", "success")
    return redirect(url_for("staff.contact", public_id=contact.public_id), 303)


def shell_page(contact: Contact) -> str:
    """Return the page of somebody who was erased: when, by whom, and what of them is still counted."""
    kept = session().scalar(select(Erasure).where(Erasure.contact_id == contact.id))
    account = session().get(Account, kept.account_id) if kept is not None and kept.account_id else None
    return render_template(
        "staff/erased.html",
        contact=contact,
        kept=kept,
        by=account,
        by_their_wish=kept is not None and erased_by_wish(session(), kept),
        counted=_counted(kept.counts if kept else {}),
    )


def _erasure_page(contact: Contact, problem: str = "", typed: str = "") -> str:
    ids = [contact.id, *erasing.shells_of(session(), contact.id)]
    counts = erasing.counts_of(session(), ids)
    return render_template(
        "staff/erase.html",
        contact=contact,
        counted=_counted(counts),
        rows=sum(counts.values()),
        reference=contact.public_id[:8],
        problem=problem,
        typed=typed,
    )


def _counted(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(words, counts[table]) for table, words in WORDS.items() if counts.get(table)]


def _present(public_id: str) -> Contact:
    found = contact_or_404(public_id)
    if found.gone:
        raise Refusal("This person was erased already. Nothing was changed.")
    return found
