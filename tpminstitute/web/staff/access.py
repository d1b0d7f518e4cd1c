"""Who may come in, and what every page of the desk shows."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.accounts.models import Account, Role
from tpminstitute.mail.control import control
from tpminstitute.sequences.drafts import SHOWN, count_waiting
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.security import csrf

OPEN_TO_ALL = {"staff.setup_first_account", "staff.create_first_account"}
"""The only pages of the desk that ask for no account (signing in is Flask-Security's)."""


@staff.before_request
def ask_for_account() -> BaseResponse | None:
    """Send strangers to the sign-in page, and check that a POST comes from a page of ours."""
    if request.endpoint not in OPEN_TO_ALL and not current_user.is_authenticated:
        return redirect(url_for("security.login", next=request.full_path if request.method == "GET" else None))
    if request.method == "POST":
        csrf.protect()
    return None


def me() -> Account:
    """Return the account of whoever asks."""
    account: Account = current_user._get_current_object()
    return account


def needs(*roles: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Open a view only to accounts with one of `roles`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if me().role not in roles:
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


acting = needs(Role.ADMINISTRATOR, Role.ADVISOR)
"""For everything that changes something about a lead: readers only look."""


LETTER_PAGES = {
    f"staff.{page}"
    for page in ("letters", "new_letter", "letter", "save_letter", "check_letter", "test_letter", "letter_versions")
}
"""Where the desk is among the templates."""


@staff.app_context_processor
def desk_context() -> dict[str, Any]:
    """Give the desk's templates who looks, where one may go, and whether mail is caught or held.

    Whether it is held is looked up by the pages that say so, since an error page must not ask a database that is gone.
    """
    if not request.path.startswith("/staff"):
        return {}
    inbox = url_for("staff.inbox")
    here = request.endpoint in INBOX_PAGES
    return {
        "me": current_user,
        "places": [
            {"label": "Inbox", "href": inbox, "current": here},
            {
                "label": "Drafts",
                "href": url_for("staff.waiting_drafts"),
                "current": request.endpoint in DRAFT_PAGES,
                "count": drafts_waiting,
            },
            {
                "label": "Follow-ups",
                "href": url_for("staff.sequences"),
                "current": request.path.startswith(FOLLOW_UP_PATHS),
            },
        ],
        "quiet_places": [
            {
                "label": "Templates",
                "href": url_for("staff.letters"),
                "current": str(request.endpoint) in LETTER_PAGES,
            },
            {"label": "Mail", "href": url_for("staff.mail"), "current": request.endpoint in MAIL_PAGES},
            {
                "label": "Closed addresses",
                "href": url_for("staff.suppressions"),
                "current": request.endpoint in LIST_PAGES,
            },
            {"label": "Doctor", "href": url_for("staff.doctor"), "current": request.endpoint == "staff.doctor"},
        ],
        "mail_control": lambda: control(session()),
        "mail_is_caught": settings().mail_is_caught,
        "mail_folder": str(settings().mail_folder),
    }


def drafts_waiting() -> str:
    """Return how many follow-ups wait for a word, as the rail says it, '' for none."""
    found = count_waiting(session(), SHOWN + 1)
    return f"{SHOWN}+" if found > SHOWN else str(found or "")


FOLLOW_UP_PATHS = ("/staff/sequences", "/staff/calendar")

INBOX_PAGES = {"staff.inbox", "staff.contact", "staff.send_reply", "staff.note_call", "staff.received_mail"}

DRAFT_PAGES = {"staff.waiting_drafts", "staff.edit_draft", "staff.check_draft", "staff.send_draft"}

MAIL_PAGES = {"staff.mail", "staff.own_mail", "staff.hold_mail", "staff.release_mail"}

LIST_PAGES = {"staff.suppressions", "staff.close_address", "staff.suppression", "staff.reopen_address"}

LIST_PLACE = ("show", "before", "after")
"""The arguments by which the list beside a contact keeps its place."""


def list_place() -> dict[str, Any]:
    """Return the place in the inbox that the request carries along."""
    return {name: request.args[name] for name in LIST_PLACE if name in request.args}


def id_argument(name: str) -> int | None:
    """Return a row id from the address, or None for anything that can't be one."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def may_act() -> bool:
    """Return whether whoever looks may change something."""
    return me().role in (Role.ADMINISTRATOR, Role.ADVISOR)
