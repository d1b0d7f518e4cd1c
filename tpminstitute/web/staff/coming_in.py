"""Signing in: slowly tried, answered alike for known and unknown names, and with a second step for who has one."""

from typing import Any

from flask import Flask, redirect, url_for
from flask import session as browser_session
from flask_login import user_logged_out
from flask_security import UserMixin, user_authenticated
from flask_security.forms import LoginForm
from flask_security.tf_plugin import TfPluginBase
from sqlalchemy import select
from werkzeug.wrappers import Response

from tpminstitute.accounts import throttle
from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import Account
from tpminstitute.accounts.second_step import is_asked
from tpminstitute.core import clock
from tpminstitute.web.common import session
from tpminstitute.web.staff.own_pages import own_page
from tpminstitute.web.staff.passwords import Attempt, is_password_of, network_here

WRONG_SIGN_IN = "Check the address and the password: the two don't belong together."

HALF_IN_AT, HALF_IN_NEXT = "tf_at", "tf_next"
"""Since when it is awaited, in seconds, and where to go on."""

SECOND_STEP_DONE = "second_step"
"""Where a session says that its owner proved more than a password."""


class StaffMember(Account, UserMixin):  # type: ignore[misc]  # its annotations are no columns
    """An account as Flask-Security sees it: the same row, with what signing in needs."""

    def has_role(self, role: Any) -> bool:
        """Return whether the account has `role`."""
        return str(role) == self.role.value

    def check_tf_required(self, methods: list[tuple[str, str]], tf_fresh: bool) -> tuple[bool, list[tuple[str, str]]]:
        """Return whether a second step follows: for who has one, at every sign-in and in every browser."""
        return bool(methods), methods


class SignInForm(LoginForm):
    """Flask-Security's form, with one answer for everything that is wrong."""

    def validate_next(self, field: Any) -> None:
        """Lead on to a page of the desk only; what names another place is no reason to let nobody in."""
        field.data = own_page(field.data)

    def validate(self, **kwargs: Any) -> bool:
        """Return whether address and password are an open account's; whoever tries too often is told to wait."""
        if not super(LoginForm, self).validate(**kwargs):
            return False
        address = (self.email.data or "").strip().lower()
        account = session().scalar(select(StaffMember).where(StaffMember.email == address))
        attempt = Attempt("sign-in", address, account.id if account else None)
        if attempt.wait:
            self.form_errors.append(attempt.wait)
            return False
        right = is_password_of(account, self.password.data or "")
        if account is None or not right or not account.active:
            self.form_errors.append(WRONG_SIGN_IN)
            return False
        attempt.succeeded()
        self.user = account
        return True


class AwaitsSecondStep(TfPluginBase):
    """What Flask-Security asks once a password was right: where does this account take its second step?"""

    def __init__(self, app: Flask) -> None:
        """Take part in `app`."""

    def get_setup_methods(self, user: Any) -> list[tuple[str, str]]:
        """Return our own page as the one method, for an account that is asked for more."""
        return [("desk", "")] if is_asked(session(), user.id) else []

    def tf_login(self, user: Any, json_payload: dict[str, Any], next_loc: str | None) -> Response:
        """Lead to the second step; until it is taken nobody is signed in."""
        browser_session[HALF_IN_AT] = clock.now().timestamp()
        browser_session[HALF_IN_NEXT] = next_loc or ""
        return redirect(url_for("staff.second_step"), 303)


def note_who_comes_and_goes(app: Flask) -> None:
    """Put each sign-in and sign-out on the audit log, and remember the network it came from."""
    user_authenticated.connect(_came_in, app)
    user_logged_out.connect(_went_out, app)


def _came_in(_app: Flask, user: Account, **_more: Any) -> None:
    throttle.learn(session(), user.id, network_here())
    record_audit(session(), "signed_in", "", account_id=user.id)


def _went_out(_app: Flask, user: Account, **_more: Any) -> None:
    if user.is_authenticated:  # type: ignore[attr-defined]  # Flask-Login's
        record_audit(session(), "signed_out", "", account_id=user.id)
