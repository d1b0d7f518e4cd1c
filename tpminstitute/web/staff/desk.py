"""The inbox, one contact, and the page of parts."""

from datetime import timedelta

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from tpminstitute.core import clock
from tpminstitute.core.db import keep_plans
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.inbox_list import inbox_view
from tpminstitute.web.staff.one_contact import contact_or_404
from tpminstitute.web.staff.privacy import shell_page


@staff.get("/inbox")
def inbox() -> str:
    """Show the inbox; `?show=` chooses whose turn or which state, `?before=`/`?after=` the page."""
    return render_template("staff/inbox.html", inbox=inbox_view())


@staff.get("/contacts/<public_id>")
def contact(public_id: str) -> str | Response:
    """Show one contact: the conversation, follow-ups, timeline; `?earlier=` turns the conversation's page.

    The address of one that was merged leads to the one that remains.
    """
    keep_plans(session())
    found = contact_or_404(public_id)
    if found.erased_at is not None:
        return shell_page(found)
    if found.public_id != public_id:
        return redirect(url_for("staff.contact", public_id=found.public_id))
    return contact_page(found)


@staff.get("/parts")
def parts() -> str:
    """Show every part of the look in every state."""
    return render_template("staff/parts.html", waits_since=clock.now() - timedelta(days=3))
