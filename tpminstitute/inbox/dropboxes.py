"""The secret address of each staff member: a mail that is sent to it as well is filed with whom it was sent to."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.inbox.models import Dropbox
from tpminstitute.mail.reply_addresses import Purpose, tagged


def dropbox_address(session: Session, settings: Settings, account: Account) -> str | None:
    """Return the secret address of a staff member, made at first use, or None while REPLY_ADDRESS isn't set."""
    if not settings.reply_address:
        return None
    kept = session.get(Dropbox, account.id)
    if kept is None:
        kept = Dropbox(account_id=account.id, secret=tokens.public_id(), made_at=clock.now())
        session.add(kept)
        session.flush()
    return tagged(settings, f"{Purpose.DROPBOX}-{kept.secret}")


def known_dropbox(session: Session, settings: Settings, account: Account) -> str | None:
    """Return the secret address of a staff member, or None before it was made or while REPLY_ADDRESS isn't set."""
    kept = session.get(Dropbox, account.id) if settings.reply_address else None
    return None if kept is None else tagged(settings, f"{Purpose.DROPBOX}-{kept.secret}")


def renew_dropbox(session: Session, account: Account) -> None:
    """Give a staff member another secret address; mail to the old one is filed no longer."""
    kept = session.get(Dropbox, account.id)
    if kept is not None:
        kept.secret, kept.made_at = tokens.public_id(), clock.now()


def owner_of_dropbox(session: Session, secret: str) -> Account | None:
    """Return the staff member whose dropbox it is, or None for a secret that is nobody's (any more), or a reader's."""
    return session.scalar(
        select(Account)
        .join(Dropbox, Dropbox.account_id == Account.id)
        .where(Dropbox.secret == secret, Account.active, Account.role != Role.READER)
    )
