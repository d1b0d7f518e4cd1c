"""Who of the staff has a contact open just now: a short memory that browsers refresh."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Presence
from tpminstitute.core import clock

FRESH = timedelta(minutes=1)
"""For how long somebody counts as here whose browser has fallen silent."""


def be_here(session: Session, contact_id: int, account_id: int) -> None:
    """Say that a staff member has a contact open now."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(Presence)
        .values(contact_id=contact_id, account_id=account_id, at=clock.now())
        .on_conflict_do_update(index_elements=["contact_id", "account_id"], set_={"at": clock.now()})
    )


def tidy_presences(session: Session) -> None:
    """Forget who was where an hour ago."""
    session.execute(delete(Presence).where(Presence.at < clock.now() - timedelta(hours=1)))
