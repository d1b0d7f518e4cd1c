"""Setting up one's second step: an authenticator app, passkeys, recovery codes."""

from dataclasses import dataclass

import qrcode
from flask import flash, redirect, render_template, request, url_for
from flask import session as browser_session
from werkzeug.wrappers import Response

from tpminstitute.accounts import passkeys, recovery_codes, service, totp
from tpminstitute.accounts.factor_models import SecondStep
from tpminstitute.accounts.second_step import Factors, factors_of, is_required, must_set_up, rule
from tpminstitute.mail.account_mails import tell_of_change
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.account import session_secret
from tpminstitute.web.staff.coming_in import SECOND_STEP_DONE
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.passwords import Attempt
from tpminstitute.web.staff.second_step import new_challenge, taken_challenge

NEW_APP = "new_totp_secret"
"""Where a session keeps, encrypted, the secret of an app that is being set up."""

WRONG_CODE = "That code isn’t right. Type the one that the app shows now, and check the clock of your phone."
OFF = "The institute asks for no second step at present. Nothing was changed."
NEEDED = "You need a second step here, and this is the last one. Add another first. Nothing was changed."


@dataclass(frozen=True)
class QrCode:
    """A QR code as the path of an SVG: `d` in units of one module, `size` with the quiet zone."""

    d: str
    size: int


@staff.get("/account/second-step")
@asks_password
def second_factors() -> str | Response:
    """Show what one's second step is, and how to set up another."""
    return _page() if rule(session()) is not SecondStep.OFF else _off()


@staff.post("/account/second-step/app")
@asks_password
def set_up_app() -> str | Response | tuple[str, int]:
    """Take the first code of an app, which shows that it has the secret."""
    if rule(session()) is SecondStep.OFF:
        return _off()
    attempt = Attempt("app", f"account {me().id}", me().id)
    if attempt.wait:
        return _page(attempt.wait)
    secret = _secret_being_set_up()
    if not totp.set_up(session(), settings().secret_key, me().id, secret, request.form.get("code", "")[:40]):
        return _page(WRONG_CODE), 422
    attempt.succeeded()
    browser_session.pop(NEW_APP, None)
    return _added("An authenticator app was set up as the second step.", "Your app is set up.")


@staff.post("/account/second-step/app/remove")
@asks_password
def remove_app() -> Response:
    """Take the app off."""
    if _is_last(app=True):
        flash(NEEDED, "warning")
    elif totp.remove(session(), me().id):
        _tell_removed("The authenticator app was removed from your second step.")
    return redirect(url_for("staff.second_factors"), 303)


@staff.post("/account/second-step/passkeys")
@asks_password
def add_passkey() -> str | Response | tuple[str, int]:
    """Keep a passkey that the browser made."""
    if rule(session()) is SecondStep.OFF:
        return _off()
    answer, name = request.form.get("answer", ""), request.form.get("name", "")
    try:
        passkeys.add(session(), settings(), me().id, answer, taken_challenge(), name)
    except passkeys.PasskeyError as problem:
        return _page(passkey_problem=str(problem)), 422
    return _added("A passkey was added to your second step.", "The passkey is kept.")


@staff.post(f"/account/second-step/passkeys/<{ROW_ID}:passkey_id>/remove")
@asks_password
def remove_passkey(passkey_id: int) -> Response:
    """Take a passkey off."""
    if _is_last(app=False):
        flash(NEEDED, "warning")
    elif passkeys.remove(session(), me().id, passkey_id):
        _tell_removed("A passkey was removed from your second step.")
    else:
        flash("That passkey was removed already. Nothing was changed.", "warning")
    return redirect(url_for("staff.second_factors"), 303)


@staff.post("/account/second-step/recovery-codes")
@asks_password
def make_recovery_codes() -> str | Response:
    """Make ten new recovery codes and show them, once."""
    if not factors_of(session(), me().id).any:
        flash("Set up an app or a passkey first: recovery codes stand in for one.", "warning")
        return redirect(url_for("staff.second_factors"), 303)
    return _codes("Your new recovery codes")


def _added(told: str, said: str) -> str | Response:
    """Finish setting one up: other browsers are signed out, and with the first one come recovery codes."""
    browser_session[SECOND_STEP_DONE] = True
    service.end_sessions(session(), me().id, keep=session_secret())
    tell_of_change(session(), settings(), me(), told)
    if factors_of(session(), me().id).recovery_codes:
        flash(f"{said} You are signed out in every other browser.", "success")
        return redirect(url_for("staff.second_factors"), 303)
    return _codes(said)


def _codes(title: str) -> str:
    codes = recovery_codes.make_codes(session(), me().id)
    return render_template("staff/recovery_codes.html", title=title, codes=codes)


def _tell_removed(told: str) -> None:
    tell_of_change(session(), settings(), me(), told)
    flash("It was removed.", "success")
    if not factors_of(session(), me().id).any:
        browser_session.pop(SECOND_STEP_DONE, None)


def _is_last(*, app: bool) -> bool:
    """Return whether taking it off would leave who needs a second step without one."""
    has = factors_of(session(), me().id)
    left = Factors(has.app and not app, has.passkeys if app else max(has.passkeys - 1, 0), 0)
    return is_required(session(), me()) and not left.any


def _off() -> Response:
    flash(OFF, "warning")
    return redirect(url_for("staff.account"), 303)


def _secret_being_set_up() -> str:
    sealed = str(browser_session.get(NEW_APP, ""))
    secret = totp.unseal(settings().secret_key, sealed) if sealed else None
    if secret is None:
        secret = totp.new_secret()
        browser_session[NEW_APP] = totp.seal(settings().secret_key, secret)
    return secret


def _page(problem: str = "", passkey_problem: str = "") -> str:
    kept = passkeys.passkeys_of(session(), me().id)
    possible = passkeys.are_possible(settings())
    secret = _secret_being_set_up()
    address = totp.address_for_app(secret, me().email, settings().institute_name)
    return render_template(
        "staff/second_factors.html",
        problem=problem,
        passkey_problem=passkey_problem,
        factors=factors_of(session(), me().id),
        forced=must_set_up(session(), me()),
        passkeys=kept,
        passkey_options=new_challenge(passkeys.to_add(settings(), me(), kept)) if possible else "",
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        address=address,
        qr=_qr_code(address),
    )


def _qr_code(text: str) -> QrCode:
    code = qrcode.QRCode(border=4, error_correction=qrcode.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    squares = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return QrCode("".join(squares), len(rows))
