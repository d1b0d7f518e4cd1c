"""The addresses that must not be mailed: the list, closing one by hand, and the considered way off it."""

from collections.abc import Iterator
from typing import Any

from flask import Response as FlaskResponse
from flask import abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, EmailField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from tpminstitute.accounts.service import record_audit
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.sheets import csv_lines
from tpminstitute.inbox.addresses import LONGEST_NOTE, Reopening, close_by_hand, reopen
from tpminstitute.mail.closed_addresses import ClosedAddress, closed_address, closed_page, every_closed_address
from tpminstitute.mail.models import Suppression, SuppressionReason
from tpminstitute.web.common import database, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, id_argument, may_act, me
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.messages import ROW_ID

KINDS = {
    SuppressionReason.HARD_BOUNCE: ("Bounced", "red"),
    SuppressionReason.COMPLAINT: ("Complaint", "red"),
    SuppressionReason.OPT_OUT: ("Unsubscribed", "grey"),
    SuppressionReason.BY_HAND: ("By hand", "amber"),
}

MEANINGS = {
    SuppressionReason.HARD_BOUNCE: "Nothing is sent to it. Open it only when you know that the mailbox takes mail "
    "again, for example because the person wrote from it. If mail comes back once more, the address is closed again.",
    SuppressionReason.COMPLAINT: "Nothing is sent to it. Somebody there told their mail provider that a mail of ours "
    "is spam; one more such word harms every mail we send. Open it only if the person asked for it in writing.",
    SuppressionReason.OPT_OUT: "No follow-ups are sent to it; answers to what the person sends us are. Only the "
    "person can undo this: by the link in any of the mails, or by asking you. Opening it here records no new consent.",
    SuppressionReason.BY_HAND: "Nothing is sent to it. Ask whoever closed it before you open it, if you can.",
}

HEADING = ("address", "kind", "reason", "note", "closed at (UTC)", "closed by")


class CloseForm(FlaskForm):
    """An address, and why it is closed."""

    email = EmailField("Address", validators=[InputRequired("Write the address to close."), Length(max=320)])
    note = StringField(
        "Why",
        validators=[
            InputRequired("Write why it is closed: whoever looks later will want to know."),
            Length(max=LONGEST_NOTE),
        ],
    )

    def validate_email(self, field: EmailField) -> None:
        """Take only what can be an address."""
        try:
            read_email(field.data or "")
        except AddressError as problem:
            raise ValidationError(str(problem)) from None


class ReopenForm(FlaskForm):
    """Why an address is opened again, and what its kind asks for beside."""

    reason = StringField(
        "Why",
        validators=[
            InputRequired("Write why it is opened again: whoever looks later will want to know."),
            Length(max=LONGEST_NOTE),
        ],
    )
    typed = StringField("The address once more", validators=[Length(max=320)])
    asked = BooleanField("The person asked for it")


@staff.get("/suppressions")
def suppressions() -> str:
    """Show the list, newest first; `?q=` searches it, `?before=`/`?after=` turn its pages."""
    return _list(CloseForm(formdata=None) if may_act() else None)


@staff.post("/suppressions")
@acting
def close_address() -> Response | tuple[str, int]:
    """Close an address by hand."""
    form = CloseForm()
    if not form.validate():
        return _list(form), 422
    address = read_email(form.email.data or "")
    try:
        close_by_hand(session(), address, form.note.data or "", me().id)
    except Refusal as refusal:
        form.email.errors = [*form.email.errors, str(refusal)]
        return _list(form), 422
    flash(f"{address.address} is closed. Follow-ups that ran to it were stopped.", "success")
    return redirect(url_for("staff.suppressions"), 303)


@staff.get(f"/suppressions/<{ROW_ID}:suppression_id>")
def suppression(suppression_id: int) -> str:
    """Show one address on the list, what its kind means, and the way off it."""
    return _one(_found(suppression_id), ReopenForm(formdata=None))


@staff.post(f"/suppressions/<{ROW_ID}:suppression_id>/reopen")
@acting
def reopen_address(suppression_id: int) -> Response | tuple[str, int]:
    """Take an address off the list."""
    closed = _found(suppression_id)
    form = ReopenForm()
    if not form.validate():
        return _one(closed, form), 422
    said = Reopening(form.reason.data or "", form.typed.data or "", bool(form.asked.data))
    try:
        outcome = reopen(session(), session().get_one(Suppression, closed.id), said, me().id)
    except Refusal as refusal:
        field = {SuppressionReason.COMPLAINT: form.typed, SuppressionReason.OPT_OUT: form.asked}.get(
            closed.reason, form.reason
        )
        field.errors = [*field.errors, str(refusal)]
        return _one(closed, form), 422
    flash(outcome, "success")
    return redirect(url_for("staff.suppressions"), 303)


@staff.post("/suppressions/export")
@acting
@asks_password
def export_suppressions() -> FlaskResponse:
    """Hand out the list, or what a search finds in it, as CSV, line by line."""
    search = request.form.get("q", "").strip()
    record_audit(session(), "suppressions_exported", "what a search found" if search else "all", account_id=me().id)
    answer = FlaskResponse(_csv(database(), search), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=closed-addresses-{clock.now():%Y-%m-%d}.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _csv(db: Database, search: str) -> Iterator[str]:
    rows = every_closed_address(db, search)
    return csv_lines(
        HEADING,
        (
            (row.email_key, KINDS[row.reason][0], row.sentence, row.note, f"{row.at:%Y-%m-%d %H:%M}", row.by)
            for row in rows
        ),
    )


def _list(form: CloseForm | None) -> str:
    search = request.args.get("q", "").strip()[:320]
    page = closed_page(session(), search, before=id_argument("before"), after=id_argument("after"))
    place: dict[str, Any] = {"q": search} if search else {}
    return render_template(
        "staff/suppressions.html",
        rows=page.rows,
        kinds=KINDS,
        search=search,
        form=form,
        older_url=url_for("staff.suppressions", before=page.older, **place) if page.older else None,
        newer_url=url_for("staff.suppressions", after=page.newer, **place) if page.newer else None,
    )


def _one(closed: ClosedAddress, form: ReopenForm) -> str:
    return render_template(
        "staff/suppression.html",
        closed=closed,
        kind=KINDS[closed.reason],
        meaning=MEANINGS[closed.reason],
        form=form if may_act() else None,
    )


def _found(suppression_id: int) -> ClosedAddress:
    closed = closed_address(session(), suppression_id)
    if closed is None:
        abort(404)
    return closed
