"""Saved views of the list of contacts: kept, renamed, replaced, removed, and the one that the list opens with."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.core.errors import Refusal
from tpminstitute.lists import views
from tpminstitute.lists.asking import read_chosen
from tpminstitute.lists.filters import Order
from tpminstitute.lists.models import SavedView
from tpminstitute.lists.rows import read_columns
from tpminstitute.lists.views import Look
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.people import EVERYBODY, back_to_list, read_list


@staff.post("/contacts/views")
def save_people_view() -> Response:
    """Keep the list that the form was on as a view of one's own, or shared."""
    try:
        view = views.save(session(), me(), request.form.get("name", ""), _look(), shared="shared" in request.form)
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return redirect(back_to_list(), 303)
    flash(f"The view “{view.name}” is kept.", "success")
    return redirect(_home(view), 303)


@staff.post(f"/contacts/views/<{ROW_ID}:view_id>")
def change_people_view(view_id: int) -> Response:
    """Change a view: `do` says whether it is renamed, replaced by the list on the page, or removed."""
    number = request.form.get("number", "")
    known = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    try:
        match request.form.get("do"):
            case "replace":
                view = views.replace(session(), me(), view_id, known, _look())
                flash(f"The view “{view.name}” shows this list now.", "success")
            case "remove":
                name = views.remove(session(), me(), view_id, known)
                flash(f"The view “{name}” is removed. The contacts in it are untouched.", "success")
                return redirect(url_for("staff.people", view=EVERYBODY), 303)
            case _:
                name, shared = request.form.get("name", ""), "shared" in request.form
                view = views.rename(session(), me(), view_id, known, name, shared=shared)
                flash(f"The view is called “{view.name}” now{', and everybody sees it' if shared else ''}.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
        return redirect(back_to_list(), 303)
    return redirect(_home(view), 303)


@staff.post("/contacts/views/first")
def open_people_with() -> Response:
    """Open one's own list with the view that the form was on from now on, or with everybody."""
    typed = request.form.get("view", "")
    view_id = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None
    try:
        views.open_with(session(), me(), view_id)
        flash("Your list opens with this view from now on.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(back_to_list(), 303)


def _look() -> Look:
    """Return the list that the form was on, read from its address."""
    given = read_list(request.form.get("list", ""))
    order = given.get("order", "")
    return Look(
        read_chosen(given, settings().institute_zone, me().id),
        Order(order) if order in set(Order) else Order.TOUCHED_LAST,
        read_columns(request.form.getlist("column")),
    )


def _home(view: SavedView) -> str:
    return url_for("staff.people", view=view.id)
