"""The first account: the one-time link that is printed at first start."""

from flask import flash, redirect, render_template, url_for
from flask_security import hash_password
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from tpminstitute.accounts.service import MIN_PASSWORD_LENGTH, accept_invitation, open_invitation
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff

USED = "This link was used already, or it is not one of ours."


class FirstAccountForm(FlaskForm):
    """Name, address and password of the first account."""

    name = StringField(validators=[InputRequired("Write your name."), Length(max=200)])
    email = EmailField(validators=[InputRequired("Write your e-mail address."), Length(max=320)])
    password = PasswordField(
        validators=[
            InputRequired("Choose a password."),
            Length(MIN_PASSWORD_LENGTH, 256, f"Choose a password of {MIN_PASSWORD_LENGTH} characters or more."),
        ]
    )

    def validate_email(self, field: EmailField) -> None:
        """Take only what can be an address."""
        try:
            read_email(field.data or "")
        except AddressError as problem:
            raise ValidationError(str(problem)) from None


@staff.get("/setup/<secret>")
def setup_first_account(secret: str) -> str | tuple[str, int]:
    """Show the form for the first account."""
    if open_invitation(session(), secret) is None:
        return _used()
    return render_template("staff/setup.html", form=FirstAccountForm())


@staff.post("/setup/<secret>")
def create_first_account(secret: str) -> str | tuple[str, int] | Response:
    """Create the first account, once."""
    if open_invitation(session(), secret) is None:
        return _used()
    form = FirstAccountForm()
    if not form.validate():
        return render_template("staff/setup.html", form=form), 422
    accept_invitation(
        session(),
        secret,
        name=form.name.data or "",
        email=read_email(form.email.data or "").address,
        password_hash=hash_password(form.password.data),
    )
    flash("The account was created. Sign in with it.", "success")
    return redirect(url_for("security.login"), 303)


def _used() -> tuple[str, int]:
    text = f"{USED} If you have an account, sign in. If nobody has one yet, restart the service: it prints a new link."
    return render_template("site/error.html", status=410, title="This link is over", text=text), 410
