"""The rows that the dry run kept, a batch in a transaction, so that an import goes on where it was."""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tpminstitute.core.db import Database
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.exchange.checking import BATCH
from tpminstitute.exchange.leases import Lease
from tpminstitute.exchange.models import Import, ImportRow

Work = Callable[[Session, Import, Sequence[ImportRow]], None]


def next_batch(
    db: Database, lease: Lease, work: Work, finish: Callable[[Session, Import], None], *which: ColumnElement[bool]
) -> bool:
    """Let `work` have the next batch of the rows that fit `which`, and `finish` the import when there is none.

    Returns whether there is more to do. Raises `LostLease`.
    """
    with db.write() as session:
        job = lease.hold(session)
        left = select(ImportRow).where(ImportRow.import_id == job.id, ImportRow.line > job.done_line, *which)
        rows = session.scalars(left.order_by(ImportRow.line).limit(BATCH)).all()
        if rows:
            work(session, job, rows)
            job.done_line = rows[-1].line
        else:
            finish(session, job)
        session.flush()
        reach(FailPoint.IMPORT_BEFORE_COMMIT)
    reach(FailPoint.IMPORT_AFTER_COMMIT)
    return bool(rows)
