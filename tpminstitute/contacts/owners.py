"""Who of the staff looks after a contact."""

from sqlalchemy.orm import Session

from tpminstitute.accounts.colleagues import colleague
from tpminstitute.accounts.models import Account
from tpminstitute.contacts.models import Contact
from tpminstitute.core.errors import Refusal
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record


def assign(session: Session, contact: Contact, account_id: int | None, by: int, *, instead_of: int | None) -> bool:
    """Let a staff member look after a contact, or nobody (None); returns False when that is so already.

    The caller holds the contact's row. Parameters: `by`, whose word it is; `instead_of`, who looked after the contact
    as far as they saw, None for nobody.
    Raises `Refusal` when somebody else was put in between, and for an account that may not act for the institute.
    """
    if contact.owner_id == account_id:
        return False
    before = owner_of(session, contact)
    if contact.owner_id != instead_of:
        now = f"{before.name} looks after them by now" if before else "nobody looks after them any more"
        raise Refusal(f"A colleague was quicker: {now}. Nothing was changed.")
    after = None if account_id is None else _able(session, account_id)
    contact.owner_id = account_id
    session.flush()
    record(session, contact.id, ActivityKind.CONTACT_ASSIGNED, _sentence(before, after), account_id=by)
    return True


def owner_of(session: Session, contact: Contact) -> Account | None:
    """Return who looks after a contact, or None."""
    return None if contact.owner_id is None else session.get(Account, contact.owner_id)


def _able(session: Session, account_id: int) -> Account:
    account = colleague(session, account_id)
    if account is None:
        raise Refusal("This account can't look after contacts: it is closed, or only reads. Nothing was changed.")
    return account


def _sentence(before: Account | None, after: Account | None) -> str:
    instead = f", no longer {before.name}" if before else ""
    return f"{after.name} looks after them now{instead}." if after else f"Nobody looks after them now{instead}."
