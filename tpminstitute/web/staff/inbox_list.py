"""The list of the inbox: whose turn it is, what a person must look at, and the inquiries by their state."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request, url_for

from tpminstitute.inbox.models import InquiryState, Turn
from tpminstitute.inbox.queries import COUNTED, inbox_page
from tpminstitute.inbox.waiting import (
    Counts,
    LoosePage,
    Place,
    conversations_page,
    counts,
    doubtful_page,
    nobodys_page,
)
from tpminstitute.mail.incoming.model import ReceivedKind
from tpminstitute.web.common import session
from tpminstitute.web.staff.access import contact_urls, id_argument, list_place, may_act

KIND_TAGS = {
    ReceivedKind.PERSON: ("", "grey"),
    ReceivedKind.OUT_OF_OFFICE: ("Out of office", "grey"),
    ReceivedKind.AUTOMATIC: ("Automatic", "grey"),
    ReceivedKind.BOUNCE: ("Returned mail", "grey"),
    ReceivedKind.COMPLAINT: ("Complaint", "red"),
    ReceivedKind.UNSUBSCRIBE: ("Unsubscribe", "grey"),
}

_STATE_TAGS = {
    InquiryState.OPEN: ("", "grey"),
    InquiryState.HANDLED: ("Handled", "done"),
    InquiryState.SUSPECTED: ("Suspected", "amber"),
    InquiryState.SPAM: ("Spam", "grey"),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"(?P<microseconds>[0-9]{1,17})-(?P<contact_id>[0-9]{1,9})")


@dataclass(frozen=True)
class RowView:
    """One line of the list; `waits_since` is set where the line says how long somebody waits.

    `inquiry` is the public id of one that was set apart, with its score and why.
    """

    href: str
    name: str
    about: str
    excerpt: str
    at: datetime
    contact_public_id: str | None
    state: str = ""
    state_kind: str = "grey"
    waiting: bool = False
    waits_since: datetime | None = None
    inquiry: str = ""
    score: int | None = None
    suspicions: Sequence[str] = ()


@dataclass(frozen=True)
class FilterView:
    """One way to narrow the list; `count` is '' where nobody is helped by a number."""

    label: str
    href: str
    current: bool
    count: str


@dataclass(frozen=True)
class InboxView:
    """A page of the inbox, its filters in groups, and the ways on."""

    rows: list[RowView]
    says: str
    groups: list[list[FilterView]]
    forward_url: str | None
    forward_label: str
    back_url: str | None
    back_label: str
    empty_text: str
    judged: bool = False
    """Whether the rows wait for a person's word on whether they are spam."""
    judge_url: str = ""


@dataclass(frozen=True)
class _Lines:
    rows: list[RowView]
    forward: str | int | None
    back: str | int | None


@dataclass(frozen=True)
class _Filter:
    label: str
    order: str
    empty_text: str
    lines: Callable[[], _Lines]
    count: Callable[[Counts], int] | None = None


def inbox_view() -> InboxView:
    """Return the list that the address asks for: `show` chooses the filter, `before`/`after` the page."""
    chosen = request.args.get("show", "us")
    if chosen not in FILTERS:
        chosen = "us"
    filtered = FILTERS[chosen]
    lines, counted = filtered.lines(), counts(session())
    words = ("Further down", "Back up") if chosen == "us" else ("Older", "Newer")
    # The first list goes from old to new, so that "after" leads on; the others lead on by "before".
    on, back = ("after", "before") if chosen in TURNS else ("before", "after")
    return InboxView(
        rows=lines.rows,
        says=f"{len(lines.rows)} shown, {filtered.order}",
        groups=[[_filter(key, chosen, counted) for key in group] for group in GROUPS],
        forward_url=_turned(chosen, on, lines.forward),
        forward_label=words[0],
        back_url=_turned(chosen, back, lines.back),
        back_label=words[1],
        empty_text=filtered.empty_text,
        judged=chosen == "suspected" and may_act(),
        judge_url=url_for("staff.judge_inquiries", **list_place()),
    )


def _turned(chosen: str, way: str, place: str | int | None) -> str | None:
    where: dict[str, Any] = {way: place}
    return url_for("staff.inbox", show=chosen, **where) if place else None


def _filter(key: str, chosen: str, counted: Counts) -> FilterView:
    filtered = FILTERS[key]
    count = filtered.count(counted) if filtered.count else 0
    text = f"{COUNTED - 1}+" if count >= COUNTED else str(count or "")
    return FilterView(filtered.label, url_for("staff.inbox", show=key), key == chosen, text)


