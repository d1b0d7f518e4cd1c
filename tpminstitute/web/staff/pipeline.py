"""The pipeline: a board of leads by stage, and moving one, with why it was lost or which course was won."""

from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.pipeline import endings
from tpminstitute.pipeline.board import BoardFilter, Column, Place, column_of, contact_of_lead
from tpminstitute.pipeline.endings import Ending, EndingProblem
from tpminstitute.pipeline.models import Lead, Stage
from tpminstitute.pipeline.service import move_back, move_lead, stages
from tpminstitute.pipeline.stages import COUNTED
from tpminstitute.pipeline.standing import Since
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, may_act, me
from tpminstitute.web.staff.ending_form import TypedEnding, ending_choices, kept_ending, number_in, typed_ending
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.undo import offer_undo

NOBODY = "nobody"
"""The choice of leads that no one looks after."""

_PURPOSE = "lead-undo"

BOARD_PLACE = ("owner", "topic", "stage", "contact")
"""The arguments by which the board (or the contact's page, for `contact`) is found again after a move."""


@staff.get("/pipeline")
def pipeline() -> str:
    """Show the board; `?owner=` and `?topic=` narrow it, `?stage=` shows one stage by pages."""
    chosen = _chosen()
    every = stages(session())
    only = id_argument("stage")
    shown = [stage for stage in every if only is None or stage.id == only]
    if not shown or (only is None and request.args.get("stage")):
        abort(404)
    after = _place(request.args.get("after", "")) if only is not None else None
    columns = [column_of(session(), stage, chosen, after) for stage in shown]
    return render_template(
        "staff/pipeline.html",
        columns=columns,
        more={column.stage.id: _more(column) for column in columns},
        stages=every,
        only=shown[0] if only is not None else None,
        paged=after is not None,
        topics=topics_of(session()),
        owners=session().scalars(select(Account).where(Account.role != Role.READER).order_by(Account.name)).all(),
        owner=request.args.get("owner", ""),
        topic=chosen.topic or "",
        narrowed=chosen != BoardFilter(),
        unread=chosen.unread,
        kept=_kept(),
        counted=COUNTED,
        now=clock.now(),
        may_act=may_act(),
    )


@staff.get(f"/pipeline/leads/<{ROW_ID}:lead_id>/move")
@acting
def ask_to_move(lead_id: int) -> str:
    """Show the form that moves a lead; `?to=` is the stage it should move to."""
    lead = session().get(Lead, lead_id)
    if lead is None:
        abort(404)
    typed = kept_ending(endings.ending_of(session(), lead_id))
    return _form(lead, typed, id_argument("to") or lead.stage_id, id_argument("from") or lead.stage_id)


@staff.post(f"/pipeline/leads/<{ROW_ID}:lead_id>/move")
@acting
def move(lead_id: int) -> Response | tuple[str, int]:
    """Move a lead; where it has to say why or which course, and didn't, it is asked."""
    lead = session().get(Lead, lead_id)
    if lead is None:
        abort(404)
    sent = request.form
    typed = typed_ending(sent)
    to, shown = number_in(sent.get("to", "")) or 0, number_in(sent.get("from", "")) or lead.stage_id
    undo = _undo_url(lead, to)
    try:
        moved = move_lead(session(), lead_id, to, me().id, typed.ending(), shown_stage_id=shown)
    except EndingProblem as problem:
        if "asked" not in sent:
            asking: dict[str, Any] = {"to": to, "from": shown, **_kept()}
            return redirect(url_for("staff.ask_to_move", lead_id=lead_id, **asking), 303)
        typed.errors[problem.field] = str(problem)
        return _form(lead, typed, to, shown), 422
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return _home(lead)
    if moved:
        stage = session().get_one(Stage, to)
        contact = session().get_one(Contact, lead.contact_id)
        offer_undo(f"{contact.name} was moved to “{stage.name}”.", undo)
    return _home(lead)


