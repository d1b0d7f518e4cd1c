"""What is held about somebody, shown to themselves: the form that mails the link, and the page behind it."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.contacts.identity import AddressError, EmailAddress, read_email
from tpminstitute.core import clock, zones
from tpminstitute.core.text import visible
from tpminstitute.inbox import opt_out
from tpminstitute.inbox.story import Place
from tpminstitute.merging.service import address_keys
from tpminstitute.own_page import told
from tpminstitute.own_page.addresses import wish_for_address
from tpminstitute.own_page.asking import TooOften, ask_by_address, ask_from_page
from tpminstitute.own_page.calls import calls_of
from tpminstitute.own_page.changes import furthest
from tpminstitute.own_page.erasing import due_of
from tpminstitute.own_page.links import LASTS, OPENS_ALL, Closed, Opened, open_link
from tpminstitute.privacy.erasing import shells_of
from tpminstitute.sequences import wishes
from tpminstitute.sequences.mails import unsubscribe_url
from tpminstitute.web.common import own_page_sent_it, session, settings, topics
from tpminstitute.web.site import site
from tpminstitute.web.site.comments import private

LONGEST_EMAIL = 320
_LARGEST_ID = 2**62

SAID = {
    "fresh": "A fresh link is on its way to your address, if it wasn’t sent three times today already.",
    "kept": "It was kept.",
    "asked": "You are erased in a day. A mail says when, and how to take it back.",
    "stays": "You took it back: nothing is erased. Follow-ups that it stopped go on.",
    "void": "Links in earlier mails open nothing any more.",
    "address": "A mail with a link is on its way to the new address. Our mails go there once you confirm it.",
    "call": "Your wish for a call was kept. It stands below, with what happens next.",
    "same": "It was so already. Nothing was changed.",
}
"""What the page says after it was sent back to, by the word in its address."""


@site.get("/me")
def ask_for_own_page() -> Response:
    """Ask for the address that the link is mailed to, or say that it was."""
    return _form(sent="sent" in request.args)


@site.post("/me")
def mail_own_link() -> BaseResponse:
    """Mail a link to who has the address; whether anybody has isn't told, in words or otherwise."""
    typed = request.form.get("email", "").strip()
    if not own_page_sent_it():
        return _form(typed, "This was sent from another site, so nothing was done. Please press the button here.", 403)
    try:
        email = read_typed(typed)
    except AddressError as problem:
        return _form(typed, str(problem), 422)
    try:
        ask_by_address(session(), settings(), email, request.remote_addr or "")
    except TooOften as refusal:
        return _form(typed, str(refusal), 429)
    return redirect(url_for("site.ask_for_own_page", sent=""), 303)


@site.get("/me/<token>")
def own_page(token: str) -> Response:
    """Show a person what is held about them, as far as their link opens it."""
    opened = open_link(session(), settings(), token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    return page(opened, token, SAID.get(request.args.get("done", ""), ""))


@site.post("/me/<token>/fresh")
def mail_fresh_link(token: str) -> BaseResponse:
    """Mail a fresh link to the address of whoever has an older one."""
    opened = opened_for_change(token)
    if isinstance(opened, Closed):
        return closed_page(opened, token)
    ask_from_page(session(), settings(), opened.contact)
    return back(token, "fresh")


def opened_for_change(token: str, *, all: bool = False) -> Opened | Closed:
    """Return what a link opens that something is to be changed by; raises `Forbidden` for a form of another site.

    Parameters: `all`, whether it takes a link that opens everything.
    """
    if not own_page_sent_it():
        raise Forbidden
    return open_link(session(), settings(), token, lock=True, all=all)


def back(token: str, done: str) -> BaseResponse:
    """Lead back to the page, which says what was done."""
    return redirect(url_for("site.own_page", token=token, done=done), 303)


def closed_page(closed: Closed, token: str, days: int = LASTS.days) -> Response:
    """Say kindly that a link doesn't open this, and how to get one that does.

    Parameters: `days`, how long such a link lasts; 0 for one that lasts an hour.
    """
    status = {Closed.UNKNOWN: 404, Closed.OVER: 410, Closed.ERASED: 200, Closed.NOT_FRESH: 403}[closed]
    shown = render_template("site/me_closed.html", closed=closed.value, token=token, days=days)
    return private(make_response(shown, status))


def page(opened: Opened, token: str, said: str = "", problem: str = "", status: int = 200, **typed: Any) -> Response:
    """Show the page: `said` is what was done, `problem` why something wasn't, `typed` what was typed meanwhile."""
    contact, reading = opened.contact, session()
    kept = wishes.wishes_of(reading, contact.id)
    place = _place()
    keys = address_keys(reading, [contact.id, *shells_of(reading, contact.id)]) if opened.all else []
    shown = render_template(
        "site/me.html",
        token=token,
        contact=contact,
        opened=opened,
        said=said,
        problem=problem,
        typed=typed,
        minutes=int(OPENS_ALL.total_seconds()) // 60,
        known=told.known_of(reading, settings(), contact, all=opened.all),
        talk=told.talk_of(reading, contact, place, all=opened.all),
        later_page=place != Place(),
        to_come=told.to_come(reading, settings(), contact),
        zone=told.by_their_clock(settings(), contact),
        calls=calls_of(reading, settings(), contact),
        agreed=told.agreed_of(reading, contact),
        along=told.along_of(reading, contact) if opened.all else [],
        remarks=told.remarks_of(reading, keys),
        waits=told.waits_of(reading, contact) if opened.all else [],
        paused_until=wishes.pause_end(kept),
        topic=told.topic_of(reading, contact),
        topics=topics().offered,
        places=zones.places(),
        days=furthest(settings(), contact, clock.now()),
        erased_at=due_of(reading, contact),
        new_address=wish_for_address(reading, contact) if opened.all else None,
        stays_away=opt_out.stays_away(reading, contact),
        unsubscribe_url=unsubscribe_url(settings(), contact).removeprefix(settings().public_url),
    )
    return private(make_response(shown, status))


def _form(typed: str = "", problem: str = "", status: int = 200, *, sent: bool = False) -> Response:
    shown = render_template(
        "site/me_form.html", typed=typed[:LONGEST_EMAIL], problem=problem, sent=sent, minutes=60, longest=LONGEST_EMAIL
    )
    return private(make_response(shown, status))


def read_typed(typed: str) -> EmailAddress:
    """Return the address that somebody typed; raises `AddressError` for what can't be one, or holds what isn't seen."""
    email = read_email(typed[: LONGEST_EMAIL + 1])
    if visible(email.address) != email.address:
        raise AddressError("Remove the invisible character from the address: no mail can be sent to it.")
    return email


def _place() -> Place:
    """Return where the page of the conversation begins; what can't be a place is the newest page."""
    return Place(**{name: _id(request.args.get(name, "")) for name in ("fact", "said", "note", "heard", "asked")})


def _id(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 and int(typed) < _LARGEST_ID else None
