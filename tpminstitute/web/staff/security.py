"""Sign-in by Flask-Security on our own accounts and server-side sessions."""

from datetime import timedelta
from typing import Any

from flask import Flask
from flask_security import Security, UserMixin
from flask_security.datastore import SQLAlchemySessionUserDatastore
from flask_wtf.csrf import CSRFProtect
from werkzeug.local import LocalProxy

from tpminstitute.accounts.models import Account, Role
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.web.common import session
from tpminstitute.web.staff.sessions import DeskSessions
from tpminstitute.web.staff.trail import watch_changes


class StaffMember(Account, UserMixin):  # type: ignore[misc]  # its annotations are no columns
    """An account as Flask-Security sees it: the same row, with what signing in needs."""

    def has_role(self, role: Any) -> bool:
        """Return whether the account has `role`."""
        return str(role) == self.role.value


WRONG_SIGN_IN = "Check the address and the password: the two don't belong together."

csrf = CSRFProtect()
"""Checks the desk's POSTs; the public form has its own signed token."""


def add_security(app: Flask, settings: Settings, db: Database) -> None:
    """Give `app` sessions, sign-in and sign-out for the desk."""
    app.session_interface = DeskSessions(db)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        SECURITY_URL_PREFIX="/staff",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        # A POST, and the cookie is SameSite=Lax: another site can sign nobody out.
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_POST_LOGIN_VIEW="/staff/",
        SECURITY_POST_LOGOUT_VIEW="/staff/sign-in",
        SECURITY_UNAUTHORIZED_VIEW=None,
        SECURITY_LOGIN_USER_TEMPLATE="staff/sign_in.html",
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SINGLE_HASH=True,
        SECURITY_PASSWORD_SALT=settings.secret_key,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_MSG_GENERIC_AUTHN_FAILED=(WRONG_SIGN_IN, "error"),
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_STATIC_FOLDER=None,
        SECURITY_FRESHNESS=timedelta(days=-1),
        SECURITY_JOIN_USER_ROLES=False,
    )
    csrf.init_app(app)
    datastore = SQLAlchemySessionUserDatastore(LocalProxy(session), StaffMember, Role)  # type: ignore[arg-type]
    Security(app, datastore)
    watch_changes(app, db)
