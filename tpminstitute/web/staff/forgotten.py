"""A new password by mail: the same answer for every address, and a link that works once, for an hour."""

from flask import flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from tpminstitute.accounts import throttle
from tpminstitute.accounts.models import Account
from tpminstitute.accounts.resets import open_reset, reset_password
from tpminstitute.mail.account_mails import ask_for_reset, tell_of_change
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.links import over, wrong_link
from tpminstitute.web.staff.passwords import begin, hashed, is_password_of, network_here, password_field

ASKED = (
    "If that address has an account here, a mail with a link is on its way to it. The link works once, for an hour. "
    "If none comes, look whether you typed the address as you sign in with it, or ask an administrator."
)
OVER = "It works once, for an hour, and the newest password makes all the others void. Ask for another link."


class NewPasswordForm(FlaskForm):
    """The password that takes the place of the one before."""

    password = password_field()


@staff.get("/forgotten")
def forgotten() -> str:
    """Ask for the address of the account whose password is forgotten."""
    return render_template("staff/forgotten.html", problem="", email="")


@staff.post("/forgotten")
def ask_for_link() -> str | Response | tuple[str, int]:
    """Send a link to whoever has an account at the address; the answer is the same for everybody."""
    email = request.form.get("email", "").replace("\0", "").strip()[:320]
    if "@" not in email:
        problem = "Write the address that you sign in with."
        return render_template("staff/forgotten.html", problem=problem, email=email), 422
    limits = {
        f"reset:{email.lower()}": throttle.RESETS,
        f"reset:network:{network_here()}": throttle.RESETS_OF_NETWORK,
    }
    wait = begin(limits)
    if wait:
        return render_template("staff/forgotten.html", problem=wait, email=email)
    # The slowest part takes as long for a name that nobody has.
    is_password_of(None, email)
    ask_for_reset(session(), settings(), email)
    flash(ASKED, "success")
    return redirect(url_for("security.login"), 303)


@staff.get("/new-password/<secret>")
def choose_password(secret: str) -> str | tuple[str, int]:
    """Ask for the new password."""
    account = open_reset(session(), secret)
    return wrong_link(OVER) if account is None else _page(NewPasswordForm(), account)


@staff.post("/new-password/<secret>")
def keep_password(secret: str) -> str | tuple[str, int] | Response:
    """Keep the new password, once, and end every session."""
    account = open_reset(session(), secret)
    if account is None:
        return over(OVER)
    form = NewPasswordForm()
    form.address = account.email
    if not form.validate():
        return _page(form, account), 422
    reset_password(session(), secret, hashed(form.password.data or ""))
    throttle.learn(session(), account.id, network_here())
    tell_of_change(session(), settings(), account, "A new password was chosen by a link that was sent to you.")
    flash("Your password is a new one, and you are signed out everywhere. Sign in with it.", "success")
    return redirect(url_for("security.login"), 303)


def _page(form: NewPasswordForm, account: Account) -> str:
    return render_template("staff/new_password.html", form=form, email=account.email)
