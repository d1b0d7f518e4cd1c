"""How outgoing mail stands: what waits, what needs a person, and the switch that holds it all."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.accounts.models import Role
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import control, standing
from tpminstitute.mail.models import MessageStatus
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import id_argument, may_act, me, needs
from tpminstitute.web.staff.views import STATUS_KINDS, Action

HELD = "All outgoing mail is held. What is queued waits and is not lost."
LET_OUT = "Outgoing mail goes again."


@staff.get("/mail")
def mail() -> str:
    """Show how outgoing mail stands; `?before=` turns the page of what waits for a decision."""
    return _page()


@staff.post("/mail/hold")
@needs(Role.ADMINISTRATOR)
def hold_mail() -> Response | tuple[str, int]:
    """Hold all outgoing mail."""
    reason = request.form.get("reason", "")
    try:
        control.hold(session(), reason, me().id)
    except Refusal as refusal:
        return _page(problem=str(refusal), reason=reason), 422
    flash(HELD, "success")
    return redirect(url_for("staff.mail"), 303)


@staff.post("/mail/release")
@needs(Role.ADMINISTRATOR)
def release_mail() -> Response:
    """Let outgoing mail go again."""
    if control.let_out(session(), me().id):
        flash(LET_OUT, "success")
    else:
        flash("Outgoing mail is not held any more. Nothing was changed.", "warning")
    return redirect(url_for("staff.mail"), 303)


def _page(problem: str = "", reason: str = "") -> str:
    lines, older = standing.undecided(session(), before=id_argument("before"))
    counts = standing.count_undecided(session())
    return render_template(
        "staff/mail.html",
        queue=standing.queue_now(session()),
        failed=counts[MessageStatus.FAILED],
        uncertain=counts[MessageStatus.UNCERTAIN],
        undecided=[(line, STATUS_KINDS[line.status], _actions(line.id)) for line in lines],
        older_url=url_for("staff.mail", before=older) if older else None,
        newest_url=url_for("staff.mail") if "before" in request.args else None,
        not_sent=standing.not_sent_lately(session()),
        control=control.control(session()),
        may_switch=me().role is Role.ADMINISTRATOR,
        problem=problem,
        reason=reason,
    )


def _actions(message_id: int) -> list[Action]:
    if not may_act():
        return []
    return [
        Action("Send again", url_for("staff.send_again", message_id=message_id, back="mail")),
        Action("Leave it", url_for("staff.leave", message_id=message_id, back="mail")),
    ]
