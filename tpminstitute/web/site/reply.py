"""What the form says of when an answer comes: kept by the process, so that no page waits for it."""

import threading
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import cast

import structlog
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.institute.office_hours import NeverOpen, standing_at
from tpminstitute.institute.promise import Promise, promise_of
from tpminstitute.institute.reply_words import closed_in_words, promise_in_words
from tpminstitute.reports.usual_wait import usual_wait
from tpminstitute.today.queries import promise_in
from tpminstitute.web.common import settings
from tpminstitute.web.site import site

log = structlog.get_logger(__name__)

LATELY = timedelta(minutes=5)
"""How long the usual time and the holidays stand as they were read."""


@dataclass(frozen=True)
class Reply:
    """The sentences: within what time an answer comes, and when the office opens, '' while it is open."""

    promise: str
    closed: str


@dataclass(frozen=True)
class _Read:
    """What was read: of which settings, when, the promise with its holidays, and the usual working hours."""

    settings: Settings
    at: datetime
    promise: Promise
    usual: int | None

    def holds(self, settings: Settings, now: datetime) -> bool:
        return self.settings is settings and abs(now - self.at) < LATELY


@dataclass(frozen=True)
class _Said:
    """The sentences made of what was read, and from when until when they are true."""

    read: _Read
    since: datetime
    until: datetime
    reply: Reply


class ReplyTimes:
    """Keeps the sentences while they are true; what they rest on is read every few minutes."""

    def __init__(self, db: Database) -> None:
        """Parameters: `db`, where first answers and holidays are read."""
        self._db = db
        self._read: _Read | None = None
        self._said: _Said | None = None
        self._looking = threading.Lock()

    def now(self, settings: Settings) -> Reply:
        """Return what holds now. While the database is away the last known time and holidays count."""
        now = clock.now()
        read = self._lately(settings, now)
        said = self._said
        if said is None or said.read is not read or not said.since <= now < said.until:
            said = self._said = _say(read, now)
        return said.reply

    def _lately(self, settings: Settings, now: datetime) -> _Read:
        """One thread reads; the others go on with what there is, so a slow database stops no page but the first."""
        read = self._read
        if read is not None and (read.holds(settings, now) or not self._looking.acquire(blocking=False)):
            return read
        if read is None:
            self._looking.acquire()
        try:
            if self._read is None or not self._read.holds(settings, now):
                self._read = self._anew(settings, now)
            return self._read
        finally:
            self._looking.release()

    def _anew(self, settings: Settings, now: datetime) -> _Read:
        try:
            with self._db.read() as session:
                promise = promise_in(session, settings)
                return _Read(settings, now, promise, usual_wait(session, promise))
        except (SQLAlchemyError, NeverOpen) as problem:
            log.warning("usual_wait_not_read", reason=str(getattr(problem, "orig", problem))[:200])
            last = self._read
            holidays = last.promise.hours.holidays if last else frozenset()
            return _Read(settings, now, promise_of(settings, holidays), last.usual if last else None)


def reply_times() -> ReplyTimes:
    """Return what this process keeps of when answers come."""
    return cast(ReplyTimes, current_app.extensions["tpm_reply"])


@site.app_template_global("reply")
def reply() -> Reply:
    """Return what the form says now of when an answer comes."""
    return reply_times().now(settings())


def _say(read: _Read, now: datetime) -> _Said:
    hours, promised = read.promise.hours, promise_in_words(read.promise, read.usual)
    tomorrow = datetime.combine(zones.local(now, hours.zone).date() + timedelta(days=1), time())
    midnight = zones.moment(zones.existing(tomorrow, hours.zone), hours.zone)
    try:
        until = min(midnight, standing_at(now, hours).until)
        return _Said(read, now, until, Reply(promised, closed_in_words(now, hours)))
    except NeverOpen as problem:
        log.warning("office_never_opens", reason=str(problem))
        return _Said(read, now, midnight, Reply(promised, ""))
