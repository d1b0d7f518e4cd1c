"""Invitations: an administrator asks somebody to the desk, by a link that works once and for a week."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.audit import record_audit
from tpminstitute.accounts.models import Account, Invitation, Role
from tpminstitute.accounts.service import add_account
from tpminstitute.core import clock, tokens
from tpminstitute.core.errors import Refusal

GOOD_FOR = timedelta(days=7)


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
    session.add(Invitation(token_digest=tokens.digest(secret), role=Role.ADMINISTRATOR, created_at=clock.now()))
    return secret


def invite(session: Session, secret_key: str, email: str, role: Role, account_id: int | None) -> Invitation:
    """Invite whoever reads mail at `email` (an address as it is kept) to the desk.

    Parameters: `secret_key`, the service's, which the link is made with; `account_id`, who invites, None for the
    operator. Returns the invitation. Raises `Refusal` when somebody has an account or an invitation at that address.
    """
    email = email.lower()
    if session.scalar(select(Account.id).where(Account.email == email)) is not None:
        raise Refusal(f"{email} has an account already. Nobody was invited.")
    now = clock.now()
    session.execute(
        update(Invitation)
        .where(Invitation.email == email, _is_open(), Invitation.expires_at <= now)
        .values(withdrawn_at=now)
    )
    if session.scalar(select(Invitation.id).where(Invitation.email == email, _is_open())) is not None:
        raise Refusal(f"{email} is invited already. Renew that invitation, or withdraw it first.")
    invitation = Invitation(
        token_digest=tokens.digest(tokens.secret()),
        role=role,
        created_at=now,
        email=email,
        invited_by=account_id,
        expires_at=now + GOOD_FOR,
    )
    session.add(invitation)
    session.flush()
    invitation.token_digest = tokens.digest(secret_of(secret_key, invitation))
    record_audit(session, "invited", f"invitation {invitation.id}, as {role.value}", account_id=account_id)
    return invitation


def renew(session: Session, secret_key: str, invitation_id: int, account_id: int) -> Invitation:
    """Make a new link for an invitation, good for a week from now; the one before stops working.

    Raises `Refusal` when it was used or withdrawn.
    """
    invitation = _open(session, invitation_id)
    invitation.created_at, invitation.expires_at = clock.now(), clock.now() + GOOD_FOR
    invitation.token_digest = tokens.digest(secret_of(secret_key, invitation))
    record_audit(session, "invitation_renewed", f"invitation {invitation.id}", account_id=account_id)
    return invitation


def withdraw(session: Session, invitation_id: int, account_id: int) -> Invitation:
    """Make an invitation's link stop working. Raises `Refusal` when it was used or withdrawn before."""
    invitation = _open(session, invitation_id)
    invitation.withdrawn_at = clock.now()
    record_audit(session, "invitation_withdrawn", f"invitation {invitation.id}", account_id=account_id)
    return invitation


def secret_of(secret_key: str, invitation: Invitation) -> str:
    """Return the secret in an invitation's link.

    It is made from the row and the service's key, so that the link can be shown again and isn't stored.
    """
    micros = int(invitation.created_at.timestamp() * 1_000_000)
    return tokens.Signer(secret_key, "invitation").sign([invitation.id, micros])


def open_invitations(session: Session) -> Sequence[tuple[Invitation, str]]:
    """Return the invitations that nobody used or withdrew, newest first, and who invited ('': the operator)."""
    rows = session.execute(
        select(Invitation, func.coalesce(Account.name, ""))
        .outerjoin(Account, Account.id == Invitation.invited_by)
        .where(Invitation.email.is_not(None), _is_open())
        .order_by(Invitation.id.desc())
    )
    return [(invitation, by) for invitation, by in rows]


def open_invitation(session: Session, secret: str) -> Invitation | None:
    """Return the invitation that `secret` opens, or None when it is unknown, used, withdrawn or over."""
    return session.scalar(select(Invitation).where(*_opened_by(secret)))


def accept_invitation(session: Session, secret: str, *, name: str, email: str, password_hash: str) -> Account:
    """Create the account that an invitation promises, once.

    Parameters: `secret`, from the link; `email`, which counts only where the invitation names none (the first
    account's); `password_hash`, argon2, never the password itself.
    Returns the new account. Raises `InvitationError` when the link was used or never given, or when the address has
    an account meanwhile.
    """
    accepted = session.execute(
        update(Invitation)
        .where(*_opened_by(secret))
        .values(used_at=clock.now())
        .returning(Invitation.id, Invitation.role, Invitation.email)
    ).one_or_none()
    if accepted is None:
        raise InvitationError("This link was used already, or it is not one of ours. Nothing was changed.")
    address = accepted.email or email
    if session.scalar(select(Account.id).where(Account.email == address.lower())) is not None:
        raise InvitationError("There is an account with this address already. Sign in with it. Nothing was changed.")
    account = add_account(session, name=name, email=address, password_hash=password_hash, role=accepted.role)
    subject = f"account {account.id}, by invitation {accepted.id}"
    record_audit(session, "account_created", subject, account_id=account.id)
    return account


def _opened_by(secret: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Invitation.token_digest == tokens.digest(secret),
        _is_open(),
        or_(Invitation.expires_at.is_(None), Invitation.expires_at > clock.now()),
    )


def _is_open() -> ColumnElement[bool]:
    return Invitation.used_at.is_(None) & Invitation.withdrawn_at.is_(None)


def _open(session: Session, invitation_id: int) -> Invitation:
    found = session.scalar(select(Invitation).where(Invitation.id == invitation_id, _is_open()).with_for_update())
    if found is None or found.email is None:
        raise Refusal("This invitation was used or withdrawn meanwhile. Nothing was changed.")
    return found
