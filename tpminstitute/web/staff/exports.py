"""Handing contacts out as CSV, JSON or vCards, streamed."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response as FlaskResponse
from flask import abort, render_template, request
from sqlalchemy import select

from tpminstitute.accounts.audit import record_audit
from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.exchange.fields import EXPORTED, LABELS, OFFERED, Field
from tpminstitute.exchange.selection import Selection, batches, count
from tpminstitute.exchange.writing import FILES, FORMAT_LABELS, Format, write
from tpminstitute.lists.rows import Column
from tpminstitute.web.common import database, session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.people import asked_for

USUAL = tuple(field for field in EXPORTED if field is not Field.NOTE)
"""What is ticked at first where no list says what it shows: notes are for ourselves."""

_OF_COLUMNS = {
    Column.EMAIL: (Field.EMAIL,),
    Column.PHONE: (Field.PHONE,),
    Column.STAGE: (Field.STAGE,),
    Column.OWNER: (Field.OWNER,),
    Column.TOPIC: (Field.TOPIC,),
    Column.TAGS: (Field.TAGS,),
    Column.SOURCE: (Field.CAME_BY,),
    Column.CONSENT: (Field.CONSENT,),
    Column.TURN: (Field.TURN,),
    Column.FOLLOW_UPS: (Field.FOLLOW_UPS,),
    Column.TOUCHED: (Field.LAST_TOUCH,),
    Column.SEEN: (Field.FIRST_SEEN,),
}
"""What an export says for each column of a list."""

MOST_TICKED = 1000


@dataclass(frozen=True)
class _Meant:
    """Which contacts are meant: in words for the page, in words that may stay for good, and what their list shows."""

    selection: Selection
    words: str
    on_record: str
    columns: Sequence[Column] = ()


@staff.get("/contacts/export")
@acting
def choose_export() -> str:
    """Show what an export may hold of the contacts of a list, whose address this one repeats, or of those ticked."""
    meant = _meant()
    return render_template(
        "staff/export.html",
        count=count(session(), meant.selection),
        words=meant.words,
        formats=FORMAT_LABELS,
        fields={field: LABELS[field] for field in OFFERED},
        usual=_as_in_the_list(meant.columns) if meant.columns else USUAL,
        ticked=_ticked(),
    )


@staff.post("/contacts/export")
@acting
@asks_password
def export_contacts() -> FlaskResponse:
    """Hand the chosen contacts out, line by line, in a transaction of its own; the audit log says so first."""
    form, fields, meant = _format(), _fields(), _meant()
    number = count(session(), meant.selection)
    what = f"{number:,} contacts as {form.value}: {meant.on_record} Columns: {', '.join(fields)}"
    record_audit(session(), "contacts_exported", what, account_id=me().id)
    ending, media_type = FILES[form]
    pieces = write(form, batches(database(), meant.selection, fields), fields)
    answer = FlaskResponse(pieces, content_type=f"{media_type}; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"contacts-{clock.now():%Y-%m-%d}.{ending}")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _meant() -> _Meant:
    """Return which contacts are meant: those that were ticked, those of the list that the address asks for, or all.

    A filter that can't be read chooses nobody.
    """
    ticked = _ticked()
    if ticked:
        ids = select(Contact.id).where(Contact.public_id.in_(ticked))
        words = "The one that was ticked." if len(ticked) == 1 else f"The {len(ticked)} that were ticked."
        return _Meant(Selection((ContactCard.contact_id.in_(ids),)), words, words)
    if not request.args:
        return _Meant(Selection(), "All contacts.", "All contacts.")
    asked = asked_for(session())
    if asked is None:
        abort(404)
    where, found = asked.look.chosen.where(), asked.found(session())
    among = () if found is None else (ContactCard.contact_id.in_(found.ids),)
    words, on_record = asked.words(session(), found), asked.on_record(session())
    return _Meant(Selection((*where, *among)), words, on_record, asked.look.columns)


def _ticked() -> list[str]:
    """Return the public ids that were ticked in a list, or that a form repeats."""
    return request.values.getlist("contact")[:MOST_TICKED]


def _as_in_the_list(columns: Sequence[Column]) -> list[Field]:
    return [Field.NAME, Field.EMAIL, *(field for column in columns for field in _OF_COLUMNS[column])]


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
    return [field for field in OFFERED if field.value in ticked or field is Field.EMAIL]
