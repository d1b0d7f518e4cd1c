"""Jobs: hints to a worker after a commit, never the truth (DESIGN.md 4.3 and 4.5).

A hint says only "look now"; the sweep finds whatever a lost one left. Publishing happens in a thread
of its own, so that no request ever waits for the broker, and hints that come in a burst become one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:  # the scheduler needs the names of the jobs, not the weight of SQLAlchemy
    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.05
"""Between two publishings; whatever is hinted meanwhile is merged."""


class Job(StrEnum):
    """What a worker may be asked to look at; each is the name of a Celery task."""

    DELIVER = "deliver"
    FOLLOW_UP = "follow_up"
    LOOK_AHEAD = "look_ahead"
    INDEX = "index"
    TIDY = "tidy"
    BULK = "bulk"
    COMPARE = "compare"
    RETAIN = "retain"
    IMPORT = "import"


class Publisher:
    """Hands hints to the broker, best effort, merged, from one background thread."""

    def __init__(self, send: Callable[[Job], None]) -> None:
        """Make a publisher; `send` puts one job on the broker and may raise."""
        self._send = send
        self._pending: set[Job] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def hint(self, job: Job) -> None:
        """Ask for `job` soon; returns at once."""
        with self._changed:
            self._pending.add(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                jobs, self._pending = self._pending, set()
            for job in sorted(jobs):
                self._publish(job)
            pause.wait(PAUSE_SECONDS)

    def _publish(self, job: Job) -> None:
        try:
            self._send(job)
        except Exception as error:  # whatever the broker's client raises: the sweep makes up for it
            log.warning("hint_lost", job=job.value, reason=str(error)[:200])


def hint(session: Session, job: Job) -> None:
    """Ask for `job` once the session's transaction is committed."""
    session.info.setdefault("hints", set()).add(job)


def hints_of(session: Session) -> set[Job]:
    """Return, once, the jobs that were asked for in `session`."""
    hints: set[Job] = session.info.pop("hints", set())
    return hints
