"""What a staff member wants to be told by mail: when the morning digest comes."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tpminstitute.today.models import Digest, StaffNews


def digest_of(session: Session, account_id: int) -> Digest:
    """Return when an account gets the morning digest; who said nothing gets it for what is their own."""
    return session.scalar(select(StaffNews.digest).where(StaffNews.account_id == account_id)) or Digest.OWN


def choose_digest(session: Session, account_id: int, digest: Digest) -> None:
    """Keep when an account wants the morning digest."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    choosing = insert(StaffNews).values(account_id=account_id, digest=digest)
    session.execute(choosing.on_conflict_do_update(index_elements=["account_id"], set_={"digest": digest}))
