"""A worker's turn at the imports: a short one, so that mails don't wait behind a long import."""

import time
import traceback
from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from tpminstitute.core import jobs
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.jobs import Job
from tpminstitute.exchange import reverting, running
from tpminstitute.exchange.checking import Checking
from tpminstitute.exchange.imports import file_of, forget_file, tidy_imports
from tpminstitute.exchange.leases import Lease, LostLease, take
from tpminstitute.exchange.models import AT_WORK, Import, ImportState

log = structlog.get_logger(__name__)

TURN_SECONDS = 2.0
"""A turn takes so long and then its last batch; the next one is asked for behind what waits meanwhile."""

AGAIN = "It is tried again every minute; nothing that was done before is lost."


def go_on_with_imports(db: Database, settings: Settings) -> None:
    """Go on with the import that waits longest, for one turn; asks for the next turn if there is more to do.

    With none to go on with, it tidies.
    """
    lease = take(db)
    if lease is not None:
        _turn(db, settings, lease, TURN_SECONDS)
        return
    with db.write() as session:
        tidy_imports(session, settings)


def finish(db: Database, settings: Settings, import_id: int, tell: Callable[[Import], None]) -> None:
    """Go on with one import until it stands still; `tell` is called with it after each short while.

    Raises `Refusal` when another worker has it, or when it can't go on.
    """
    while _waits(db, import_id, tell):
        lease = take(db, import_id)
        if lease is None:
            raise Refusal("A worker of the service goes on with this import already. Look at it on the desk.")
        _turn(db, settings, lease, 0.2)


def _waits(db: Database, import_id: int, tell: Callable[[Import], None]) -> bool:
    with db.read() as session:
        job = session.get_one(Import, import_id)
        tell(job)
        if job.trouble:
            raise Refusal(job.trouble)
        return job.state in AT_WORK


def _turn(db: Database, settings: Settings, lease: Lease, seconds: float) -> None:
    ends = time.monotonic() + seconds
    try:
        step = _step(db, settings, lease)
        more = step()
        while more and time.monotonic() < ends:
            more = step()
    except LostLease:
        return
    except Refusal as refusal:
        with db.write() as session:
            _stop_at(session, lease, str(refusal))
        return
    except Exception as error:
        # Without the error's own text, which may hold what stands in a row.
        where = traceback.format_tb(error.__traceback__)
        log.error("import_broke", import_id=lease.import_id, kind=type(error).__name__, where="".join(where))
        with db.write() as session:
            _say(session, lease, f"It broke off ({type(error).__name__}). {AGAIN}")
        return
    with db.write() as session:
        lease.give_back(session)
        if more:
            jobs.hint(session, Job.IMPORT)


def _step(db: Database, settings: Settings, lease: Lease) -> Callable[[], bool]:
    with db.read() as session:
        job = session.get_one(Import, lease.import_id)
    if job.state is ImportState.RUNNING:
        forget_file(settings, job)
        return lambda: running.go_on(db, lease)
    if job.state is ImportState.REVERTING:
        return lambda: reverting.go_on(db, lease)
    file = file_of(settings, job)
    if not file.exists():
        raise Refusal(
            "The file isn't on the machine where the worker runs, so it can't be read. Let the web server and the "
            "worker share DATA_DIR, or bring the file again."
        )
    return Checking(db, settings, lease, file).go_on


def _stop_at(session: Session, lease: Lease, sentence: str) -> None:
    """Go back to before the dry run, and say why."""
    job = lease.hold(session)
    job.state, job.trouble = ImportState.CHOOSING, sentence
    session.flush()
    lease.give_back(session)


def _say(session: Session, lease: Lease, sentence: str) -> None:
    job = lease.hold(session)
    job.trouble = sentence
    session.flush()
    lease.give_back(session)