def _conversations(turn: Turn) -> _Lines:
    page = conversations_page(
        session(), turn, after=_place(request.args.get("after", "")), before=_place(request.args.get("before", ""))
    )
    ours, url_of = turn is Turn.INSTITUTE, contact_urls()
    rows = [
        RowView(
            href=url_of(row.contact_public_id),
            name=row.name,
            about=row.about,
            excerpt=row.excerpt,
            at=row.place.since,
            contact_public_id=row.contact_public_id,
            waiting=ours,
            waits_since=None if turn is Turn.NOBODY else row.place.since,
        )
        for row in page.rows
    ]
    return _Lines(rows, _written(page.next), _written(page.previous))


def _place(text: str) -> Place | None:
    """Return the place in the list that `text` names, or None for anything that can't be one."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    return Place(_EPOCH + timedelta(microseconds=int(found["microseconds"])), int(found["contact_id"]))


def _written(place: Place | None) -> str | None:
    return f"{(place.since - _EPOCH) // timedelta(microseconds=1)}-{place.contact_id}" if place else None


def _mails(of: Callable[..., LoosePage]) -> _Lines:
    page, url_of = of(session(), before=id_argument("before"), after=id_argument("after")), contact_urls()
    rows = []
    for row in page.rows:
        href = url_for("staff.received_mail", public_id=row.public_id, **list_place())
        if row.contact_public_id:
            href = f"{url_of(row.contact_public_id)}#mail-{row.public_id}"
        label, kind = KIND_TAGS[row.kind]
        rows.append(RowView(href, row.sender, row.subject, row.excerpt, row.at, row.contact_public_id, label, kind))
    return _Lines(rows, page.older, page.newer)


def _inquiries(state: InquiryState | None) -> _Lines:
    page = inbox_page(session(), state, before=id_argument("before"), after=id_argument("after"))
    url_of = contact_urls()
    rows = []
    for row in page.rows:
        label, kind = _STATE_TAGS[row.state]
        rows.append(
            RowView(
                href=url_of(row.contact_public_id),
                name=row.name,
                about=row.topic_label,
                excerpt=row.excerpt,
                at=row.received_at,
                contact_public_id=row.contact_public_id,
                state=label,
                state_kind=kind,
                waiting=row.state is InquiryState.OPEN,
                inquiry=row.public_id,
                score=row.score,
                suspicions=row.suspicions,
            )
        )
    return _Lines(rows, page.older, page.newer)


FILTERS = {
    "us": _Filter(
        "Waiting for us",
        "who waits longest first",
        "Nobody waits for an answer. Who writes from the guide or by mail appears here until one of you answers.",
        lambda: _conversations(Turn.INSTITUTE),
        lambda counted: counted.for_us,
    ),
    "look": _Filter(
        "To look at",
        "newest first",
        "Nothing needs a look. A mail appears here when it can’t be told by itself whose it is: "
        "somebody answers from an unknown address, or for somebody else.",
        lambda: _mails(doubtful_page),
        lambda counted: counted.to_look_at,
    ),
    "them": _Filter(
        "Waiting for them",
        "newest first",
        "Nobody owes us an answer. Whom one of you answered rests here until they write again.",
        lambda: _conversations(Turn.VISITOR),
    ),
    "done": _Filter(
        "Done",
        "newest first",
        "Nothing is done yet. A conversation rests here when one of you marks it as done, or its inquiry as handled.",
        lambda: _conversations(Turn.NOBODY),
    ),
    "suspected": _Filter(
        "Suspected",
        "newest first",
        "Nothing is set apart. What looks like spam waits here for a person, and causes no mail until then.",
        lambda: _inquiries(InquiryState.SUSPECTED),
        lambda counted: counted.suspected,
    ),
    "spam": _Filter("Spam", "newest first", "Nothing was marked as spam.", lambda: _inquiries(InquiryState.SPAM)),
    "other": _Filter(
        "Other mail",
        "newest first",
        "No other mail came in. What machines send us, and what belongs to no contact, is kept here.",
        lambda: _mails(nobodys_page),
    ),
    "all": _Filter(
        "All inquiries",
        "newest first",
        "No inquiry has come in yet. They appear here as soon as somebody writes.",
        lambda: _inquiries(None),
    ),
}

GROUPS = (("us", "look", "them", "done"), ("suspected", "spam", "other", "all"))

TURNS = {"us", "them", "done"}
"""The filters that show conversations."""
