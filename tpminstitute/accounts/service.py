"""Staff accounts: make them, change what they may do, close and reopen them; and look after staff sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit as record_audit
from tpminstitute.accounts.models import Account, Role, StaffSession
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line

MIN_PASSWORD_LENGTH = 12
"""Characters; NIST SP 800-63B asks for length, not for kinds of characters."""

LONGEST_NAME = 200

LAST_ADMINISTRATOR = (
    "This is the only administrator: without one, nobody could invite, change roles or settings. "
    "Make somebody else an administrator first. Nothing was changed."
)


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


def all_accounts(session: Session) -> Sequence[Account]:
    """Return every account, those that are open first, by name."""
    return session.scalars(select(Account).order_by(Account.active.desc(), Account.name, Account.id)).all()


def rename(session: Session, account_id: int, name: str) -> bool:
    """Give an account another name; returns whether it has one now. Raises `Refusal` for an empty one."""
    called = one_line(name, LONGEST_NAME)
    if not called:
        raise Refusal("Write your name: colleagues and visitors see it. Nothing was changed.")
    account = session.get_one(Account, account_id)
    if account.name == called:
        return False
    account.name = called
    record_audit(session, "account_renamed", f"account {account_id}", account_id=account_id)
    return True


def change_role(session: Session, account_id: int, role: Role, by: int) -> bool:
    """Let an account do more or less; returns whether that changed anything.

    Raises `Refusal` for the last administrator, and `NoResultFound` when there is no such account.
    """
    account = _locked(session, account_id)
    if account.role is role:
        return False
    before = account.role
    if before is Role.ADMINISTRATOR and account.active:
        _expect_another(session, account_id)
    account.role = role
    subject = f"account {account_id}, from {before.value} to {role.value}"
    record_audit(session, "role_changed", subject, account_id=by)
    return True


def close_account(session: Session, account_id: int, by: int) -> bool:
    """Let nobody sign in with an account any more, and end its sessions; returns whether it was open.

    Raises `Refusal` for the last administrator, and `NoResultFound` when there is no such account.
    """
    account = _locked(session, account_id)
    if not account.active:
        return False
    if account.role is Role.ADMINISTRATOR:
        _expect_another(session, account_id)
    account.active = False
    end_sessions(session, account_id)
    record_audit(session, "account_closed", f"account {account_id}", account_id=by)
    return True


def reopen_account(session: Session, account_id: int, by: int) -> bool:
    """Let somebody sign in with a closed account again; returns whether it was closed."""
    account = _locked(session, account_id)
    if account.active:
        return False
    account.active = True
    record_audit(session, "account_reopened", f"account {account_id}", account_id=by)
    return True


def change_password(session: Session, account_id: int, password_hash: str, *, keep: str | None) -> None:
    """Give an account another password and end its sessions, all but that of the secret `keep`."""
    session.get_one(Account, account_id).password = password_hash
    end_sessions(session, account_id, keep=keep)
    record_audit(session, "password_changed", f"account {account_id}", account_id=account_id)


def _locked(session: Session, account_id: int) -> Account:
    """Return an account with all administrators locked, in one order: two who demote each other wait."""
    rows = select(Account).where((Account.role == Role.ADMINISTRATOR) | (Account.id == account_id))
    found = session.scalars(
        rows.order_by(Account.id).with_for_update(), execution_options={"populate_existing": True}
    ).all()
    chosen = [account for account in found if account.id == account_id]
    return chosen[0] if chosen else session.get_one(Account, account_id)


def _expect_another(session: Session, account_id: int) -> None:
    others = select(Account.id).where(Account.role == Role.ADMINISTRATOR, Account.active, Account.id != account_id)
    if session.scalar(others.limit(1)) is None:
        raise Refusal(LAST_ADMINISTRATOR)


# --- sessions ----------------------------------------------------------------------------------------------


_STANDING = select(StaffSession).where(
    StaffSession.token_digest == bindparam("digest"), StaffSession.expires_at > bindparam("now")
)
"""Made once: every page of the desk asks."""


def load_session(session: Session, secret: str) -> StaffSession | None:
    """Return the staff session of `secret`, or None when it is unknown or over."""
    return session.scalar(_STANDING, {"digest": tokens.digest(secret), "now": clock.now()})


def save_session(
    session: Session,
    secret: str,
    data: dict[str, Any],
    *,
    owner: str | None,
    until: datetime,
    browser: str = "",
    address: str = "",
    is_new: bool = True,
) -> bool:
    """Store the staff session of `secret` until the moment `until`.

    Parameters: `owner`, an account's `fs_uniquifier`; `browser` and `address`, what it came from last; `is_new`,
    whether it may be made: one that was ended while a request was on its way stays ended.
    Returns whether it is stored.
    """
    account_id = session.scalar(select(Account.id).where(Account.fs_uniquifier == owner)) if owner else None
    row = session.scalar(select(StaffSession).where(StaffSession.token_digest == tokens.digest(secret)))
    if row is None and not is_new:
        return False
    if row is None:
        row = StaffSession(token_digest=tokens.digest(secret), created_at=clock.now())
        session.add(row)
    row.account_id, row.data, row.expires_at = account_id, data, until
    row.seen_at, row.browser, row.address = clock.now(), browser[:300], address
    return True


def end_session(session: Session, secret: str) -> None:
    """Forget the staff session of `secret`."""
    session.execute(delete(StaffSession).where(StaffSession.token_digest == tokens.digest(secret)))


def end_sessions(session: Session, account_id: int, *, keep: str | None = None) -> int:
    """Sign an account out everywhere but in the session of the secret `keep`; returns how many sessions ended."""
    ended = delete(StaffSession).where(StaffSession.account_id == account_id)
    if keep is not None:
        ended = ended.where(StaffSession.token_digest != tokens.digest(keep))
    return len(session.execute(ended.returning(StaffSession.id)).all())


def end_one_session(session: Session, account_id: int, session_id: int) -> bool:
    """End one session of an account; returns whether it was there."""
    ended = delete(StaffSession).where(StaffSession.id == session_id, StaffSession.account_id == account_id)
    return session.execute(ended.returning(StaffSession.id)).one_or_none() is not None


def sessions_of(session: Session, account_id: int) -> Sequence[StaffSession]:
    """Return the sessions of an account that aren't over, last seen first."""
    return session.scalars(
        select(StaffSession)
        .where(StaffSession.account_id == account_id, StaffSession.expires_at > clock.now())
        .order_by(StaffSession.seen_at.desc(), StaffSession.id.desc())
    ).all()


def seen_now(session: Session, secret: str, address: str) -> None:
    """Note that the session of `secret` is in use, and from where."""
    session.execute(
        update(StaffSession)
        .where(StaffSession.token_digest == tokens.digest(secret))
        .values(seen_at=clock.now(), address=address)
        .execution_options(synchronize_session=False)
    )


def tidy_sessions(session: Session) -> None:
    """Forget the staff sessions that are over."""
    session.execute(delete(StaffSession).where(StaffSession.expires_at <= clock.now()))
