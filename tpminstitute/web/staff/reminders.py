"""Reminders at the desk: set about a contact, listed, changed, put off, done, and each of it undone."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import by_public_id
from tpminstitute.core import clock, zones
from tpminstitute.core.errors import Refusal
from tpminstitute.pipeline import reminder_lists, reminders
from tpminstitute.pipeline.reminder_lists import Page, Place
from tpminstitute.pipeline.reminders import LONGEST, ReminderError, StaleReminder
from tpminstitute.pipeline.snoozing import Snooze, morning_of, until
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, list_place, may_act, me, today_place, today_url
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.one_contact import contact_or_404, to_contact
from tpminstitute.web.staff.reminder_views import (
    ReminderForm,
    empty_reminder,
    holders,
    read_moment,
    typed_reminder,
    written_moment,
)
from tpminstitute.web.staff.today_views import clock_of, snoozes
from tpminstitute.web.staff.undo import offer_undo

SHOWS = {"mine": "Mine", "all": "Everybody’s", "done": "Done"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"([0-9]{1,17})-([0-9]{1,9})")


@staff.get("/reminders")
def reminder_list() -> str:
    """Show reminders: `?show=` chooses one's own, everybody's or those that are done; `?after=` turns the page."""
    show = request.args.get("show", "mine")
    show = show if show in SHOWS else "mine"
    place = _place(request.args.get("after", ""))
    page: Page
    if show == "done":
        page = reminder_lists.done_page(session(), before=place)
    else:
        page = reminder_lists.open_page(session(), for_id=me().id if show == "mine" else None, after=place)
    return render_template(
        "staff/reminders.html",
        shows=SHOWS,
        show=show,
        lines=page.lines,
        next_url=url_for("staff.reminder_list", show=show, after=_written(page.next)) if page.next else None,
        top_url=url_for("staff.reminder_list", show=show) if place else None,
        now=clock.now(),
        zone=settings().institute_zone,
        snoozes=snoozes(),
        may_act=may_act(),
    )


@staff.post("/contacts/<public_id>/reminders")
@acting
@acts_once("This reminder was sent twice, and set once.")
def set_reminder(public_id: str) -> Response | tuple[str, int]:
    """Set a reminder about a contact; one that can't be kept comes back as it was typed."""
    contact, form = contact_or_404(public_id), typed_reminder()
    try:
        reminder = reminders.remind(session(), settings(), contact.id, form.wanted(), me().id)
    except ReminderError as error:
        form.errors[error.field] = str(error)
        return _form_page(contact, form, url_for("staff.set_reminder", public_id=public_id)), 422
    when = url_for("staff.take_reminder_back", public_id=reminder.public_id, back=public_id)
    offer_undo("The reminder is set.", when)
    return to_contact(public_id)


@staff.get("/reminders/<public_id>")
def edit_reminder(public_id: str) -> str:
    """Show one reminder, to be changed."""
    line = reminder_lists.one(session(), public_id)
    if line is None:
        abort(404)
    due = written_moment(line.due_at, settings().institute_zone)
    form = ReminderForm(line.text, due, str(line.for_id), line.number)
    return _form_page(contact_or_404(line.contact_public_id), form, _address(public_id), line)


@staff.post("/reminders/<public_id>")
@acting
def change_reminder(public_id: str) -> Response | tuple[str, int]:
    """Keep a reminder as it was typed; what a colleague changed in between is shown beside it."""
    line, form = reminder_lists.one(session(), public_id), typed_reminder()
    if line is None:
        abort(404)
    contact = contact_or_404(line.contact_public_id)
    try:
        changed = reminders.change(session(), settings(), public_id, form.wanted(), me().id, number=form.number)
    except ReminderError as error:
        form.errors[error.field] = str(error)
        return _form_page(contact, form, _address(public_id), line), 422
    except StaleReminder as refusal:
        form.number = refusal.kept.number
        return _form_page(contact, form, _address(public_id), line, stale=str(refusal)), 409
    flash("The reminder is changed." if changed else "It says so already. Nothing was changed.", "success")
    return _back()


@staff.post("/reminders/<public_id>/done")
@acting
def finish_reminder(public_id: str) -> Response:
    """Say that what it asks for is done."""

    def finish() -> None:
        if reminders.finish(session(), public_id, me().id):
            offer_undo("The reminder is done.", _undo("staff.reopen_reminder", public_id))
        else:
            flash("It was done already. Nothing was changed.", "warning")

    return _change(finish)


