"""A new password by a link: one-time, good for an hour, for whoever reads the account's mail."""

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.factor_models import PasswordReset
from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import end_sessions
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal

GOOD_FOR = timedelta(hours=1)


class ResetError(Refusal):
    """A link to a new password can't be used."""


def account_at(session: Session, email: str) -> Account | None:
    """Return the open account of an address, in whatever case it was typed, or None."""
    return session.scalar(select(Account).where(Account.email == email.strip().lower(), Account.active))


def make_reset(session: Session, account_id: int) -> tuple[int, str]:
    """Make a link to a new password; returns its row's id and its secret. Earlier links stay good until their end."""
    secret, now = tokens.secret(), clock.now()
    reset = PasswordReset(
        account_id=account_id, token_digest=tokens.digest(secret), created_at=now, expires_at=now + GOOD_FOR
    )
    session.add(reset)
    session.flush()
    record_audit(session, "reset_asked", f"account {account_id}", account_id=None)
    return reset.id, secret


def open_reset(session: Session, secret: str) -> Account | None:
    """Return the account whose password `secret` may change, or None when the link is unknown, used or over."""
    return session.scalar(
        select(Account)
        .join(PasswordReset, PasswordReset.account_id == Account.id)
        .where(
            PasswordReset.token_digest == tokens.digest(secret),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > clock.now(),
            Account.active,
        )
    )


def reset_password(session: Session, secret: str, password_hash: str) -> Account:
    """Give an account the password that its link was used for, end all its sessions and all its other links.

    Raises `ResetError` when the link is used or over, or the account closed.
    """
    account = open_reset(session, secret)
    used = None
    if account is not None:
        used = session.execute(
            update(PasswordReset)
            .where(PasswordReset.token_digest == tokens.digest(secret), PasswordReset.used_at.is_(None))
            .values(used_at=clock.now())
            .returning(PasswordReset.id)
        ).one_or_none()
    if account is None or used is None:
        raise ResetError("This link is over: it works once, for an hour. Ask for another. Nothing was changed.")
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.account_id == account.id, PasswordReset.used_at.is_(None))
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    account.password = password_hash
    end_sessions(session, account.id)
    record_audit(session, "password_reset", f"account {account.id}", account_id=account.id)
    return account


def tidy_resets(session: Session) -> None:
    """Forget the links that are over."""
    session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= clock.now()))
