"""Make accounts, keep the audit log, and look after staff sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit as record_audit
from tpminstitute.accounts.models import Account, Invitation, Role, StaffSession
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal

MIN_PASSWORD_LENGTH = 12
"""Characters; NIST SP 800-63B asks for length, not for kinds of characters."""


class InvitationError(Refusal):
    """An invitation's link can't be used."""


def invite_first(session: Session) -> str | None:
    """Make the one-time secret that creates the first account; earlier unused ones stop working.

    Returns the secret, or None when somebody has an account already.
    """
    if session.scalar(select(func.count()).select_from(Account)):
        return None
    session.execute(delete(Invitation).where(Invitation.used_at.is_(None)))
    secret = tokens.secret()
    session.add(
        Invitation(token_digest=tokens.digest(secret), role=Role.ADMINISTRATOR, created_at=clock.now(), used_at=None)
    )
    return secret


def open_invitation(session: Session, secret: str) -> Invitation | None:
    """Return the invitation that `secret` opens, or None when it is unknown or used."""
    return session.scalar(
        select(Invitation).where(Invitation.token_digest == tokens.digest(secret), Invitation.used_at.is_(None))
    )


def accept_invitation(session: Session, secret: str, *, name: str, email: str, password_hash: str) -> Account:
    """Create the account that an invitation promises, once.

    Parameters: `secret`, from the link; `password_hash`, argon2, never the password itself.
    Returns the new account. Raises `InvitationError` when the link was used or never given.
    """
    role = session.scalar(
        update(Invitation)
        .where(Invitation.token_digest == tokens.digest(secret), Invitation.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(Invitation.role)
    )
    if role is None:
        raise InvitationError("This link was used already, or it is not one of ours. Nothing was changed.")
    account = add_account(session, name=name, email=email, password_hash=password_hash, role=role)
    record_audit(session, "account_created", f"account {account.id}", account_id=account.id)
    return account


def add_account(session: Session, *, name: str, email: str, password_hash: str, role: Role) -> Account:
    """Create an account; `email` is kept in lower case. Returns it with its id."""
    account = Account(
        name=name,
        email=email.lower(),
        password=password_hash,
        role=role,
        active=True,
        fs_uniquifier=tokens.secret(),
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    return account


def load_session(session: Session, secret: str) -> dict[str, Any] | None:
    """Return what the staff session of `secret` holds, or None when it is unknown or over."""
    row = session.scalar(
        select(StaffSession).where(
            StaffSession.token_digest == tokens.digest(secret), StaffSession.expires_at > clock.now()
        )
    )
    return None if row is None else dict(row.data)


def save_session(session: Session, secret: str, data: dict[str, Any], *, owner: str | None, until: datetime) -> None:
    """Store the staff session of `secret` until the moment `until`; `owner` is an account's `fs_uniquifier`."""
    account_id = session.scalar(select(Account.id).where(Account.fs_uniquifier == owner)) if owner else None
    row = session.scalar(select(StaffSession).where(StaffSession.token_digest == tokens.digest(secret)))
    if row is None:
        row = StaffSession(token_digest=tokens.digest(secret), created_at=clock.now())
        session.add(row)
    row.account_id, row.data, row.expires_at = account_id, data, until


def end_session(session: Session, secret: str) -> None:
    """Forget the staff session of `secret`."""
    session.execute(delete(StaffSession).where(StaffSession.token_digest == tokens.digest(secret)))


def tidy_sessions(session: Session) -> None:
    """Forget the staff sessions that are over."""
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= clock.now()))
