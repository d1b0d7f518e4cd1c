"""The desk's search: one field on every page, and the people it finds."""

import re
from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request, url_for

from tpminstitute.inbox.models import InquiryState
from tpminstitute.lists.search import COUNTED, MOST, PAGE, Found, FoundPerson, Passage, Place, find
from tpminstitute.lists.search_models import Source
from tpminstitute.lists.search_passages import Piece
from tpminstitute.lists.search_typed import MOST_PARTS
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff

LABELS = {
    Source.INQUIRY: "Inquiry",
    Source.RECEIVED: "Mail",
    Source.REPLY: "Reply",
    Source.NOTE: "Note",
    Source.CALL: "Call",
}

APART = {InquiryState.SUSPECTED: ("Suspected", "amber"), InquiryState.SPAM: ("Spam", "grey")}

_PLACE = re.compile(r"(?P<shown>[0-9]{1,4})-(?P<contact_id>[0-9]{1,9})")


@dataclass(frozen=True)
class PassageView:
    """A passage as the page shows it; `label` is '' for who somebody is."""

    label: str
    at: datetime | None
    pieces: list[Piece]


@dataclass(frozen=True)
class PersonView:
    """One person who was found."""

    href: str
    name: list[Piece]
    passages: list[PassageView]
    state: str
    state_kind: str


@staff.get("/search")
def search() -> str:
    """Show who is found for `?q=`; `?after=` turns the page."""
    typed = request.args.get("q", "").strip()
    found = find(session(), typed, PAGE, _place(request.args.get("after", "")))
    return render_template(
        "staff/search.html",
        typed=typed,
        found=found,
        says=_says(found),
        people=[_person(person) for person in found.people],
        also_for=[(one, [f"“{word}”" for word in words]) for one, words in found.also_for],
        next_url=_next_url(typed, found),
        first_url=url_for("staff.search", q=typed) if found.before else None,
        most_words=MOST_PARTS,
        most_people=MOST,
        at_end=found.more_than_counted and found.before + len(found.people) >= MOST,
    )


def _place(text: str) -> Place | None:
    """Return where the page before ended, or None for anything that can't be a place."""
    found = _PLACE.fullmatch(text)
    return Place(int(found["shown"]), int(found["contact_id"])) if found else None


def _next_url(typed: str, found: Found) -> str | None:
    if found.next is None:
        return None
    return url_for("staff.search", q=typed, after=f"{found.next.shown}-{found.next.contact_id}")


def _says(found: Found) -> str:
    """Return how many are found, which of them are shown, and in which order."""
    if not found.people:
        return ""
    if found.more_than_counted:
        says = f"More than {max(COUNTED, found.count):,} people"
    else:
        says = "1 person" if found.count == 1 else f"{found.count:,} people"
    if found.count > len(found.people):
        says += f", {found.before + 1:,} to {found.before + len(found.people):,} shown"
    return says if found.count == 1 else f"{says}: names and addresses first, then the newest words"


def _person(person: FoundPerson) -> PersonView:
    state, kind = APART.get(person.apart, ("", "")) if person.apart else ("", "")
    return PersonView(
        href=url_for("staff.contact", public_id=person.public_id),
        name=list(person.name),
        passages=[_passage(passage) for passage in person.passages],
        state=state,
        state_kind=kind,
    )


def _passage(passage: Passage) -> PassageView:
    return PassageView(LABELS[passage.source] if passage.source else "", passage.at, list(passage.pieces))
