"""The page of today: what needs a person, oldest promise first, with what can be done about it right there."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.service import locked
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal
from tpminstitute.core.tokens import BadToken, Signer
from tpminstitute.inbox.closing import Closed, close_conversation, open_again
from tpminstitute.inbox.models import Turn
from tpminstitute.institute.office_hours import standing_at
from tpminstitute.today import queries
from tpminstitute.today.items import EVERYBODYS, NOBODYS, Place, Whose
from tpminstitute.today.queries import Spot, Today
from tpminstitute.today.sources import SOURCES
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import acting, may_act, me, today_place, today_url
from tpminstitute.web.staff.one_contact import held_contact
from tpminstitute.web.staff.today_views import (
    HEADINGS,
    count_text,
    kind_choices,
    need_view,
    snoozes,
    whose_choices,
)
from tpminstitute.web.staff.undo import offer_undo

LOOKS_EVERY = 20
"""Seconds after which an open page asks what is new."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPOT = re.compile(r"([a-z]{1,20})-([0-9]{1,17})-([0-9]{1,9})")


@staff.get("/")
def today() -> str:
    """Show what needs a person; `?whose=` and `?only=` narrow it, `?after=` turns the page."""
    found = _found()
    now = clock.now()
    return render_template(
        "staff/today.html",
        **_list(found),
        people=whose_choices(_whose_key(), _only()),
        promise_hours=settings().promise_working_hours,
        office=standing_at(now, found.promise.hours).sentence,
        looks_every=LOOKS_EVERY,
    )


@staff.get("/today/list")
def today_list() -> Response:
    """Show the list and how many there are of each kind, for a page that asks what is new.

    304 while nothing is (RFC 9110, 13.1.2).
    """
    shown = _list(_found())
    answer = make_response()
    answer.set_etag(shown["version"])
    if answer.make_conditional(request).status_code != 304:
        answer.set_data("".join(render_template(f"staff/_today_{part}.html", **shown) for part in ("kinds", "list")))
    return answer


@staff.post("/today/people/<public_id>/done")
@acting
def close_from_today(public_id: str) -> Response:
    """Say that nobody has to write next; the next page offers to take it back."""
    contact = held_contact(public_id)
    closed = close_conversation(session(), contact.id, me().id)
    if closed is None:
        flash("This conversation was done already. Nothing was changed.", "warning")
    else:
        what = [closed.contact_id, closed.turn.value, closed.since.isoformat(), list(closed.inquiries)]
        url = url_for("staff.open_from_today", token=_signer().sign(what), **today_place())
        offer_undo(f"{contact.name} is marked as done.", url)
    return redirect(today_url(), 303)


@staff.post("/today/undo/<token>")
@acting
def open_from_today(token: str) -> Response:
    """Take back that a conversation was marked as done."""
    try:
        contact_id, turn, since, inquiries = _signer().read(token)
        closed = Closed(contact_id, Turn(turn), datetime.fromisoformat(since), tuple(inquiries))
    except BadToken:
        abort(404)
    if session().get(Contact, closed.contact_id) is None:  # merged or erased since
        abort(404)
    locked(session(), closed.contact_id)
    try:
        open_again(session(), closed, me().id)
        flash("It waits again, as before.", "success")
    except Refusal as refusal:
        flash(str(refusal), "warning")
    return redirect(today_url(), 303)


def _found() -> Today:
    whose = {"mine": Whose(me().id), "nobodys": NOBODYS}.get(_whose_key() or "", EVERYBODYS)
    return queries.today(session(), settings(), whose, only=_only(), after=_spot(request.args.get("after", "")))


def _list(found: Today) -> dict[str, Any]:
    """Return what the list needs to be shown."""
    needs = [need_view(found, item, settings().institute_zone) for item in found.items]
    only = _only()
    total = found.counts[only] if only else sum(found.counts.values())
    kinds = kind_choices(found, only, _whose_key())
    place = today_place()
    return {
        "kinds": kinds,
        "needs": needs,
        "headings": HEADINGS,
        "total": count_text(total),
        "version": tokens.digest(repr([kinds, total, *needs]))[:32],
        "further_url": url_for("staff.today", **{**place, "after": _written(found.next)}) if found.next else None,
        "top_url": url_for("staff.today", **{**place, "after": None}) if "after" in place else None,
        "list_url": url_for("staff.today_list", **place),
        "snoozes": snoozes(),
        "narrowed": bool(_whose_key() or only),
        "may_act": may_act(),
    }


def _whose_key() -> str | None:
    key = request.args.get("whose")
    return key if key in ("mine", "nobodys") else None


def _only() -> str | None:
    key = request.args.get("only")
    return key if key in {source.key for source in SOURCES} else None


def _spot(text: str) -> Spot | None:
    """Return the spot that `text` names, or None for anything that can't be one."""
    found = _SPOT.fullmatch(text)
    if found is None or found[1] not in {source.key for source in SOURCES}:
        return None
    try:
        return Spot(found[1], Place(_EPOCH + timedelta(microseconds=int(found[2])), int(found[3])))
    except OverflowError:
        return None


def _written(spot: Spot) -> str:
    microseconds = (spot.place.moment - _EPOCH) // timedelta(microseconds=1)
    return f"{spot.source}-{microseconds}-{spot.place.id}"


def _signer() -> Signer:
    return Signer(settings().secret_key, "closed-conversation")
