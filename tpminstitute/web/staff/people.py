"""The list of contacts: filters that combine, columns, saved views, pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from tpminstitute.contacts.models import Contact, ContactCard
from tpminstitute.core.bulk import one_of
from tpminstitute.core.text import one_line
from tpminstitute.lists.asking import LABELS, parameters, read_chosen
from tpminstitute.lists.filters import Chosen, Order
from tpminstitute.lists.models import SavedView
from tpminstitute.lists.paging import Count, listed, read_place, written
from tpminstitute.lists.rows import COLUMN_LABELS, Column, Row, read_columns, rows_of
from tpminstitute.lists.search import matching_ids
from tpminstitute.lists.search_ranking import Everybody
from tpminstitute.lists.views import Look, choose_columns, habit_of, may_change, parameters_of, view_for, views_for
from tpminstitute.lists.wording import (
    CONSENTS,
    FOLLOW_UPS,
    ORDERS,
    ORIGINS,
    OUTCOMES,
    TURNS,
    Names,
    names,
    phrases,
    sentence,
)
from tpminstitute.sequences.tag_editing import known_tags
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import id_argument, may_act, me

FOUND_AT_MOST = 10_000
"""Contacts that a search hands over to the filters."""

LONGEST_SEARCH = 500
LONGEST_ADDRESS = 40_000
MOST_FIELDS = 1_200

NO_COLUMN = "none"
"""Stands for no column beside the name, in an address."""

EVERYBODY = "all"
"""The view of everybody, in an address."""


@dataclass(frozen=True)
class Asked:
    """What an address asks for: a view or none, whom it lists, how, and what was searched for among them.

    `columns` are those that the address itself names, which go along to the next page.
    """

    view: SavedView | None
    look: Look
    search: str
    columns: Sequence[str]

    def address(self, **other: Any) -> str:
        """Return the address of this list, with `other` parameters."""
        return f"{url_for('staff.people')}?{urlencode([*self.parameters(), *other.items()])}"

    def parameters(self) -> list[tuple[str, str]]:
        """Return what makes this list, without the place in it; what can't be read stands there as it came."""
        if self.look.chosen.unread:
            return [(name, value) for name, value in request.args.items(multi=True) if name not in ("after", "before")]
        found = parameters(self.look.chosen)
        found += [("order", self.look.order.value)] if self.look.order is not Order.TOUCHED_LAST or not found else []
        found += [("q", self.search)] if self.search else []
        found += [("column", column) for column in self.columns]
        return [*found, *([("view", str(self.view.id))] if self.view else [])]

    def found(self, session: Session) -> Everybody | None:
        """Return those whom the search finds, or None without a search."""
        return matching_ids(session, self.search, FOUND_AT_MOST) if self.search else None

    def words(self, session: Session, found: Everybody | None) -> str:
        """Return whom the list means, as sentences. Parameters: `found`, those whom its search finds."""
        said = sentence(self.look.chosen, names(session))
        if found is None:
            return said
        said = f"{said} Among whom the search finds for “{self.search}”."
        return f"{said} {cut_short()}" if found.more else said

    def on_record(self, session: Session) -> str:
        """Return the same for what is kept, without what was searched for: that may be a person's name or address."""
        said = sentence(self.look.chosen, names(session))
        return f"{said} Among whom a search finds." if self.search else said

    def without(self, name: str, value: str = "") -> str:
        """Return the address of the list without a filter, or without one value of it."""
        kept = [pair for pair in self.parameters() if pair[0] != name or (value and pair[1] != value)]
        return f"{url_for('staff.people')}?{urlencode(kept or [('view', EVERYBODY)])}"


def asked_for(session: Session, *, opening: bool = False) -> Asked | None:
    """Return what the address asks for, or None for a view that somebody can't see (any more).

    Parameters: `opening`, whether an address that says nothing opens with the view that its reader chose for that.
    """
    args = request.args
    says = any(name in args for name in (*LABELS, "order", "q"))
    view_id = id_argument("view")
    if opening and view_id is None and "view" not in args and not says:
        view_id = habit_of(session, me()).view_id
    view = view_for(session, me(), view_id) if view_id is not None else None
    if view is None and view_id is not None:
        return None
    given: Any = MultiDict(parameters_of(view)) if view is not None and not says else args
    columns = view.columns if view is not None else habit_of(session, me()).columns
    order = given.get("order", "")
    look = Look(
        read_chosen(given, settings().institute_zone, me().id),
        Order(order) if order in set(Order) else Order.TOUCHED_LAST,
        read_columns(args.getlist("column") or columns),
    )
    said = [column.value for column in look.columns] or [NO_COLUMN] if "column" in args else []
    return Asked(view, look, one_line(args.get("q", ""), LONGEST_SEARCH), said)


@staff.get("/contacts")
def people() -> str | tuple[str, int]:
    """Show the list of contacts: filters by their names, `?order=`, `?q=`, `?view=`; `?after=`/`?before=` the page."""
    asked = asked_for(session(), opening=True)
    if asked is None:
        return render_template("staff/people_gone.html", tabs=_tabs(None)), 404
    look, known = asked.look, names(session())
    among = asked.found(session())
    among_ids = among.ids if among else None
    place = {name: read_place(look.order, request.args.get(name, "")) for name in ("after", "before")}
    found = listed(session(), look.chosen, look.order, among=among_ids, **place)
    page = found.page
    return render_template(
        "staff/people.html",
        asked=asked,
        cut_short=cut_short() if among and among.more else "",
        chosen=look.chosen,
        columns=[(column.value, COLUMN_LABELS[column]) for column in look.columns],
        all_columns=[(column.value, label, column in look.columns) for column, label in COLUMN_LABELS.items()],
        rows=[(row, _cells(row, look.columns)) for row in rows_of(session(), page.ids)],
        says=_says(found.count, look.order),
        count=found.count,
        chips=[(each.text, asked.without(each.name, each.value)) for each in phrases(look.chosen, known)],
        unread=look.chosen.unread,
        tabs=_tabs(asked.view),
        options=_options(look.chosen, look.order, known),
        known_tags=known_tags(session()),
        hidden=asked.parameters(),
        next_url=asked.address(after=written(page.next)) if page.next else None,
        previous_url=asked.address(before=written(page.previous)) if page.previous else None,
        may_bulk=may_act(),
        may_change=asked.view is not None and may_change(me(), asked.view),
        opens_here=habit_of(session(), me()).view_id == (asked.view.id if asked.view else None),
    )


