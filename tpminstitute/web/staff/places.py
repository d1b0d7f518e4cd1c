"""The places of the desk, as the rail names them: one line each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request, url_for
from flask_login import current_user

from tpminstitute.accounts.models import Role
from tpminstitute.comments.desk import held_ids
from tpminstitute.core.bulk import counting
from tpminstitute.sequences.drafts import SHOWN, waiting_ids
from tpminstitute.web.common import session


@dataclass(frozen=True)
class Place:
    """One place of the rail: where it leads, and which addresses below /staff belong to it.

    `count` says how many wait there, '' for none; `roles` who sees it, everybody by default.
    """

    label: str
    endpoint: str
    paths: tuple[str, ...]
    count: Callable[[], str] | None = None
    roles: tuple[Role, ...] = tuple(Role)


def links_of(places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return the places that whoever looks may see, as the rail's links."""
    if not current_user.is_authenticated:
        return []
    here, role = request.path.removeprefix("/staff"), current_user.role
    return [
        {
            "label": place.label,
            "href": url_for(place.endpoint),
            "current": any(here == path or here.startswith(f"{path}/") for path in place.paths),
            "count": place.count,
        }
        for place in places
        if role in place.roles
    ]


def _drafts_waiting() -> str:
    return _in_words(_waiting()[0])


def _comments_waiting() -> str:
    return _in_words(_waiting()[1])


_WAITING = counting(query.limit(SHOWN + 1) for query in (waiting_ids(), held_ids()))


def _waiting() -> Sequence[int]:
    """Return how many drafts and how many comments wait, looked up once for a page."""
    if "waiting" not in g:
        g.waiting = session().execute(_WAITING).one()
    waiting: Sequence[int] = g.waiting
    return waiting


def _in_words(number: int) -> str:
    return f"{SHOWN}+" if number > SHOWN else str(number or "")


PLACES = (
    Place("Today", "staff.today", ("/", "/today", "/reminders", "/news")),
    Place("Inbox", "staff.inbox", ("/inbox", "/received")),
    Place("Contacts", "staff.people", ("/contacts", "/imports")),
    Place("Drafts", "staff.waiting_drafts", ("/drafts",), _drafts_waiting),
    Place("Pipeline", "staff.pipeline", ("/pipeline",)),
    Place("Follow-ups", "staff.sequences", ("/sequences", "/calendar")),
)
"""What staff work in all day."""

QUIET_PLACES = (
    Place("Templates", "staff.letters", ("/templates",)),
    Place("Courses", "staff.courses", ("/courses",)),
    Place("Pathway check", "staff.pathway_table", ("/pathway",)),
    Place("Mail", "staff.mail", ("/mail", "/own-mail")),
    Place("Comments", "staff.comments", ("/comments",), _comments_waiting),
    Place("Duplicates", "staff.duplicates", ("/duplicates", "/merge", "/merges")),
    Place("Closed addresses", "staff.suppressions", ("/suppressions",)),
    Place("Reports", "staff.reports", ("/reports",)),
    Place("Accounts", "staff.accounts", ("/accounts", "/audit"), roles=(Role.ADMINISTRATOR,)),
    Place("Settings", "staff.settings_overview", ("/settings",)),
    Place("Doctor", "staff.doctor", ("/doctor",)),
)
"""What is looked up now and then."""