@staff.post("/reminders/<public_id>/open")
@acting
def reopen_reminder(public_id: str) -> Response:
    """Take back that it is done."""

    def reopen() -> None:
        reminders.reopen(session(), public_id, me().id)
        flash("The reminder waits again.", "success")

    return _change(reopen)


@staff.post("/reminders/<public_id>/snooze")
@acting
@acts_once("This was sent twice. The reminder was put off once.")
def snooze_reminder(public_id: str) -> Response:
    """Put it off `until` an hour from now, tomorrow, Monday, or a `day`; the next page offers to take it back."""

    def snooze() -> None:
        before = reminders.by_public_id(session(), public_id)
        due_at = before.due_at if before else clock.now()
        reminder = reminders.snooze(session(), settings(), public_id, _until(), me().id)
        due = written_moment(due_at, settings().institute_zone)
        again = _undo("staff.put_reminder_back", public_id, due=due, number=reminder.number)
        offer_undo("The reminder is put off.", again)

    return _change(snooze)


@staff.post("/reminders/<public_id>/put-back")
@acting
def put_reminder_back(public_id: str) -> Response:
    """Take a putting off back: it is `due` when it was before."""

    def put_back() -> None:
        due = read_moment(request.args.get("due", ""), settings().institute_zone)
        number = request.args.get("number", type=int)
        if due is None or number is None:
            abort(400)
        reminders.put_back(session(), settings(), public_id, due, me().id, number=number)
        flash("The reminder is due as before.", "success")

    return _change(put_back)


@staff.post("/reminders/<public_id>/take-back")
@acting
def take_reminder_back(public_id: str) -> Response:
    """Take back that it was set."""

    def take_back() -> None:
        reminders.take_back(session(), public_id, me().id)
        flash("The reminder is gone.", "success")

    return _change(take_back)


@staff.app_template_global("remind_tool")
def remind_tool(public_id: str) -> dict[str, Any]:
    """Return what the tool on a contact's page needs: their open reminders, and an empty form."""
    contact = contact_or_404(public_id)
    return {
        "lines": reminder_lists.of_contact(session(), contact.id),
        "form": empty_reminder(),
        "holders": holders(),
        "now": clock.now(),
        "zone": settings().institute_zone,
        "snoozes": snoozes(),
        "longest": LONGEST,
        "may_act": may_act(),
        "url": url_for("staff.set_reminder", public_id=public_id, **list_place()),
    }


@staff.app_template_filter("due_clock")
def due_clock(due: datetime) -> Markup:
    """Return when a reminder is due as a `<time>` element, in the words of the page of today."""
    zone = settings().institute_zone
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        due.isoformat(timespec="seconds"), zones.written(due, zone), clock_of(due, clock.now(), zone)
    )


def _form_page(
    contact: Contact,
    form: ReminderForm,
    url: str,
    line: reminder_lists.Line | None = None,
    stale: str = "",
) -> str:
    return render_template(
        "staff/reminder.html",
        contact=contact,
        form=form,
        url=url,
        line=line,
        stale=stale,
        holders=holders(also=line.for_id if line else None),
        longest=LONGEST,
        now=clock.now(),
        zone=settings().institute_zone,
        may_act=may_act(),
    )


def _change(change: Callable[[], None]) -> Response:
    try:
        change()
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return _back()


def _back() -> Response:
    """Lead back to the page that was left: a contact's, the list of reminders, or that of today."""
    back = request.args.get("back", "")
    if back in SHOWS:
        return redirect(url_for("staff.reminder_list", show=back), 303)
    if back and by_public_id(session(), back) is not None:
        return redirect(url_for("staff.contact", public_id=back), 303)
    return redirect(today_url(), 303)


def _undo(endpoint: str, public_id: str, **values: Any) -> str:
    return url_for(endpoint, public_id=public_id, back=request.args.get("back"), **values, **today_place())


def _address(public_id: str) -> str:
    return url_for("staff.change_reminder", public_id=public_id, back=request.args.get("back"))


def _until() -> datetime:
    way = request.form.get("until", "")
    if way in set(Snooze):
        return until(Snooze(way), clock.now(), settings().institute_zone)
    try:
        return morning_of(date.fromisoformat(request.form.get("day", "")), settings().institute_zone)
    except (ValueError, OverflowError):
        raise Refusal("Choose a day for it. Nothing was changed.") from None


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    try:
        return Place(_EPOCH + timedelta(microseconds=int(found[1])), int(found[2]))
    except OverflowError:
        return None


def _written(place: Place) -> str:
    return f"{(place.at - _EPOCH) // timedelta(microseconds=1)}-{place.id}"
