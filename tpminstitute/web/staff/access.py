"""Who may come in, and what every page of the desk shows."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, redirect, request, url_for
from flask import session as browser_session
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from tpminstitute.accounts.models import Account, Role
from tpminstitute.accounts.second_step import must_set_up
from tpminstitute.mail.control import control
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import kept_words, staff
from tpminstitute.web.staff.coming_in import SECOND_STEP_DONE
from tpminstitute.web.staff.places import PLACES, QUIET_PLACES, links_of
from tpminstitute.web.staff.security import csrf
from tpminstitute.web.staff.undo import offered_undo

OPEN_TO_ALL = {
    "staff.setup_first_account",
    "staff.create_first_account",
    "staff.second_step",
    "staff.take_code",
    "staff.take_passkey",
    "staff.sign_in_by_passkey",
    "staff.forgotten",
    "staff.ask_for_link",
    "staff.choose_password",
    "staff.keep_password",
}
"""The only pages of the desk that ask for no account (signing in is Flask-Security's)."""

WHILE_SETTING_UP = {
    "staff.second_factors",
    "staff.set_up_app",
    "staff.add_passkey",
    "staff.confirm_password",
    "staff.take_password",
}
"""All that is open to who has to set up a second step first (signing out is Flask-Security's)."""


@staff.before_request
def ask_for_account() -> BaseResponse | tuple[str, int] | None:
    """Send strangers to the sign-in page, and check that a POST comes from a page of ours.

    Who was signed out while they wrote gets their words back.
    """
    if request.endpoint not in OPEN_TO_ALL and not current_user.is_authenticated:
        if kept_words.can_be_kept():
            return kept_words.when_signed_out()
        return redirect(url_for("security.login", next=request.full_path if request.method == "GET" else None))
    if request.method == "POST":
        csrf.protect()
    if request.endpoint not in OPEN_TO_ALL | WHILE_SETTING_UP and _has_to_set_up():
        return redirect(url_for("staff.second_factors"), 303)
    return None


def _has_to_set_up() -> bool:
    """Return whether whoever asks needs a second step and has none; who took one just now isn't looked up."""
    return not browser_session.get(SECOND_STEP_DONE) and must_set_up(session(), me())


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


@staff.app_context_processor
def desk_context() -> dict[str, Any]:
    """Give the desk's templates who looks, where one may go, and whether mail is caught or held.

    Whether it is held is looked up by the pages that say so, since an error page must not ask a database that is gone.
    """
    if not request.path.startswith("/staff"):
        return {}
    return {
        "me": current_user,
        "places": links_of(PLACES),
        "quiet_places": links_of(QUIET_PLACES),
        "undo": offered_undo(),
        "mail_control": lambda: control(session()),
        "mail_is_caught": settings().mail_is_caught,
        "mail_folder": str(settings().mail_folder),
    }


LIST_PLACE = ("show", "before", "after")
"""The arguments by which the list beside a contact keeps its place."""


def list_place() -> dict[str, Any]:
    """Return the place in the inbox that the request carries along."""
    return {name: request.args[name] for name in LIST_PLACE if name in request.args}


_SOMEBODY = "0" * 20


def contact_urls() -> Callable[[str], str]:
    """Return what gives the address of a contact's page, by the public id, with the list's place; for many of them."""
    before, _, after = url_for("staff.contact", public_id=_SOMEBODY, **list_place()).partition(_SOMEBODY)
    return lambda public_id: f"{before}{public_id}{after}"


TODAY_PLACE = ("whose", "only", "after")
"""The arguments by which the page of today keeps its place."""


def today_place() -> dict[str, Any]:
    """Return the place on the page of today that the request carries along."""
    return {name: request.args[name] for name in TODAY_PLACE if name in request.args}


def today_url() -> str:
    """Return the address of the page of today, at the place that the request carries along."""
    return url_for("staff.today", **today_place())


def id_argument(name: str) -> int | None:
    """Return a row id from the address, or None for anything that can't be one."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def may_act() -> bool:
    """Return whether whoever looks may change something."""
    return me().role in (Role.ADMINISTRATOR, Role.ADVISOR)
