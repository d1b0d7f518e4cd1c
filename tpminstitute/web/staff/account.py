"""One's own account: the name, the password, and where one is signed in."""

from typing import cast

from flask import flash, redirect, render_template, url_for
from flask import session as browser_session
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from tpminstitute.accounts import service
from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.browsers import browser_in_words, shortened
from tpminstitute.accounts.factor_models import SecondStep
from tpminstitute.accounts.second_step import factors_of, rule
from tpminstitute.core import clock, tokens
from tpminstitute.mail.account_mails import tell_of_change
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me
from tpminstitute.web.staff.freshness import GIVEN_AT
from tpminstitute.web.staff.messages import ROW_ID
from tpminstitute.web.staff.passwords import NOT_IT, Attempt, hashed, is_password_of, password_field
from tpminstitute.web.staff.sessions import DeskSession


class NameForm(FlaskForm):
    """What colleagues and visitors read."""

    name = StringField(validators=[InputRequired("Write your name."), Length(max=service.LONGEST_NAME)])


class PasswordForm(FlaskForm):
    """The password as it is, and as it shall be."""

    old = PasswordField(validators=[InputRequired("Write the password that you have now."), Length(max=1000)])
    password = password_field()


@staff.get("/account")
def account() -> str:
    """Show one's own account."""
    return _page(NameForm(formdata=None, name=me().name), PasswordForm(formdata=None))


@staff.post("/account/name")
def change_name() -> Response | tuple[str, int]:
    """Change one's own name."""
    form = NameForm()
    if not form.validate():
        return _page(form, PasswordForm(formdata=None)), 422
    changed = service.rename(session(), me().id, form.name.data or "")
    flash("Your name was changed." if changed else "That is your name already.", "success")
    return redirect(url_for("staff.account"), 303)


@staff.post("/account/password")
def change_password() -> str | Response | tuple[str, int]:
    """Change one's own password; every other session ends."""
    form = PasswordForm()
    form.address = me().email
    if form.validate():
        attempt = Attempt("password", f"account {me().id}", me().id)
        if attempt.wait:
            form.old.errors = [*form.old.errors, attempt.wait]
        elif not is_password_of(me(), form.old.data or ""):
            form.old.errors = [*form.old.errors, NOT_IT]
        else:
            attempt.succeeded()
            return _keep(form.password.data or "")
    return _page(NameForm(formdata=None, name=me().name), form), 422


@staff.post(f"/account/sessions/<{ROW_ID}:session_id>/end")
def end_session(session_id: int) -> Response:
    """Sign out in one other browser."""
    if service.end_one_session(session(), me().id, session_id):
        record_audit(session(), "sessions_ended", "1 of their own", account_id=me().id)
        flash("That browser is signed out.", "success")
    else:
        flash("That session was over already. Nothing was changed.", "warning")
    return redirect(url_for("staff.account", _anchor="sessions-title"), 303)


@staff.post("/account/sessions/end-others")
def end_other_sessions() -> Response:
    """Sign out everywhere but here."""
    ended = service.end_sessions(session(), me().id, keep=session_secret())
    if ended:
        record_audit(session(), "sessions_ended", f"{ended} of their own", account_id=me().id)
    flash("You are signed out everywhere but here." if ended else "You are signed in here only.", "success")
    return redirect(url_for("staff.account", _anchor="sessions-title"), 303)


def _keep(password: str) -> Response:
    service.change_password(session(), me().id, hashed(password), keep=session_secret())
    tell_of_change(session(), settings(), me(), "Your password was changed.")
    browser_session[GIVEN_AT] = clock.now().timestamp()
    flash("Your password was changed, and you are signed out everywhere but here.", "success")
    return redirect(url_for("staff.account"), 303)


def session_secret() -> str:
    """Return the secret of the session that asks."""
    return cast(DeskSession, browser_session._get_current_object()).secret or ""  # type: ignore[attr-defined]


def _page(name_form: NameForm, password_form: PasswordForm) -> str:
    here = tokens.digest(session_secret())
    return render_template(
        "staff/account.html",
        name_form=name_form,
        password_form=password_form,
        factors=factors_of(session(), me().id),
        second_step=rule(session()) is not SecondStep.OFF,
        sessions=sorted(
            (
                (row, browser_in_words(row.browser), shortened(row.address), row.token_digest == here)
                for row in service.sessions_of(session(), me().id)
            ),
            key=lambda shown: not shown[3],
        ),
    )
