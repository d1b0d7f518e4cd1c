"""Advance due runs: decide about each one's next step, and write down all that follows at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.failpoints import FailPoint, reach
from tpminstitute.core.heartbeat import Pulse, beat
from tpminstitute.mail import outbox
from tpminstitute.mail.letters import LetterError, LetterSource
from tpminstitute.mail.templates import current_source
from tpminstitute.sequences import cases, drafts, mails
from tpminstitute.sequences.decisions import Case, Verdict, decide
from tpminstitute.sequences.models import EnrollmentStatus, StepOutcome
from tpminstitute.sequences.pauses import wake_due
from tpminstitute.sequences.progress import due_at, go_on, through
from tpminstitute.sequences.records import Note, note_each
from tpminstitute.sequences.stopping import stop_run
from tpminstitute.timeline.models import ActivityKind
from tpminstitute.timeline.service import record_each

log = structlog.get_logger(__name__)

BATCH = 250
"""Runs advanced in one transaction."""

WAIT_FOR_LETTER = timedelta(hours=1)
"""A letter that can't be made holds up its own reader for so long, and nobody else."""


def run_due(db: Database, settings: Settings) -> int:
    """Advance every due run by one step, its mail queued in the same transaction, or written as a draft.

    Any number of schedulers may run at once, and a run takes one step at most, however late they come.
    Returns how many runs were looked at.
    """
    with db.write() as session:
        beat(session, Pulse.FOLLOW_UPS)
    woken = BATCH
    while woken == BATCH:
        with db.write() as session:
            woken = wake_due(session, BATCH)
    started = clock.now()
    return sum(_advance_all(db, settings, due, started) for due in (cases.due_mails, cases.due_drafts))


def _advance_all(db: Database, settings: Settings, due: Callable[[datetime], cases.Due], started: datetime) -> int:
    """What is due is what was due when the tick began, also when the clock is set back meanwhile."""
    advanced, found = 0, BATCH
    while found == BATCH:
        with db.write() as session:
            taken = cases.take(session, settings, due(started), BATCH)
            batch = _Batch(session, settings, max(clock.now(), started))
            for case in taken:
                batch.advance(case)
            batch.write()
            reach(FailPoint.FOLLOW_UP_BEFORE_COMMIT)
        reach(FailPoint.FOLLOW_UP_AFTER_COMMIT)
        found = len(taken)
        advanced += found
    return advanced


class _Batch:
    """What one transaction does: decided run by run, written together."""

    def __init__(self, session: Session, settings: Settings, now: datetime) -> None:
        self._session, self._settings, self._now = session, settings, now
        self._sources: dict[str, LetterSource] = {}
        self._orders: list[outbox.Order] = []
        self._notes: list[Note] = []
        self._left_out: list[tuple[int, str]] = []
        self._through: list[tuple[int, str]] = []

    def advance(self, case: Case) -> None:
        """Do what is decided about a run's next step."""
        if not case.steps:
            self._go_on(case)
            return
        verdict = decide(case, self._settings, self._now)
        try:
            self._do(case, verdict)
        except LetterError as problem:
            log.error("letter_broken", enrollment=case.run.id, problem=str(problem))
            self._wait(case, Verdict(StepOutcome.HELD, f"Held: {problem}", self._now + WAIT_FOR_LETTER))

    def write(self) -> None:
        """Write what was decided."""
        outbox.queue_each(self._session, self._settings, self._orders)
        note_each(self._session, self._notes)
        record_each(self._session, ActivityKind.MAIL_NOT_SENT, self._left_out)
        record_each(self._session, ActivityKind.ENROLLMENT_FINISHED, self._through)

    def _do(self, case: Case, verdict: Verdict) -> None:
        match verdict.outcome:
            case StepOutcome.STOPPED:
                stop_run(self._session, case.run.id, verdict.sentence)
            case StepOutcome.DRAFTED:
                drafts.write(self._session, self._settings, case.run, case.step)
            case StepOutcome.QUEUED:
                self._queue(case, verdict)
            case StepOutcome.SKIPPED:
                self._note(case, verdict)
                if verdict.told:
                    self._left_out.append((case.contact.id, verdict.told))
                self._go_on(case)
            case _:
                self._wait(case, verdict)

    def _queue(self, case: Case, verdict: Verdict) -> None:
        source = self._source(case.step.letter_key)
        letter = mails.letter_for(self._session, self._settings, case.contact, case.run, case.step.letter_key, source)
        self._orders.append(mails.order_for(self._settings, case.contact, case.run, case.sequence, case.step, letter))
        case.mails.append(self._now)
        self._note(case, verdict)
        self._go_on(case)

    def _wait(self, case: Case, verdict: Verdict) -> None:
        assert verdict.at is not None  # what waits, waits until some moment
        self._note(case, verdict)
        due_at(self._session, case.run, verdict.at)

    def _go_on(self, case: Case) -> None:
        following = case.steps[1] if len(case.steps) > 1 else None
        go_on(self._session, case.run, following, case.reader, self._now)
        if case.run.status is EnrollmentStatus.FINISHED:
            self._through.append((case.contact.id, through(case.sequence)))

    def _note(self, case: Case, verdict: Verdict) -> None:
        moment = self._now if verdict.outcome is StepOutcome.QUEUED else verdict.at
        self._notes.append(Note(case.run, case.step.number, verdict.outcome, verdict.sentence, moment))

    def _source(self, key: str) -> LetterSource:
        if key not in self._sources:
            self._sources[key] = current_source(self._session, key)
        return self._sources[key]