@staff.post(f"/pipeline/leads/<{ROW_ID}:lead_id>/back")
@acting
def move_lead_back(lead_id: int) -> Response:
    """Undo a move: the address says where the lead was, and how it had ended there."""
    lead = session().get(Lead, lead_id)
    to, shown = id_argument("to"), id_argument("from")
    since = _since(lead_id)
    if lead is None or to is None or shown is None or since is None or session().get(Stage, shown) is None:
        abort(404)
    args = request.args
    ending = Ending(id_argument("reason"), id_argument("date"), args.get("course", ""), args.get("note", ""))
    try:
        done = move_back(session(), settings(), lead_id, to, me().id, ending, shown_stage_id=shown, since=since)
        flash("It was moved back." if done else "It was there already.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return _home(lead)


def _form(lead: Lead, typed: TypedEnding, to: int, shown: int) -> str:
    contact = contact_of_lead(session(), lead.id)
    assert contact is not None  # a lead is somebody's
    return render_template(
        "staff/lead_move.html",
        contact=contact,
        lead=lead,
        to=to,
        shown=shown,
        stages=stages(session()),
        here=session().get_one(Stage, lead.stage_id),
        kept=_kept(),
        back_url=_home_url(lead),
        **ending_choices(typed),
    )


def _undo_url(lead: Lead, to: int) -> str:
    was = endings.ending_of(session(), lead.id)
    said: dict[str, Any] = {}
    if was is not None:
        said = {"reason": was.lost_reason_id, "date": was.course_date_id, "course": was.course, "note": was.note}
    moments = [moment and moment.isoformat() for moment in (lead.moved_at, lead.closed_at)]
    since = Signer(settings().secret_key, _PURPOSE).sign([lead.id, *moments])
    where = {"to": lead.stage_id, "from": to, "since": since, **_kept()}
    return url_for("staff.move_lead_back", lead_id=lead.id, **{k: v for k, v in (said | where).items() if v})


def _since(lead_id: int) -> Since | None:
    """Return since when a lead stood where it was, as `_undo_url` wrote it; None for what it didn't write."""
    try:
        whose, *moments = Signer(settings().secret_key, _PURPOSE).read(request.args.get("since", ""))
    except BadToken:
        return None
    return Since(*(moment and datetime.fromisoformat(moment) for moment in moments)) if whose == lead_id else None


def _chosen() -> BoardFilter:
    owner, topic = request.args.get("owner", ""), request.args.get("topic", "")
    known = topic if topic in topics_of(session()) else None
    owner_id, unread = number_in(owner), []
    if owner and owner != NOBODY and not owner_id:
        unread.append(f"“{one_line(owner, 40)}” can’t be read as “looked after by”.")
    if topic and known is None:
        unread.append(f"“{one_line(topic, 40)}” is no topic.")
    return BoardFilter(owner_id, owner == NOBODY, known, tuple(unread))


def _kept() -> dict[str, Any]:
    return {name: request.args[name] for name in BOARD_PLACE if request.args.get(name)}


def _home(lead: Lead) -> Response:
    return redirect(_home_url(lead), 303)


def _home_url(lead: Lead) -> str:
    if request.args.get("contact"):
        contact = contact_of_lead(session(), lead.id)
        assert contact is not None  # a lead is somebody's
        return url_for("staff.contact", public_id=contact.public_id)
    return url_for("staff.pipeline", **_kept(), _anchor=f"lead-{lead.id}")


def _more(column: Column) -> str | None:
    if column.more is None:
        return None
    kept = {name: text for name, text in _kept().items() if name != "stage"}
    at = f"{column.more.since.isoformat()}_{column.more.lead_id}"
    return url_for("staff.pipeline", **kept, stage=column.stage.id, after=at)


def _place(text: str) -> Place | None:
    """Return the place of a page, None for what can't be one: the first page is shown then."""
    moment, _, lead_id = text.partition("_")
    try:
        since = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    number = number_in(lead_id)
    return Place(since, number) if number is not None else None
