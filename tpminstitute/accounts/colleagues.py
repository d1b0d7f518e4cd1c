"""Who of the staff may act for the institute."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role

_ABLE = select(Account).where(Account.active, Account.role != Role.READER).order_by(Account.name, Account.id)


def colleagues(session: Session) -> Sequence[Account]:
    """Return the accounts that may act, by name: readers only look, and a closed account does nothing."""
    return session.scalars(_ABLE).all()


def colleague(session: Session, account_id: int) -> Account | None:
    """Return one account, or None when there is none or it may not act."""
    found = session.get(Account, account_id)
    return found if found is not None and found.active and found.role is not Role.READER else None
