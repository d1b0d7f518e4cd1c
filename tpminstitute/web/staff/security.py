"""Sign-in by Flask-Security on our own accounts and server-side sessions."""

from datetime import timedelta

from flask import Flask, render_template, request
from flask_login import current_user
from flask_security import Security
from flask_security.datastore import SQLAlchemySessionUserDatastore
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.local import LocalProxy

from tpminstitute.accounts.models import Role
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.web.common import session
from tpminstitute.web.staff import kept_words
from tpminstitute.web.staff.coming_in import (
    WRONG_SIGN_IN,
    AwaitsSecondStep,
    SignInForm,
    StaffMember,
    note_who_comes_and_goes,
)
from tpminstitute.web.staff.sessions import DeskSessions
from tpminstitute.web.staff.trail import watch_changes

csrf = CSRFProtect()
"""Checks the desk's POSTs; the public form has its own signed token."""


def add_security(app: Flask, settings: Settings, db: Database) -> None:
    """Give `app` sessions, sign-in and sign-out for the desk."""
    from tpminstitute.web.staff.second_step import passkey_sign_in

    app.session_interface = DeskSessions(db)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        SECURITY_URL_PREFIX="/staff",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
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
        SECURITY_TWO_FACTOR_IMPLEMENTATIONS={"desk": f"{AwaitsSecondStep.__module__}.{AwaitsSecondStep.__name__}"},
    )
    csrf.init_app(app)
    app.register_error_handler(CSRFError, _stale_form)
    app.before_request(_protect_coming_and_going)
    datastore = SQLAlchemySessionUserDatastore(LocalProxy(session), StaffMember, Role)  # type: ignore[arg-type]
    security = Security(app, datastore, login_form=SignInForm)
    # Its own second factors stay off: ours (second_step.py) is where it leads.
    security.support_mfa = True
    security.login_context_processor(passkey_sign_in)
    note_who_comes_and_goes(app)
    watch_changes(app, db)


def _protect_coming_and_going() -> None:
    """Check the forms of Flask-Security as those of the desk: its own sign-out takes any POST."""
    if request.method == "POST" and request.blueprint == "security":
        csrf.protect()


def _stale_form(_error: CSRFError) -> tuple[str, int]:
    if request.blueprint == "staff" and current_user.is_authenticated and kept_words.can_be_kept():
        return kept_words.when_stale()
    text = (
        "This page was open for too long, or you signed in anew since it was opened. Nothing was changed. "
        "Go back, copy what you typed, reload the page and try again."
    )
    return render_template("site/error.html", status=400, title="The page is too old", text=text), 400
