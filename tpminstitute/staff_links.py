"""Links that the operator passes on: to an account for somebody new, to a new password for who is locked out."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy.orm import Session

from tpminstitute.accounts import invitations, resets, second_step, service
from tpminstitute.accounts.models import Account, Role
from tpminstitute.contacts.identity import read_email
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database, check_connection, pending_migrations
from tpminstitute.core.errors import Refusal
from tpminstitute.mail.account_mails import invitation_link, reset_link


def add_link(settings: Settings, email: str, role: Role) -> str:
    """Invite somebody and return the link; no mail is sent. Raises `Refusal` when they have an account already."""
    with _writing(settings) as session:
        invitation = invitations.invite(session, settings.secret_key, read_email(email).address, role, None)
        return invitation_link(settings, invitation)


def new_password_link(settings: Settings, email: str, *, second_step_too: bool) -> str:
    """Return a link to a new password for an account; with `second_step_too`, take its second step off as well.

    Raises `Refusal` when nobody has an account at that address, or it is closed.
    """
    with _writing(settings) as session:
        account = _account(session, email)
        if second_step_too:
            second_step.take_off(session, account.id, None)
        _, secret = resets.make_reset(session, account.id)
        return reset_link(settings, secret)


def account_lines(settings: Settings) -> list[str]:
    """Return a line for each account: address, role, and whether it is closed."""
    with _writing(settings) as session:
        return [
            f"{account.email}  {account.role.value}{'' if account.active else '  closed'}"
            for account in service.all_accounts(session)
        ]


def _account(session: Session, email: str) -> Account:
    account = resets.account_at(session, email)
    if account is None:
        raise Refusal(f"Nobody has an open account at {email}. `tpm staff list` shows them. Nothing was changed.")
    return account


@contextmanager
def _writing(settings: Settings) -> Iterator[Session]:
    with closing(Database(settings.database_url)) as db:
        check_connection(db)
        if pending_migrations(db):
            raise Refusal("The database is behind this version. Nothing was changed. Run `tpm migrate` first.")
        with db.write() as session:
            yield session
