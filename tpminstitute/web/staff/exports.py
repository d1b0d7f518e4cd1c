"""Handing contacts out as CSV, JSON or vCards, streamed."""

from collections.abc import Sequence

from flask import Response as FlaskResponse
from flask import render_template, request
from sqlalchemy import select

from tpminstitute.accounts.audit import record_audit
from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.exchange.fields import EXPORTED, LABELS, Field
from tpminstitute.exchange.selection import Selection, batches, count
from tpminstitute.exchange.writing import FILES, FORMAT_LABELS, Format, write
from tpminstitute.web.common import database, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.people import asked_for

USUAL = tuple(field for field in EXPORTED if field is not Field.NOTE)
"""What is ticked at first: notes are for ourselves."""

MOST_TICKED = 1000


@staff.get("/contacts/export")
@acting
def choose_export() -> str:
    """Show what an export may hold, of the contacts that the address chooses."""
    selection, words = _selection()
    return render_template(
        "staff/export.html",
        count=count(session(), selection),
        words=words,
        formats=FORMAT_LABELS,
        fields={field: LABELS[field] for field in EXPORTED},
        usual=USUAL,
        ticked=request.args.getlist("contact"),
    )


@staff.post("/contacts/export")
@acting
def export_contacts() -> FlaskResponse:
    """Hand the chosen contacts out, line by line, in a transaction of its own; the audit log says so first."""
    form, fields = _format(), _fields()
    selection, words = _selection()
    number = count(session(), selection)
    what = f"{number:,} contacts as {form.value}: {words} Columns: {', '.join(fields)}"
    record_audit(session(), "contacts_exported", what, account_id=me().id)
    ending, media_type = FILES[form]
    answer = FlaskResponse(
        write(form, batches(database(), selection, fields), fields), content_type=f"{media_type}; charset=utf-8"
    )
    answer.headers.set("Content-Disposition", "attachment", filename=f"contacts-{clock.now():%Y-%m-%d}.{ending}")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _selection() -> tuple[Selection, str]:
    """Return which contacts are meant, and in words: those that were ticked, or those that the address' filters choose.

    A filter that can't be read chooses nobody.
    """
    ticked = request.values.getlist("contact")[:MOST_TICKED]
    if ticked:
        ids = select(Contact.id).where(Contact.public_id.in_(ticked))
        return Selection((ContactCard.contact_id.in_(ids),)), f"The {len(ticked)} that were ticked."
    asked = asked_for(session())
    if asked is None:
        raise Refusal("The view that this list came from is gone. Nothing was exported.")
    found = asked.found(session())
    among = () if found is None else (ContactCard.contact_id.in_(found),)
    return Selection((*asked.look.chosen.where(), *among)), asked.words(session())


def _format() -> Format:
    name = request.form.get("format", Format.CSV.value)
    if name not in set(Format):
        raise Refusal("Choose one of the formats. Nothing was exported.")
    return Format(name)


def _fields() -> Sequence[Field]:
    """Return the columns that were ticked, in our order; an address is always among them, so that it imports back."""
    ticked = set(request.form.getlist("field"))
    if not ticked:
        return USUAL
    return [field for field in EXPORTED if field.value in ticked or field is Field.EMAIL]
