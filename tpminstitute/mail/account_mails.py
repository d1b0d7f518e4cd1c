"""The mails about accounts: an invitation, a link to a new password, and word of a change."""

from sqlalchemy.orm import Session

from tpminstitute.accounts import invitations, resets
from tpminstitute.accounts.models import Account, Invitation, Role
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.text import one_line
from tpminstitute.mail import outbox
from tpminstitute.mail.letters import Letter
from tpminstitute.mail.to_staff import staff_letter, write_to_staff

AS = {Role.ADMINISTRATOR: "an administrator", Role.ADVISOR: "an advisor", Role.READER: "a reader"}

NOBODY = "nobody"
"""The name in the letter that is made for an address without an account, and sent to none."""


def invite(session: Session, settings: Settings, email: str, role: Role, by: Account) -> Invitation:
    """Invite somebody and write to them. Raises `Refusal` when there is an account or an invitation already."""
    invitation = invitations.invite(session, settings.secret_key, email, role, by.id)
    _write_invitation(session, settings, invitation, by)
    return invitation


def renew_invitation(session: Session, settings: Settings, invitation_id: int, by: Account) -> Invitation:
    """Make another link for an invitation and write once more; the link in the earlier mail stops working."""
    invitation = invitations.renew(session, settings.secret_key, invitation_id, by.id)
    outbox.cancel(session, f"invitation:{invitation.id}", "The invitation was renewed.")
    _write_invitation(session, settings, invitation, by)
    return invitation


def withdraw_invitation(session: Session, invitation_id: int, account_id: int) -> Invitation:
    """Withdraw an invitation, and its mail where it hasn't gone."""
    invitation = invitations.withdraw(session, invitation_id, account_id)
    outbox.cancel(session, f"invitation:{invitation.id}", "The invitation was withdrawn.")
    return invitation


def invitation_link(settings: Settings, invitation: Invitation) -> str:
    """Return the address that an invitation opens, '' where SECRET_KEY has changed since it was made."""
    secret = invitations.secret_of(settings.secret_key, invitation)
    good = tokens.digest(secret) == invitation.token_digest
    return f"{settings.public_url}/staff/setup/{secret}" if good else ""


def ask_for_reset(session: Session, settings: Settings, email: str) -> None:
    """Write a link to a new password to the account of an address; where there is none, do as much and send nothing."""
    account = resets.account_at(session, email)
    if account is None:
        _reset_letter(settings, NOBODY, tokens.secret())
        return
    reset_id, secret = resets.make_reset(session, account.id)
    write_to_staff(
        session,
        settings,
        _reset_letter(settings, account.name, secret),
        name=account.name,
        email=account.email,
        cause=f"password-reset:{reset_id}",
        dedupe_key=f"password-reset:{reset_id}",
    )


def reset_link(settings: Settings, secret: str) -> str:
    """Return the address where a new password is chosen."""
    return f"{settings.public_url}/staff/new-password/{secret}"


def tell_of_change(session: Session, settings: Settings, account: Account, what: str) -> None:
    """Write to an account's owner that something about how they come in was changed: ``Your password was changed.``"""
    letter = staff_letter(
        settings,
        "account-changed",
        "You get this because your account was changed.",
        name=one_line(account.name, 100),
        what=what,
        at=zones.written(clock.now(), settings.institute_zone),
        link_url=f"{settings.public_url}/staff/forgotten",
    )
    key = f"account:{account.id}:{tokens.public_id()}"
    write_to_staff(
        session, settings, letter, name=account.name, email=account.email, cause=f"account:{account.id}", dedupe_key=key
    )


def _write_invitation(session: Session, settings: Settings, invitation: Invitation, by: Account) -> None:
    assert invitation.email is not None
    assert invitation.expires_at is not None
    letter = staff_letter(
        settings,
        "invitation",
        "You get this because somebody of the institute invited this address.",
        inviter=one_line(by.name, 100),
        role=AS[invitation.role],
        expires=zones.written(invitation.expires_at, settings.institute_zone),
        link_url=invitation_link(settings, invitation),
    )
    write_to_staff(
        session,
        settings,
        letter,
        name="",
        email=invitation.email,
        cause=f"invitation:{invitation.id}",
        dedupe_key=f"invitation:{invitation.id}:{invitation.created_at:%Y%m%d%H%M%S%f}",
    )


def _reset_letter(settings: Settings, name: str, secret: str) -> Letter:
    return staff_letter(
        settings,
        "password-reset",
        "You get this because somebody asked for a new password for this address.",
        name=one_line(name, 100),
        link_url=reset_link(settings, secret),
    )
