"""Accounts, for administrators: who may come in, as what, and who is asked for a second step."""

from collections.abc import Callable

from flask import abort, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.exc import NoResultFound
from werkzeug.wrappers import Response
from wtforms import EmailField, SelectField
from wtforms.validators import InputRequired, Length, ValidationError

from tpminstitute.accounts import second_step, service
from tpminstitute.accounts.factor_models import SecondStep
from tpminstitute.accounts.invitations import open_invitations
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.identity import AddressError, read_email
from tpminstitute.core import clock
from tpminstitute.core.errors import Refusal
from tpminstitute.mail import account_mails
from tpminstitute.web.common import session, settings
from tpminstitute.web.staff import staff
from tpminstitute.web.staff.access import me, needs
from tpminstitute.web.staff.acting_once import acts_once
from tpminstitute.web.staff.freshness import asks_password
from tpminstitute.web.staff.messages import ROW_ID

ROLES = {
    Role.ADMINISTRATOR: ("Administrator", "does everything, and says who comes in"),
    Role.ADVISOR: ("Advisor", "replies, notes, follow-ups"),
    Role.READER: ("Reader", "looks, and changes nothing"),
}

SECOND_STEPS = {
    SecondStep.OFF: "Nobody. A password is enough",
    SecondStep.OPTIONAL: "Whoever sets one up",
    SecondStep.ADMINISTRATORS: "Administrators have to, others may",
    SecondStep.EVERYBODY: "Everybody has to",
}

HOME = "staff.accounts"
ALREADY = "It was so already. Nothing was changed."


class InviteForm(FlaskForm):
    """Who is invited, and as what."""

    email = EmailField("E-mail", validators=[InputRequired("Write the address to invite."), Length(max=320)])
    role = SelectField("Role", choices=[role.value for role in Role], default=Role.ADVISOR.value)

    def validate_email(self, field: EmailField) -> None:
        """Take only what can be an address."""
        try:
            read_email(field.data or "")
        except AddressError as problem:
            raise ValidationError(str(problem)) from None


@staff.get("/accounts")
@needs(Role.ADMINISTRATOR)
def accounts() -> str:
    """Show who has an account, who is invited, and who needs a second step."""
    return _page(InviteForm(formdata=None))


@staff.post("/accounts/invitations")
@needs(Role.ADMINISTRATOR)
@asks_password
def invite() -> Response | tuple[str, int]:
    """Invite somebody by mail."""
    form = InviteForm()
    if not form.validate():
        return _page(form), 422
    email, role = read_email(form.email.data or "").address, Role(form.role.data)
    try:
        account_mails.invite(session(), settings(), email, role, me())
    except Refusal as refusal:
        form.email.errors = [*form.email.errors, str(refusal)]
        return _page(form), 422
    flash(f"{email} is invited. The mail is on its way; its link stands below as well.", "success")
    return redirect(url_for(HOME), 303)


@staff.post(f"/accounts/invitations/<{ROW_ID}:invitation_id>/renew")
@needs(Role.ADMINISTRATOR)
@asks_password
@acts_once("This was sent twice. One more link was made, and one mail is on its way.")
def renew_invitation(invitation_id: int) -> Response:
    """Make another link for an invitation and write again."""

    def renew() -> str:
        renewed = account_mails.renew_invitation(session(), settings(), invitation_id, me())
        return f"{renewed.email} gets another link, good for a week. The one before is void."

    return _change(renew)


@staff.post(f"/accounts/invitations/<{ROW_ID}:invitation_id>/withdraw")
@needs(Role.ADMINISTRATOR)
def withdraw_invitation(invitation_id: int) -> Response:
    """Make an invitation's link void."""

    def withdraw() -> str:
        withdrawn = account_mails.withdraw_invitation(session(), invitation_id, me().id)
        return f"The invitation of {withdrawn.email} is withdrawn. Its link opens nothing any more."

    return _change(withdraw)


@staff.post(f"/accounts/<{ROW_ID}:account_id>/role")
@needs(Role.ADMINISTRATOR)
@asks_password
def change_role(account_id: int) -> Response:
    """Let somebody do more or less."""
    wanted = request.form.get("role", "")
    if wanted not in list(Role):
        abort(400)

    def change() -> str:
        changed = service.change_role(session(), account_id, Role(wanted), me().id)
        return f"{_found(account_id).name} is {account_mails.AS[Role(wanted)]} now." if changed else ""

    return _change(change)


@staff.post(f"/accounts/<{ROW_ID}:account_id>/close")
@needs(Role.ADMINISTRATOR)
@asks_password
def close_account(account_id: int) -> Response:
    """Let somebody come in no more."""

    def close() -> str:
        closed = service.close_account(session(), account_id, me().id)
        return f"{_found(account_id).name}’s account is closed and signed out. What they did stays." if closed else ""

    return _change(close)


@staff.post(f"/accounts/<{ROW_ID}:account_id>/reopen")
@needs(Role.ADMINISTRATOR)
@asks_password
def reopen_account(account_id: int) -> Response:
    """Let somebody come in again."""

    def reopen() -> str:
        reopened = service.reopen_account(session(), account_id, me().id)
        return f"{_found(account_id).name} can sign in again, with the password from before." if reopened else ""

    return _change(reopen)


@staff.post(f"/accounts/<{ROW_ID}:account_id>/second-step/remove")
@needs(Role.ADMINISTRATOR)
@asks_password
def take_off_second_step(account_id: int) -> Response:
    """Take the second step off the account of somebody who lost it."""

    def take_off() -> str:
        account = _found(account_id)
        if not second_step.take_off(session(), account_id, me().id):
            return ""
        told = f"{me().name} took the second step off your account, and you were signed out everywhere."
        account_mails.tell_of_change(session(), settings(), account, told)
        return f"{account.name} comes in by password alone now, and can set up a second step again."

    return _change(take_off)


@staff.post("/accounts/second-step")
@needs(Role.ADMINISTRATOR)
@asks_password
def change_second_step() -> Response:
    """Say who is asked for a second step."""
    wanted = request.form.get("second_step", "")
    if wanted not in list(SecondStep):
        abort(400)

    def change() -> str:
        changed = second_step.set_rule(session(), SecondStep(wanted), me().id)
        return "It was changed. It holds from everybody’s next page on." if changed else ""

    return _change(change)


def _change(change: Callable[[], str]) -> Response:
    """Do something about an account that is there; says what was done, or that it was so already."""
    try:
        said = change()
    except NoResultFound:
        abort(404)
    except Refusal as refusal:
        flash(str(refusal), "warning")
    else:
        flash(said or ALREADY, "success" if said else "warning")
    return redirect(url_for(HOME), 303)


def _found(account_id: int) -> Account:
    return session().get_one(Account, account_id)


def _page(form: InviteForm) -> str:
    return render_template(
        "staff/accounts.html",
        accounts=service.all_accounts(session()),
        with_second_step=second_step.with_factors(session()),
        invitations=[
            (invitation, by, account_mails.invitation_link(settings(), invitation))
            for invitation, by in open_invitations(session())
        ],
        now=clock.now(),
        form=form,
        roles=ROLES,
        rule=second_step.rule(session()),
        second_steps=SECOND_STEPS,
    )
