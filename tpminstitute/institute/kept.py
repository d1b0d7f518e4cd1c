"""What a process keeps of the desk's settings, so that a page costs one look at a number, or none."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.db import Database
from tpminstitute.institute.service import version

log = structlog.get_logger(__name__)

T = TypeVar("T")

LATELY = timedelta(seconds=1)
"""How long a public page goes by what was read before."""


@dataclass(frozen=True)
class _Read(Generic[T]):
    version: int
    value: T


class Kept(Generic[T]):
    """A value made from what administrators save, read anew when that changed."""

    def __init__(self, db: Database, before: T, load: Callable[[Session], T]) -> None:
        """Parameters: `before`, what holds while nothing could be read yet; `load` reads the value."""
        self._db, self._load = db, load
        self._read: _Read[T] = _Read(-1, before)
        self._looked: datetime | None = None
        self._looking = threading.Lock()

    @property
    def last(self) -> T:
        """What was read last; asks nobody, so that an error page can be made of it."""
        return self._read.value

    def now(self, session: Session | None = None) -> T:
        """Return what holds now; one look at a number. Raises what the database raises.

        Parameters: `session`, one that reads and that the caller has anyway; by default one of its own.
        """
        if session is None:
            with self._db.read() as own:
                return self.now(own)
        number = version(session)
        if number != self._read.version:
            self._read = _Read(number, self._load(session))
        self._looked = clock.now()
        return self._read.value

    def lately(self) -> T:
        """Return what held a second ago at most, or longer ago while the database is away.

        One thread looks; the others go on with what they have, so a database that doesn't answer stops no page.
        """
        if self._looked_lately() or not self._looking.acquire(blocking=self._looked is None):
            return self._read.value
        try:
            if self._looked_lately():
                return self._read.value
            self._looked = clock.now()
            return self.now()
        except SQLAlchemyError as error:
            log.warning("settings_not_read", reason=str(getattr(error, "orig", error))[:200])
            return self._read.value
        finally:
            self._looking.release()

    def _looked_lately(self) -> bool:
        return self._looked is not None and abs(clock.now() - self._looked) < LATELY

    def forget(self) -> None:
        """Look again at the next page, since something was changed here."""
        self._looked = None
