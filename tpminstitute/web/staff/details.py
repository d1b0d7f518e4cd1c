"""Who a contact is: changed on their page, and put in by hand for who didn't write."""

from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.identity import AddressError, read_email, read_phone
from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.notes import LONGEST as LONGEST_NOTE
from tpminstitute.contacts.notes import NoteError, add_note
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, visible
from tpminstitute.inbox.details import Details, Known, StaleContact, add_by_hand, change_details
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, me
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.contact_page import contact_page
from tpminstitute.web.staff.one_contact import held_contact, to_contact
from tpminstitute.web.staff.typed import DetailsText, Typed

LONGEST_NAME, LONGEST_EMAIL, LONGEST_PHONE = 200, 320, 60


class Unread(Refusal):
    """What was typed can't be read; `field` is where."""

    def __init__(self, field: str, sentence: str) -> None:
        """Say in which field, and what to do."""
        super().__init__(sentence)
        self.field = field


@staff.post("/contacts/<public_id>/details")
@acting
def change_contact(public_id: str) -> Response | tuple[str, int]:
    """Change a contact's name, address or phone number; where a colleague did so meanwhile, both are shown."""
    contact, typed = held_contact(public_id), _typed()
    try:
        changed = change_details(session(), settings(), contact, _read(typed), typed.number, me().id)
    except Unread as problem:
        return contact_page(contact, Typed(details=replace(typed, problem=str(problem), field=problem.field))), 422
    except StaleContact as problem:
        theirs = (contact.name, contact.email, contact.phone_typed)
        text = replace(typed, problem=str(problem), number=contact.number, theirs=theirs)
        return contact_page(contact, Typed(details=text)), 409
    except Refusal as problem:
        return contact_page(contact, Typed(details=replace(typed, problem=str(problem), field="email"))), 409
    flash("It was kept." if changed else "It was so already. Nothing was changed.", "success")
    return to_contact(public_id)


@staff.get("/contacts/new")
@acting
def new_contact() -> str:
    """Ask who somebody is who didn't write, such as a caller."""
    return _new(DetailsText(), "")


@staff.post("/contacts/new")
@acting
@acts_once("This was sent twice. They were put in once.")
def add_contact() -> Response | tuple[str, int]:
    """Put somebody in; who is known already is shown instead, with the note that was written."""
    typed, note = _typed(), request.form.get("note", "").replace("\r\n", "\n")
    try:
        contact, known = _put_in(_read(typed))
        if note.strip():
            add_note(session(), contact.id, note, me().id)
    except Unread as problem:
        return _new(replace(typed, problem=str(problem), field=problem.field), note), 422
    except NoteError as problem:
        return _new(replace(typed, problem=str(problem), field="note"), note), 422
    if known is None:
        flash("They are put in.", "success")
    elif note.strip():
        flash("There is a contact with this address already. This is their page, and your note is on it.", "success")
    else:
        flash(f"{known} This is their page.", "warning")
    return redirect(url_for("staff.contact", public_id=contact.public_id), 303)


def _put_in(details: Details) -> tuple[Contact, Known | None]:
    """Return whose address it is, put in now unless they are known already."""
    try:
        return add_by_hand(session(), details, me().id), None
    except Known as known:
        return held_contact(known.public_id), known


def _new(typed: DetailsText, note: str) -> str:
    return render_template("staff/contact_new.html", details=typed, note=note, longest_note=LONGEST_NOTE)


def _typed() -> DetailsText:
    number = request.form.get("number", "")
    return DetailsText(
        name=request.form.get("name", "").strip(),
        email=request.form.get("email", "").strip(),
        phone=request.form.get("phone", "").strip(),
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0,
    )


def _read(typed: DetailsText) -> Details:
    name = one_line(typed.name, LONGEST_NAME)
    if not name:
        raise Unread("name", "Write a name: it is what everybody finds them by.")
    if len(typed.name) > LONGEST_NAME:
        raise Unread("name", f"Shorten the name to {LONGEST_NAME} characters: it has {len(typed.name)}.")
    try:
        email = read_email(typed.email[: LONGEST_EMAIL + 1])
    except AddressError as problem:
        raise Unread("email", str(problem)) from None
    if visible(email.address) != email.address:
        raise Unread("email", "Remove the invisible character from the address: no mail can be sent to it.")
    if len(typed.phone) > LONGEST_PHONE or one_line(typed.phone, LONGEST_PHONE) != typed.phone:
        raise Unread("phone", f"Write the phone number on one line of at most {LONGEST_PHONE} characters.")
    try:
        e164 = read_phone(typed.phone) if typed.phone else None
    except AddressError as problem:
        raise Unread("phone", str(problem)) from None
    return Details(name, email, typed.phone, e164)
