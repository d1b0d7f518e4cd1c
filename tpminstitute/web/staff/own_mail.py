"""How staff answer from their own mail program: by the notices, and with a secret address for what they send."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from tpminstitute.inbox.dropboxes import dropbox_address, known_dropbox, renew_dropbox
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me


@staff.get("/own-mail")
def own_mail() -> str:
    """Show how to answer from one's own mail program, and one's own secret address."""
    return render_template(
        "staff/own_mail.html",
        replies_are_on=bool(settings().reply_address),
        address=known_dropbox(session(), settings(), me()) if may_act() else None,
        may_act=may_act(),
    )


@staff.post("/own-mail/address")
@acting
def make_address() -> Response:
    """Make one's secret address, or another in place of the old one."""
    had_one = known_dropbox(session(), settings(), me()) is not None
    if had_one:
        renew_dropbox(session(), me())
        flash("You have a new address. Mail to the old one is filed no longer.", "success")
    elif dropbox_address(session(), settings(), me()):
        flash("This is your address. Keep it to yourself.", "success")
    else:
        flash("No address was made, since REPLY_ADDRESS isn’t set.", "warning")
    return redirect(url_for("staff.own_mail"), 303)
