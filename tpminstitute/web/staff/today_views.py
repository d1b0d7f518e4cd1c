"""What the page of today shows of each thing that needs a person, and what can be done about it there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for

from tpminstitute.core import zones
from tpminstitute.inbox.queries import COUNTED
from tpminstitute.pipeline.snoozing import LABELS as SNOOZES
from tpminstitute.today.items import Item
from tpminstitute.today.queries import Today, Urgency
from tpminstitute.today.sources import SOURCES
from tpminstitute.web.staff.access import may_act, me, today_place

HEADINGS = {
    Urgency.BROKEN: "Overdue",
    Urgency.AT_RISK: "Due soon",
    Urgency.FINE: "In time",
}

_COLOURS = {Urgency.BROKEN: "red", Urgency.AT_RISK: "amber", Urgency.FINE: "grey"}
NEAR = timedelta(hours=4)
"""What is due within so long is told by how long, the rest by the clock."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Doing:
    """One thing that can be done right in the list: a POST to `url`, or, without one of its own, a page to open.

    `joins` stands between the label and the name for who hears the page.
    """

    label: str
    key: str
    url: str
    posts: bool = True
    joins: str = ": "


@dataclass(frozen=True)
class NeedView:
    """One thing that needs a person, as a line of the list; `owner` is '' for nobody."""

    key: str
    label: str
    name: str
    href: str
    about: str
    excerpt: str
    owner: str
    urgency: Urgency
    colour: str
    due: datetime
    clock: str
    title: str
    doings: list[Doing]
    snooze_url: str


@dataclass(frozen=True)
class ChoiceView:
    """One way to narrow the list; `count` is '' where there is nothing to count."""

    label: str
    href: str
    current: bool
    count: str = ""


def need_view(today: Today, item: Item, zone: ZoneInfo) -> NeedView:
    """Return a thing that needs a person as a line of the list."""
    urgency = today.urgency(item)
    return NeedView(
        key=f"{item.source}:{item.ref}",
        label=item.label,
        name=item.name,
        href=_href(item),
        about=item.about,
        excerpt=item.excerpt,
        owner=_owner(today, item),
        urgency=urgency,
        colour=_COLOURS[urgency],
        due=item.due,
        clock=clock_of(item.due, today.now, zone),
        title=_title(item, zone),
        doings=_doings(item) if may_act() else [],
        snooze_url=_post("staff.snooze_reminder", public_id=item.ref)
        if may_act() and item.source == "reminders"
        else "",
    )


def count_text(number: int) -> str:
    """Return a count as the page shows it: '' for none, and no more exactly than it was counted."""
    return f"{COUNTED - 1}+" if number >= COUNTED else str(number or "")


def kind_choices(today: Today, chosen: str | None, whose: str | None) -> list[ChoiceView]:
    """Return the ways to narrow the list to one kind of things."""
    everything = ChoiceView("Everything", url_for("staff.today", whose=whose), chosen is None)
    return [
        everything,
        *(
            ChoiceView(
                source.label,
                url_for("staff.today", whose=whose, only=source.key),
                chosen == source.key,
                count_text(today.counts[source.key]),
            )
            for source in SOURCES
            if today.counts[source.key] or chosen == source.key
        ),
    ]


def whose_choices(chosen: str | None, only: str | None) -> list[ChoiceView]:
    """Return the ways to narrow the list to somebody's."""
    return [
        ChoiceView("Everybody’s", url_for("staff.today", only=only), chosen is None),
        ChoiceView("Mine", url_for("staff.today", whose="mine", only=only), chosen == "mine"),
        ChoiceView("Nobody’s", url_for("staff.today", whose="nobodys", only=only), chosen == "nobodys"),
    ]


def _owner(today: Today, item: Item) -> str:
    if item.owner_id is None or item.owner_id == me().id:
        return ""
    return today.owners.get(item.owner_id, "")


def _href(item: Item) -> str:
    if item.source == "look":
        return url_for("staff.received_mail", public_id=item.ref)
    if item.source == "comments":
        return url_for("staff.comment", public_id=item.ref)
    if item.contact_public_id is None:
        return url_for("staff.mail")
    anchor = f"draft-{item.ref}" if item.source == "drafts" else None
    return url_for("staff.contact", public_id=item.contact_public_id, _anchor=anchor)


def _doings(item: Item) -> list[Doing]:
    """Return what can be done about a thing, the obvious first; the keys are those of the contact's page."""
    match item.source:
        case "people":
            answer = url_for("staff.contact", public_id=item.ref, _anchor="reply-text")
            return [
                Doing("Reply", "r", answer, posts=False, joins=" to "),
                Doing("Done", "d", _post("staff.close_from_today", public_id=item.ref)),
            ]
        case "reminders":
            return [Doing("Done", "d", _post("staff.finish_reminder", public_id=item.ref))]
        case "drafts":
            draft: dict[str, Any] = {"draft_id": int(item.ref), "back": "today"}
            return [
                Doing("Send it", "y", _post("staff.send_draft", **draft)),
                Doing("Don’t send", "x", _post("staff.drop_draft", **draft)),
            ]
        case "mails":
            mail: dict[str, Any] = {"message_id": int(item.ref), "back": "today"}
            return [
                Doing("Send again", "y", _post("staff.send_again", **mail)),
                Doing("Leave it", "x", _post("staff.leave", **mail)),
            ]
        case "comments":
            if item.number is None:
                return [Doing("Read it all", "", _href(item), posts=False)]
            comment: dict[str, Any] = {"public_id": item.ref, "number": item.number, "back": "today"}
            return [
                Doing("Publish", "p", _post("staff.publish_comment", **comment)),
                Doing("Refuse", "x", _post("staff.refuse_comment", **comment)),
            ]
        case _:
            return []


def _post(endpoint: str, **values: Any) -> str:
    return url_for(endpoint, **values, **today_place())


def clock_of(due: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return how the promise stands, such as ``due in 2 hours``, ``due Tue 14:00`` or ``3 days over``."""
    if due <= now:
        return f"{_length(now - due)} over"
    if due - now < NEAR:
        return f"due in {_length(due - now)}"
    shown, days = zones.local(due, zone), zones.local(due, zone).date() - zones.local(now, zone).date()
    date = "today" if not days else f"{shown:%a}" if days < 7 * _DAY else f"{shown:%a} {shown.day} {shown:%b}"
    return f"due {date} {shown.hour}:{shown:%M}"


def _length(time: timedelta) -> str:
    minutes = max(int(time.total_seconds()) // 60, 1)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 24:
        return "1 hour" if hours == 1 else f"{hours} hours"
    return "1 day" if hours < 48 else f"{hours // 24} days"


def _title(item: Item, zone: ZoneInfo) -> str:
    due = f"Due {zones.written(item.due, zone)}"
    return due if item.moment == item.due else f"{due}, waits since {zones.written(item.moment, zone)}"


def snoozes() -> list[tuple[str, str]]:
    """Return the ways to put something off, as a form's values and their labels."""
    return [(way.value, label) for way, label in SNOOZES.items()]
