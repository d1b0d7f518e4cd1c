"""The tasks: each one call into a room."""

from celery import Celery

from tpminstitute.accounts.service import tidy_sessions
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.jobs import Job
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.transport import Transport
from tpminstitute.sequences.runner import run_due


def register(celery: Celery, settings: Settings, db: Database, transport: Transport) -> None:
    """Give `celery` a task for every job."""

    @celery.task(name=Job.DELIVER.value)
    def _deliver() -> None:
        deliver(db, transport, settings.lease_seconds)

    @celery.task(name=Job.FOLLOW_UP.value)
    def _follow_up() -> None:
        run_due(db, settings)

    @celery.task(name=Job.TIDY.value)
    def _tidy() -> None:
        with db.write() as session:
            tidy_sessions(session)
