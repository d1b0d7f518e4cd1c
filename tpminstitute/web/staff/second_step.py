"""The second step of signing in: a code, a passkey, or a recovery code; and a passkey instead of a password."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_security import login_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from tpminstitute.accounts import passkeys, recovery_codes, totp
from tpminstitute.accounts.factor_models import SecondStep
from tpminstitute.accounts.second_step import factors_of, rule
from tpminstitute.core import clock
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.coming_in import HALF_IN_AT, HALF_IN_NEXT, SECOND_STEP_DONE, StaffMember
from tpminstitute.web.staff.own_pages import own_page
from tpminstitute.web.staff.passwords import Attempt
from tpminstitute.web.staff.sessions import HALF_IN

HALF_IN_FOR = 10 * 60
"""Seconds in which the second step has to follow the first."""

CHALLENGE, CHALLENGE_AT = "passkey_challenge", "passkey_challenge_at"
"""Where a session keeps what a passkey has to sign, and since when; it is used once."""

WRONG_CODE = "That code isn’t right, or was used already. Wait for the next one, and check the clock of your phone."
TOO_LATE = "That took more than ten minutes. Sign in again."


def half_in() -> StaffMember | None:
    """Return the account whose password was given a moment ago and whose second step is awaited, or None."""
    since = browser_session.get(HALF_IN_AT)
    if HALF_IN not in browser_session or not isinstance(since, int | float):
        return None
    if clock.now().timestamp() - since > HALF_IN_FOR:
        return None
    whose = StaffMember.fs_uniquifier == browser_session[HALF_IN]
    return session().scalar(select(StaffMember).where(whose, StaffMember.active))


@staff.get("/second-step")
def second_step() -> str | Response:
    """Ask for the second step of who gave their password."""
    account = half_in()
    return _late() if account is None else _page(account)


@staff.post("/second-step")
def take_code() -> str | Response | tuple[str, int]:
    """Take a code of the app, or a recovery code."""
    account = half_in()
    if account is None:
        return _late()
    typed = request.form.get("code", "")[:100]
    attempt = Attempt("code", f"account {account.id}", account.id)
    if attempt.wait:
        return _page(account, attempt.wait)
    if totp.check_code(session(), settings().secret_key, account.id, typed):
        return _come_in(account, attempt)
    if recovery_codes.use_code(session(), account.id, typed):
        left = factors_of(session(), account.id).recovery_codes
        flash(f"You came in with a recovery code; it is used up. {left} are left.", "warning")
        return _come_in(account, attempt)
    return _page(account, WRONG_CODE), 422


@staff.post("/second-step/passkey")
def take_passkey() -> str | Response | tuple[str, int]:
    """Take the answer of a passkey of this account."""
    account = half_in()
    if account is None:
        return _late()
    attempt = Attempt("code", f"account {account.id}", account.id)
    if attempt.wait:
        return _page(account, attempt.wait)
    try:
        passkeys.prove(session(), settings(), request.form.get("answer", ""), taken_challenge(), account.id)
    except passkeys.PasskeyError as problem:
        return _page(account, str(problem)), 422
    return _come_in(account, attempt)


@staff.post("/sign-in/passkey")
def sign_in_by_passkey() -> Response:
    """Sign in with a passkey alone: the device has recognised its owner, so that is two steps in one."""
    try:
        account_id = passkeys.prove(session(), settings(), request.form.get("answer", ""), taken_challenge())
    except passkeys.PasskeyError as problem:
        flash(str(problem), "error")
        return redirect(url_for("security.login"), 303)
    account = session().scalar(select(StaffMember).where(StaffMember.id == account_id, StaffMember.active))
    if account is None or rule(session()) is SecondStep.OFF:
        flash(passkeys.NOT_PROVEN, "error")
        return redirect(url_for("security.login"), 303)
    browser_session[HALF_IN_NEXT] = request.form.get("next", "")
    return _come_in(account)


def new_challenge(options: tuple[str, str]) -> str:
    """Keep the challenge of some options for a passkey in the session; returns what the browser needs."""
    asked, challenge = options
    browser_session[CHALLENGE], browser_session[CHALLENGE_AT] = challenge, clock.now().timestamp()
    return asked


def taken_challenge() -> str:
    """Return the session's challenge and forget it; '' when there is none or it is old."""
    since = browser_session.pop(CHALLENGE_AT, 0)
    challenge = str(browser_session.pop(CHALLENGE, ""))
    return challenge if clock.now().timestamp() - since <= HALF_IN_FOR else ""


def passkey_sign_in() -> dict[str, Any]:
    """Return what the sign-in page needs for a passkey, nothing where no browser would offer one."""
    if not passkeys.are_possible(settings()) or rule(session()) is SecondStep.OFF:
        return {}
    return {"passkey_options": new_challenge(passkeys.to_prove(settings()))}


def _come_in(account: StaffMember, attempt: Attempt | None = None) -> Response:
    if attempt is not None:
        attempt.succeeded()
    for name in (HALF_IN, HALF_IN_AT):
        browser_session.pop(name, None)
    on = own_page(browser_session.pop(HALF_IN_NEXT, ""))
    login_user(account)
    browser_session[SECOND_STEP_DONE] = True
    return redirect(on, 303)


def _late() -> Response:
    if HALF_IN in browser_session:
        browser_session.pop(HALF_IN)
        flash(TOO_LATE, "warning")
    return redirect(url_for("security.login"), 303)


def _page(account: StaffMember, problem: str = "") -> str:
    kept = passkeys.passkeys_of(session(), account.id) if passkeys.are_possible(settings()) else ()
    return render_template(
        "staff/second_step.html",
        problem=problem,
        app=totp.has_app(session(), account.id),
        passkey_options=new_challenge(passkeys.to_prove(settings(), kept)) if kept else "",
    )
