"""Only one worker at a time goes on with an import, and one that was lost is followed by another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Database
from tpminstitute.exchange.models import AT_WORK, Import

LEASE_SECONDS = 60
"""A batch takes a second or two; after so long without a word whoever worked on it is gone."""


class LostLease(Exception):
    """Another worker took over, or the import was removed: what wasn't committed is not done here."""


@dataclass(frozen=True)
class Lease:
    """The right to go on with an import."""

    import_id: int
    token: str

    def hold(self, session: Session) -> Import:
        """Return the import, held until the transaction ends; the lease is good for another while.

        Raises `LostLease`.
        """
        held = session.execute(
            update(Import)
            .where(Import.id == self.import_id, Import.lease_token == self.token)
            .values(lease_until=_hence(), moved_at=clock.now(), trouble="")
            .returning(Import)
            .execution_options(populate_existing=True)
        ).scalar_one_or_none()
        if held is None:
            raise LostLease
        return held

    def give_back(self, session: Session) -> None:
        """Let anybody go on with the import."""
        mine = (Import.id == self.import_id, Import.lease_token == self.token)
        session.execute(update(Import).where(*mine).values(lease_token=None, lease_until=None))


def take(db: Database, import_id: int | None = None) -> Lease | None:
    """Take the import that waits longest for a worker, or a certain one; None when there is none."""
    free = or_(Import.lease_until.is_(None), Import.lease_until < clock.now())
    waiting = select(Import.id).where(Import.state.in_(AT_WORK), free).order_by(Import.moved_at).limit(1)
    if import_id is not None:
        waiting = waiting.where(Import.id == import_id)
    token = tokens.secret()
    with db.write() as session:
        taken = session.execute(
            update(Import)
            .where(Import.id == waiting.scalar_subquery(), free)
            .values(lease_token=token, lease_until=_hence())
            .returning(Import.id)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
    return None if taken is None else Lease(taken, token)


def _hence() -> datetime:
    return clock.now() + timedelta(seconds=LEASE_SECONDS)
