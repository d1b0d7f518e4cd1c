"""Let time pass in a throw-away database, from event to event: what runs at each is the real runner and delivery."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select

from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.mail.delivery import deliver
from tpminstitute.mail.models import DeliveryEventKind, Message, MessageStatus
from tpminstitute.mail.transport import Answer, Transport
from tpminstitute.sequences.models import CourseDate, Enrollment, EnrollmentPause, EnrollmentStatus
from tpminstitute.sequences.runner import run_due

TOOK_IT = Answer(DeliveryEventKind.ACCEPTED, "250 Taken by nobody: this is a simulation", 250)

IN_VAIN = "Something is tried again and again and gets nowhere. The run ends here."


class Nowhere:
    """A mail server that takes everything and delivers nothing."""

    @contextmanager
    def open(self) -> Iterator["Nowhere"]:
        """Be reached at once."""
        yield self

    def offer(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Take any sender and recipient."""
        return TOOK_IT

    def hand_over(self, content: bytes) -> Answer:
        """Take any mail."""
        return TOOK_IT


@dataclass(frozen=True, order=True)
class Event:
    """Something that happens at a moment whatever the plans say, as when a person answers (`simulation/events.py`).

    `act` returns why it couldn't happen, or "". Of two at one moment the one with the smaller `place` comes first.
    """

    at: datetime
    place: tuple[int, ...] = field(default=())
    act: Callable[[Database, Settings], str] = field(compare=False, kw_only=True)


class Agenda:
    """What is going to happen; whatever happens may add to it."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """Begin with `events`."""
        self._events = list(events)
        heapq.heapify(self._events)

    def add(self, event: Event) -> None:
        """Let something more happen."""
        heapq.heappush(self._events, event)

    @property
    def next_at(self) -> datetime | None:
        """When the next thing happens, or None when nothing does any more."""
        return self._events[0].at if self._events else None

    def due(self, moment: datetime) -> Iterator[Event]:
        """Yield what happens by `moment`, in order."""
        while self._events and self._events[0].at <= moment:
            yield heapq.heappop(self._events)


@dataclass(frozen=True)
class Remark:
    """Why something that was thrown in couldn't happen."""

    at: datetime
    sentence: str


@dataclass(frozen=True)
class Span:
    """From when to when time passes, and how finely: the scheduler looks at `begins` and `every` so often after it.

    Moments at which nothing is due are left out: looking would change nothing.
    """

    begins: datetime
    ends: datetime
    every: timedelta

    def tick_at(self, moment: datetime) -> datetime:
        """Return the first moment from `moment` on at which the scheduler looks."""
        return self.begins + -((self.begins - moment) // self.every) * self.every


def pass_time(
    world: Database,
    settings: Settings,
    span: Span,
    agenda: Agenda,
    transport: Transport,
    passed: Callable[[datetime], None] = lambda moment: None,
    most: int | None = None,
) -> list[Remark]:
    """Let time pass in `world`, with what happens meanwhile.

    Parameters: `transport`, who takes the mails; `passed` is told how far time is; `most` moments are looked at, if it
    is given: a letter that can't be made is tried every hour.
    Returns what couldn't happen, and why.
    """
    remarks: list[Remark] = []
    moment, looks = span.begins, 0
    while moment <= span.ends:
        if looks == most:
            return [*remarks, Remark(moment, IN_VAIN)]
        looks += 1
        with clock.at(moment):
            for event in agenda.due(moment):
                sentence = event.act(world, settings)
                remarks += [Remark(moment, sentence)] if sentence else []
            run_due(world, settings)
            deliver(world, transport, settings)
        passed(moment)
        upcoming = [at for at in (next_due(world, moment), agenda.next_at) if at is not None]
        if not upcoming:
            break
        moment = span.tick_at(min(upcoming))
    return remarks


def next_due(world: Database, after: datetime) -> datetime | None:
    """Return the next moment at which something is due by itself, or None when nothing ever is.

    What was due by `after` has had its turn.
    """
    moments = (
        select(func.min(Enrollment.next_due_at)).where(
            Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.next_due_at > after
        ),
        select(func.min(EnrollmentPause.until)).where(EnrollmentPause.until > after),
        select(func.min(EnrollmentPause.due_at)).where(EnrollmentPause.drafts, EnrollmentPause.due_at > after),
        select(func.min(Message.due_at)).where(Message.status == MessageStatus.QUEUED, Message.due_at > after),
        select(func.min(CourseDate.begins_at)).where(CourseDate.begins_at > after),
    )
    with world.read() as session:
        found = [moment for moment in map(session.scalar, moments) if moment is not None]
    return min(found, default=None)