@staff.post("/contacts/columns")
def choose_people_columns() -> Response:
    """Show the ticked columns in one's own list from now on, and in a view, which has its own, for this time."""
    ticked = request.form.getlist("column")
    if request.form.get("view"):
        flash("These columns are shown for now; the view is as it was. “This view” is where to keep them.", "success")
        words = [column.value for column in read_columns(ticked)] or [NO_COLUMN]
        return redirect(f"{back_to_list()}&{urlencode([('column', word) for word in words])}", 303)
    choose_columns(session(), me(), ticked)
    return redirect(back_to_list(), 303)


def back_to_list() -> str:
    """Return the address of the list that a form was on; what it says is read as any address is."""
    return f"{url_for('staff.people')}?{request.form.get('list', '')[:LONGEST_ADDRESS]}"


def listed_ids(query: str) -> Select[int] | None:
    """Return the ids of the contacts that a list's address holds, or that were ticked on it; None without one."""
    if not query:
        return None
    given = read_list(query)
    ticked = given.getlist("contact")
    if ticked:
        return select(Contact.id).where(Contact.public_id.in_(ticked))
    ids = read_chosen(given, settings().institute_zone, me().id).ids()
    search = one_line(given.get("q", ""), LONGEST_SEARCH)
    found = matching_ids(session(), search, FOUND_AT_MOST) if search else None
    return ids if found is None else ids.where(one_of(session(), ContactCard.contact_id, found.ids))


def read_list(query: str) -> Any:
    """Return the parameters of a list's address that a form brought along; what no page of ours wrote is refused."""
    try:
        return MultiDict(parse_qsl(query[:LONGEST_ADDRESS], max_num_fields=MOST_FIELDS))
    except ValueError:
        abort(400)


def cut_short() -> str:
    """Return that a search finds more people than a list can be narrowed to."""
    return f"The search finds more than {FOUND_AT_MOST:,}, and only the first {FOUND_AT_MOST:,} of them are looked at."


def _says(count: Count, order: Order) -> str:
    number = "1 contact" if count.number == 1 and not count.more else f"{count.number:,} contacts"
    return f"{'More than ' if count.more else ''}{number}, {ORDERS[order]}"


def _tabs(current: SavedView | None) -> list[dict[str, Any]]:
    """Return the views as tabs: everybody, one's own, what colleagues share."""
    everybody = {"label": "Everybody", "href": url_for("staff.people", view=EVERYBODY), "shared": False}
    found = [
        {"label": view.name, "href": url_for("staff.people", view=view.id), "shared": view.account_id != me().id}
        | {"current": current is not None and current.id == view.id}
        for view in views_for(session(), me())
    ]
    return [everybody | {"current": current is None}, *found]


def _cells(row: Row, columns: Iterable[Column]) -> list[tuple[str, Any]]:
    """Return a row's cells: which column, and what stands there."""
    texts: dict[Column, Any] = {
        Column.EMAIL: row.email,
        Column.PHONE: row.phone,
        Column.STAGE: row.stage,
        Column.OWNER: row.owner,
        Column.TOPIC: row.topic,
        Column.TAGS: row.tags,
        Column.SOURCE: ORIGINS[row.source],
        Column.CONSENT: CONSENTS[row.consent],
        Column.TURN: TURNS[row.turn],
        Column.FOLLOW_UPS: FOLLOW_UPS[row.follow_ups].removeprefix("follow-ups "),
        Column.TOUCHED: row.touched_at,
        Column.SEEN: row.seen_at,
    }
    return [(column.value, texts[column]) for column in columns]


def _options(chosen: Chosen, order: Order, known: Names) -> dict[str, list[tuple[str, str, bool]]]:
    """Return what each select of the form offers: value, label, and whether it is chosen."""
    picked = set(parameters(chosen)) | {("order", order.value)}
    topics = known.topics.labels
    offered: dict[str, list[tuple[str, str]]] = {
        "stage": [*((str(key), name) for key, name in known.stages.items()), ("none", "No lead")],
        "outcome": [(outcome.value, f"Any that is {word}") for outcome, word in OUTCOMES.items()],
        "owner": [("me", "Me"), ("nobody", "Nobody"), *((str(key), name) for key, name in known.accounts.items())],
        "topic": list(topics.items()),
        "source": [(origin.value, word.capitalize()) for origin, word in ORIGINS.items()],
        "consent": [(standing.value, word.capitalize()) for standing, word in CONSENTS.items()],
        "turn": [(turn.value, word.capitalize()) for turn, word in TURNS.items()],
        "follow_ups": [(standing.value, word.capitalize()) for standing, word in FOLLOW_UPS.items()],
        "order": [(each.value, word.capitalize()) for each, word in ORDERS.items()],
    }
    sequences = [(str(key), name) for key, name in known.sequences.items()]
    offered |= dict.fromkeys(("running", "began", "never_began"), sequences)
    return {
        name: [(value, label, (name, value) in picked) for value, label in values] for name, values in offered.items()
    }
