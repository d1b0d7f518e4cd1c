"""Contacts that may be one person: the list, what a merge would do, the merge, and undoing it."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_address, by_public_id
from tpminstitute.core.errors import Refusal
from tpminstitute.merging import duplicates as finding
from tpminstitute.merging import service
from tpminstitute.merging.choices import LEAD, Choices, Side
from tpminstitute.merging.models import Merge, PairState, RowChange
from tpminstitute.merging.preview import Preview, in_words, preview
from tpminstitute.merging.queries import changed_rows, known_as, merge_row, merges_page, pair_of, pairs_page
from tpminstitute.merging.restoring import STALE_MAIL
from tpminstitute.merging.undoing import unmerge, why_not
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, may_act, me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.one_contact import contact_or_404
from tpminstitute.web.staff.undo import offer_undo

TABS = (("", "To look at"), ("dismissed", "Two people"), ("merged", "Merged"))

CHANGED_MEANWHILE = "Something about the two has changed since you opened this page. Look again, then merge."


@staff.get("/duplicates")
def duplicates() -> str:
    """List pairs that may be one person; `?show=` the dismissed ones or the merges, `?after=`/`?before=` the page."""
    show = request.args.get("show", "")
    if show == "merged":
        page = merges_page(session(), id_argument("before"))
        older = url_for("staff.duplicates", show=show, before=page.older) if page.older else None
        known = known_as(session(), [row.id for row in page.merges])
        return render_template(
            "staff/duplicates.html", tabs=TABS, show=show, merges=page.merges, known=known, older_url=older
        )
    state = PairState.DISMISSED if show == "dismissed" else PairState.OPEN
    pairs = pairs_page(session(), state, request.args.get("after", ""))
    place: dict[str, Any] = {"show": show} if show else {}
    older = url_for("staff.duplicates", after=pairs.older, **place) if pairs.older else None
    return render_template(
        "staff/duplicates.html", tabs=TABS, show=show, page=pairs, older_url=older, may_act=may_act()
    )


@staff.post(f"/duplicates/<{ROW_ID}:pair_id>/dismiss")
@acting
def dismiss_pair(pair_id: int) -> Response:
    """Say that two contacts are two people."""
    try:
        finding.dismiss(session(), pair_id, me().id)
        offer_undo("They are two people.", url_for("staff.take_up_pair", pair_id=pair_id))
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(_back(), 303)


@staff.post(f"/duplicates/<{ROW_ID}:pair_id>/take-up")
@acting
def take_up_pair(pair_id: int) -> Response:
    """Take back that two contacts are two people."""
    try:
        finding.take_up(session(), pair_id)
        flash("The pair is on the list again.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(_back(), 303)


@staff.get("/merge")
def preview_merge() -> str | Response:
    """Show what a merge of `?one=` and `?other=` would do; `?address=` names the other one by an address."""
    if not may_act():
        abort(403)
    one = _contact(request.args.get("one", ""))
    other = _by_address(request.args["address"]) if "address" in request.args else None
    if "address" in request.args and other is None:
        flash("Nobody has that address. Look it up in the search, and copy it from there.", "warning")
        return redirect(url_for("staff.contact", public_id=one.public_id), 303)
    other = other or _contact(request.args.get("other", ""))
    if one.id == other.id:
        flash("That is the same contact already: there is nothing to merge.", "warning")
        return redirect(url_for("staff.contact", public_id=one.public_id), 303)
    return _preview_page(preview(session(), one.id, other.id))


@staff.post("/merge")
@acting
def merge_contacts() -> Response | tuple[str, int]:
    """Merge two contacts as it was chosen; what has changed since the page was made is shown first."""
    one, other = (_contact(request.form.get(name, "")) for name in ("one", "other"))
    if one.id == other.id:
        flash("They were merged already.", "warning")
        return redirect(url_for("staff.contact", public_id=one.public_id), 303)
    told = preview(session(), one.id, other.id)
    if told.seen != request.form.get("seen"):
        return _preview_page(told, CHANGED_MEANWHILE), 409
    merge_id = service.merge(session(), one.id, other.id, _choices(told), me().id)
    offer_undo("The two are one contact now.", url_for("staff.undo_merge", merge_id=merge_id))
    return redirect(url_for("staff.contact", public_id=told.first.public_id), 303)


@staff.get(f"/merges/<{ROW_ID}:merge_id>")
def merge_record(merge_id: int) -> str:
    """Show one merge: who, when, how much of what; and what undoing it would do."""
    row = merge_row(session(), merge_id)
    if row is None:
        abort(404)
    against = why_not(session(), session().get_one(Merge, merge_id))
    changes = changed_rows(session(), merge_id)
    moved = {table: number for table, change, number in changes if change is RowChange.CHANGED}
    return render_template(
        "staff/merge_record.html",
        row=row,
        against=against,
        known=known_as(session(), [merge_id]).get(merge_id),
        moved=in_words(moved),
        may_act=may_act(),
        stale_days=STALE_MAIL.days,
    )


@staff.post(f"/merges/<{ROW_ID}:merge_id>/undo")
@acting
def undo_merge(merge_id: int) -> Response:
    """Make two contacts of one again."""
    row = merge_row(session(), merge_id)
    if row is None:
        abort(404)
    unmerge(session(), merge_id, me().id)
    flash("They are two contacts again, as they were.", "success")
    return redirect(url_for("staff.contact", public_id=row.merged_public_id), 303)


def _preview_page(told: Preview, problem: str = "") -> str:
    pair = pair_of(session(), told.first.id, told.second.id)
    return render_template(
        "staff/merge.html",
        told=told,
        chosen={choice.name: _side(choice.name) or choice.side for choice in told.choices},
        problem=problem,
        pair=pair if pair is not None and pair.state is PairState.OPEN else None,
    )


def _choices(told: Preview) -> Choices:
    """Return what was chosen on the page; what wasn't stays as it was proposed."""
    sides = {choice.name: _side(choice.name) or choice.side for choice in told.choices}
    runs = {int(name.partition(":")[2]): side for name, side in sides.items() if name.startswith("run:")}
    fields = {name: side for name, side in sides.items() if name != LEAD and not name.startswith("run:")}
    return Choices(fields, sides.get(LEAD, Side.FIRST), runs)


def _side(name: str) -> Side | None:
    said = request.form.get(name, "")
    return Side(said) if said in list(Side) else None


def _contact(public_id: str) -> Contact:
    found = contact_or_404(public_id)
    if found.gone:
        abort(404)
    return found


def _by_address(typed: str) -> Contact | None:
    try:
        found = by_address(session(), read_email(typed).key)
    except AddressError:
        return None
    return None if found is None or found.gone else found


def _back() -> str:
    """Return the page that a pair was decided on: the contact's, if it was there, else the list."""
    contact = by_public_id(session(), request.form.get("contact", ""))
    return url_for("staff.contact", public_id=contact.public_id) if contact else url_for("staff.duplicates")
