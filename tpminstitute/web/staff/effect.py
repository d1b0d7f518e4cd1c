"""What a sequence's mails did, as numbers and as a plot, and whether its links are counted."""

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.accounts.service import record_audit
from tpminstitute.reports.effect import SequenceEffect, StepEffect, effect_of
from tpminstitute.sequences.models import Sequence
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.messages import ROW_ID

LINES = {
    "Sent": "sent",
    "Answered": "answered",
    "Unsubscribed": "unsubscribed",
    "Bounced": "bounced",
    "Won": "won",
}


@staff.get(f"/sequences/<{ROW_ID}:sequence_id>/effect")
def effect(sequence_id: int) -> str:
    """Show what each mail of a sequence did."""
    sequence = _sequence(sequence_id)
    done = effect_of(session(), sequence.id)
    return render_template(
        "staff/effect.html",
        sequence=sequence,
        effect=done,
        runs=sum(done.runs.values()),
        lines=_lines(sequence, done),
        ticks=[f"Mail {place}" for place in range(1, len(done.steps) + 1)],
        may_change=may_act(),
    )


@staff.post(f"/sequences/<{ROW_ID}:sequence_id>/clicks")
@acting
def count_clicks(sequence_id: int) -> Response:
    """Turn the counting of opened links on or off; what was counted stays."""
    sequence = _sequence(sequence_id)
    sequence.counts_clicks = request.form.get("count") == "on"
    record_audit(
        session(),
        "clicks_counted" if sequence.counts_clicks else "clicks_not_counted",
        f"sequence {sequence.id}",
        account_id=me().id,
    )
    if sequence.counts_clicks:
        flash("Links in mails that are written from now on are counted. The note on what we keep says so.", "success")
    else:
        flash("Links are not counted any more. What was counted stays.", "success")
    return redirect(url_for("staff.effect", sequence_id=sequence.id), 303)


def _lines(sequence: Sequence, done: SequenceEffect) -> list[dict[str, object]]:
    shown = LINES | ({"Links opened": "opened_links"} if _knows_links(sequence, done.steps) else {})
    return [{"name": name, "values": [getattr(step, field) for step in done.steps]} for name, field in shown.items()]


def _knows_links(sequence: Sequence, steps: list[StepEffect]) -> bool:
    return sequence.counts_clicks or any(step.opened_links for step in steps)


def _sequence(sequence_id: int) -> Sequence:
    found = session().get(Sequence, sequence_id)
    if found is None:
        abort(404)
    return found
