"""The tasks: each one call into a room."""

from threading import Event

from celery import Celery
from celery.signals import worker_shutting_down

from tpminstitute.accounts.resets import tidy_resets
from tpminstitute.accounts.service import tidy_sessions
from tpminstitute.accounts.throttle import tidy_tries
from tpminstitute.comments.notices import tell_of_many
from tpminstitute.contacts.presence import tidy_presences
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.jobs import Job
from tpminstitute.core.once import tidy_forms
from tpminstitute.exchange.work import go_on_with_imports
from tpminstitute.inbox.provider_events import tidy_hook_events
from tpminstitute.institute.service import effective
from tpminstitute.lists import bulk
from tpminstitute.lists.search_upkeep import settle
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.transport import Transport
from tpminstitute.merging.duplicates import compare_waiting
from tpminstitute.merging.since import gather_strays
from tpminstitute.own_page.addresses import tidy as tidy_addresses
from tpminstitute.own_page.erasing import carry_out
from tpminstitute.own_page.writers import forget_due
from tpminstitute.privacy.retention import run_rules
from tpminstitute.reports.weekly import write_summaries
from tpminstitute.screening.service import tidy as tidy_screening
from tpminstitute.sequences.runner import run_due
from tpminstitute.today.service import look_ahead

TIDIED = (
    tidy_sessions,
    tidy_presences,
    tidy_resets,
    tidy_tries,
    tidy_hook_events,
    tidy_screening,
    tidy_addresses,
    tidy_forms,
)
"""What forgets, in each room, what is kept for a while only."""

INDEX_SECONDS = 4
"""For what changed since the last time; mails wait no longer for it."""


def register(celery: Celery, settings: Settings, db: Database, transport: Transport) -> None:
    """Give `celery` a task for every job."""
    stopping = Event()
    worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)

    @celery.task(name=Job.DELIVER.value)
    def _deliver() -> None:
        deliver(db, transport, effective(db, settings), stopping)

    @celery.task(name=Job.FOLLOW_UP.value)
    def _follow_up() -> None:
        run_due(db, effective(db, settings))

    @celery.task(name=Job.LOOK_AHEAD.value)
    def _look_ahead() -> None:
        look_ahead(db, effective(db, settings))
        write_summaries(db, effective(db, settings))
        tell_of_many(db, effective(db, settings))

    @celery.task(name=Job.INDEX.value)
    def _index() -> None:
        settle(db, seconds=INDEX_SECONDS)

    @celery.task(name=Job.BULK.value)
    def _bulk() -> None:
        bulk.go_on(db)

    @celery.task(name=Job.TIDY.value)
    def _tidy() -> None:
        with db.write() as session:
            for forget in TIDIED:
                forget(session)

    @celery.task(name=Job.COMPARE.value)
    def _compare() -> None:
        gather_strays(db)
        compare_waiting(db)

    @celery.task(name=Job.RETAIN.value)
    def _retain() -> None:
        run_rules(db)
        carry_out(db, effective(db, settings))
        forget_due(db, effective(db, settings))

    @celery.task(name=Job.IMPORT.value)
    def _import() -> None:
        go_on_with_imports(db, effective(db, settings))
