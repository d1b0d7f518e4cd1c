"""A new account: by the one-time link that is printed at first start, or by an invitation."""

from flask import flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from tpminstitute.accounts import throttle
from tpminstitute.accounts.invitations import accept_invitation, open_invitation
from tpminstitute.accounts.models import Invitation
from tpminstitute.accounts.service import LONGEST_NAME
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.web.common import session
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.links import over, wrong_link
from tpminstitute.web.staff.passwords import hashed, network_here, password_field

USED = (
    "This link was used or withdrawn already, is older than a week, or is not one of ours. If you have an account, "
    "sign in. If not, ask an administrator for another invitation. If nobody has an account yet, restart the service: "
    "it prints a new link."
)


class InvitedForm(FlaskForm):
    """What somebody who was invited chooses: the address is the invitation's."""

    name = StringField(validators=[InputRequired("Write your name."), Length(max=LONGEST_NAME)])
    password = password_field()


class FirstAccountForm(InvitedForm):
    """What the first one chooses: the address too."""

    email = EmailField(validators=[InputRequired("Write your e-mail address."), Length(max=320)])

    def validate_email(self, field: EmailField) -> None:
        """Take only what can be an address."""
        try:
            read_email(field.data or "")
        except AddressError as problem:
            raise ValidationError(str(problem)) from None


@staff.get("/setup/<secret>")
def setup_first_account(secret: str) -> str | tuple[str, int]:
    """Show the form for a new account."""
    invitation = open_invitation(session(), secret)
    if invitation is None:
        return wrong_link(USED)
    return _page(_form(invitation), invitation)


@staff.post("/setup/<secret>")
def create_first_account(secret: str) -> str | tuple[str, int] | Response:
    """Create the account, once."""
    invitation = open_invitation(session(), secret)
    if invitation is None:
        return over(USED)
    form = _form(invitation)
    if not form.validate():
        return _page(form, invitation), 422
    typed = read_email(form.email.data or "").address if isinstance(form, FirstAccountForm) else ""
    account = accept_invitation(
        session(), secret, name=form.name.data or "", email=typed, password_hash=hashed(form.password.data or "")
    )
    throttle.learn(session(), account.id, network_here())
    flash("The account was created. Sign in with it.", "success")
    return redirect(url_for("security.login"), 303)


def _form(invitation: Invitation) -> InvitedForm:
    if invitation.email is None:
        return FirstAccountForm()
    form = InvitedForm()
    form.address = invitation.email
    return form


def _page(form: InvitedForm, invitation: Invitation) -> str:
    return render_template("staff/setup.html", form=form, invited=invitation.email)
