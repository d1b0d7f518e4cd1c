"""One thing done with many contacts at the desk: whom and what, exactly what would happen, how far it is, and undo."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.colleagues import colleagues
from tpminstitute.accounts.models import Account
from tpminstitute.core.errors import Refusal
from tpminstitute.lists import bulk as room
from tpminstitute.lists.bulk_queries import Preview, Whom, count, left_of, outcomes, preview, recent
from tpminstitute.lists.bulk_ways import NOBODY, Doing
from tpminstitute.lists.models import BulkAction, BulkKind, BulkOutcome, BulkState
from tpminstitute.pipeline.endings import EndingProblem
from tpminstitute.pipeline.service import stages
from tpminstitute.sequences.models import Sequence
from tpminstitute.sequences.tag_editing import known_tags
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.ending_form import TypedEnding, ending_choices, typed_ending
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.people import EVERYBODY, asked_for
from tpminstitute.web.staff.undo import offer_undo

MOST_TICKED = 1_000

LABELS = {
    BulkKind.ASSIGN: "Say who looks after them",
    BulkKind.TAG: "Put a tag on them",
    BulkKind.UNTAG: "Take a tag off them",
    BulkKind.MOVE: "Move their leads to a stage",
    BulkKind.STOP: "Stop their follow-ups",
}

LONGEST_TARGET = 200
"""Characters of what is to be done with many, such as a tag."""


@staff.get("/contacts/bulk")
@acting
def choose_bulk() -> str | Response:
    """Show what can be done with the ticked contacts (`contact`) or with all of a list (`whom=all`).

    With `do` and `to` it shows exactly what would happen.
    """
    meant = _meant()
    if meant is None:
        flash("Nobody was ticked. Tick somebody, or choose all of the list.", "warning")
        asked = asked_for(session())
        return redirect(asked.address() if asked else url_for("staff.people", view=EVERYBODY))
    doing, typed, shown, problem = _doing(request.args), typed_ending(request.args, "to_"), None, ""
    if doing is not None:
        try:
            shown = preview(session(), meant.whom, doing)
        except EndingProblem as asks:
            typed.errors[asks.field] = str(asks)
        except Refusal as refusal:
            problem = str(refusal)
    return _page(meant, doing, typed, shown, problem)


@staff.post("/contacts/bulk")
@acting
@acts_once("This was sent twice. It is done once.")
def begin_bulk() -> Response | tuple[str, int]:
    """Do what the preview showed, if it still is what would happen."""
    meant = _meant()
    doing, seen = _doing(request.args), request.form.get("expected", "")
    if meant is None or doing is None or not (seen.isascii() and seen.isdigit() and len(seen) < 10):
        abort(400)
    try:
        with session().begin_nested():
            action = room.begin(session(), me().id, meant.whom, doing, meant.on_record, int(seen))
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return redirect(f"{url_for('staff.choose_bulk')}?{urlencode(_parameters())}", 303)
    what = f"{action.contacts:,} contacts: {action.sentence} Whom: {meant.on_record}"
    record_audit(session(), "contacts_changed_together", what, account_id=me().id)
    offer_undo(action.sentence, url_for("staff.undo_bulk", action_id=action.id))
    return redirect(url_for("staff.bulk_action", action_id=action.id), 303)


@staff.get("/bulk")
def bulk_actions() -> str:
    """Show what was done with many contacts in the last day."""
    actions = recent(session())
    return render_template("staff/bulk_actions.html", actions=[_told(action) for action in actions])


@staff.get(f"/bulk/<{ROW_ID}:action_id>")
def bulk_action(action_id: int) -> str:
    """Show one thing that was done with many: how far it is, and who was left as they are, and why."""
    action = session().get(BulkAction, action_id)
    if action is None:
        abort(404)
    return render_template("staff/bulk_action.html", told=_told(action), left=left_of(session(), action.id))


@staff.post(f"/bulk/<{ROW_ID}:action_id>/undo")
@acting
def undo_bulk(action_id: int) -> Response:
    """Take back what was done with many; what somebody changed since stays, and the page says whose."""
    try:
        action = room.take_back(session(), action_id, me().id)
        record_audit(session(), "contacts_changed_back", f"action {action.id}: {action.sentence}", account_id=me().id)
        flash("It is taken back." if action.state is BulkState.UNDONE else "It is being taken back.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(url_for("staff.bulk_action", action_id=action_id), 303)


@dataclass(frozen=True)
class _Meant:
    """Whom an action means: the choice, in words, and in words for the record."""

    whom: Whom
    said: str
    on_record: str


def _meant() -> _Meant | None:
    """Return whom the address means; None when nobody was ticked."""
    asked = asked_for(session())
    if asked is None:
        return None
    if request.args.get("whom") == "all":
        found = asked.found(session())
        whom = Whom(asked.look.chosen, among=None if found is None else tuple(found.ids))
        return _Meant(whom, asked.words(session(), found), asked.on_record(session()))
    ticked = tuple(dict.fromkeys(request.args.getlist("contact")[:MOST_TICKED]))
    number = "The one that was ticked." if len(ticked) == 1 else f"The {len(ticked)} that were ticked."
    return _Meant(Whom(asked.look.chosen, ticked), number, number) if ticked else None


def _doing(args: Any) -> Doing | None:
    """Return what the address wants to do, or None while nothing is chosen."""
    kinds = {kind.value: kind for kind in BulkKind}
    kind = kinds.get(args.get("do", ""))
    if kind is None:
        return None
    return Doing(kind, args.get(f"to_{kind.value}", "").strip()[:LONGEST_TARGET], typed_ending(args, "to_").ending())


def _page(meant: _Meant, doing: Doing | None, typed: TypedEnding, shown: Preview | None, problem: str) -> str:
    sequences = session().query(Sequence).filter(Sequence.active).order_by(Sequence.name).all()
    carried = [pair for pair in _parameters() if pair[0] != "do" and not pair[0].startswith("to_")]
    enroll = [(each.name, _enrolling(each.id, carried)) for each in sequences]
    return render_template(
        "staff/bulk.html",
        said=meant.said,
        count=shown.contacts if shown else count(session(), meant.whom),
        labels=LABELS,
        kind=doing.kind if doing else None,
        targets={kind: request.args.get(f"to_{kind.value}", "").strip()[:LONGEST_TARGET] for kind in BulkKind},
        owners=[(NOBODY, "Nobody"), *((str(each.id), each.name) for each in colleagues(session()))],
        stages=stages(session()),
        known_tags=known_tags(session()),
        shown=shown,
        problem=problem,
        carried=carried,
        post_url=f"{url_for('staff.begin_bulk')}?{urlencode(_parameters())}",
        enroll=enroll,
        **ending_choices(typed),
    )


def _enrolling(sequence_id: int, carried: list[tuple[str, str]]) -> str:
    """Return the address of the preview of who begins a sequence, of those who are meant here."""
    everybody = ("whom", "all") in carried
    listed = [pair for pair in carried if pair[0] != "whom" and not (everybody and pair[0] == "contact")]
    return url_for("staff.preview_enrollments", sequence_id=sequence_id, list=urlencode(listed))


def _parameters() -> list[tuple[str, str]]:
    return list(request.args.items(multi=True))


def _told(action: BulkAction) -> dict[str, Any]:
    """Return an action as its page tells it."""
    numbers = outcomes(session(), action.id)
    undoing = action.state in (BulkState.UNDOING, BulkState.UNDONE)
    return {
        "action": action,
        "by": session().get_one(Account, action.account_id).name,
        "done": numbers.get(BulkOutcome.DONE, 0),
        "waiting": numbers.get(BulkOutcome.DONE if undoing else BulkOutcome.WAITING, 0),
        "undone": numbers.get(BulkOutcome.UNDONE, 0),
        "kept": numbers.get(BulkOutcome.KEPT, 0),
        "left": numbers.get(BulkOutcome.LEFT, 0),
        "working": action.state in (BulkState.RUNNING, BulkState.UNDOING),
        "undoable": room.may_take_back(action) and may_act(),
    }
