"""When a step's mail is due: after its wait, in its window, by the clock where its reader lives, as they wish it.

Whatever plans a mail plans it here, so that a run's `next_due_at` is already a time at which its mail may go.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact
from tpminstitute.contacts.time_zones import clock_of
from tpminstitute.contacts.topics import Topics, topics_of
from tpminstitute.core import clock
from tpminstitute.core.config import Settings
from tpminstitute.sequences import calendar
from tpminstitute.sequences.calendar import NeverOpens, Wait, Window
from tpminstitute.sequences.models import (
    CourseDate,
    FollowUpWish,
    Holiday,
    Pace,
    Sequence,
    SequenceStep,
    WaitUnit,
)

SLOWER = 2
"""By how much the waiting times grow for who wants to hear from us less often."""

LOOK_AGAIN = timedelta(days=1)
"""After so long a mail is planned anew whose window doesn't open within a year, since holidays change."""


@dataclass(frozen=True)
class Reader:
    """What planning knows of who gets a mail.

    `topics` are all there are; `zone` is the clock they live by, the institute's where theirs isn't known, and `where`
    says which for a sentence; `course` is what the sequence leads up to. The rest is what they wish: twice the waits,
    their own topic only, no mail before `paused_until`.
    """

    topics: Topics
    zone: ZoneInfo
    where: str
    holidays: frozenset[date]
    slower: bool
    only_topic: bool
    paused_until: datetime | None
    course: CourseDate | None


@dataclass(frozen=True)
class Planned:
    """When a mail may go, in UTC, and the sentence why not earlier, or "" where that is plain."""

    at: datetime
    why: str


def reader_of(session: Session, settings: Settings, contact_id: int, sequence_id: int) -> Reader:
    """Return what planning must know to plan a mail of a sequence to a contact."""
    return readers_of(session, settings, [(contact_id, sequence_id)])[contact_id, sequence_id]


def zone_of(session: Session, settings: Settings, contact_id: int) -> ZoneInfo:
    """Return the clock that a contact lives by, the institute's where theirs isn't known."""
    (row,) = session.execute(_LIVES, {"contacts": [contact_id]})
    return clock_of(*row[1:], settings.institute_zone).zone


_HOLIDAYS = select(Holiday.day)


def readers_of(
    session: Session, settings: Settings, pairs: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Reader]:
    """Return the same for many pairs of a contact's id and a sequence's, in five statements."""
    contact_ids = {contact_id for contact_id, _ in pairs}
    lives = {row.id: row[1:] for row in session.execute(_LIVES, {"contacts": contact_ids})}
    wishes = {wish.contact_id: wish for wish in session.execute(_WISHES, {"contacts": contact_ids})}
    courses = dict(session.execute(_COURSES, {"sequences": {number for _, number in pairs}}).all())
    holidays = frozenset(session.scalars(_HOLIDAYS))
    topics = topics_of(session)
    readers = {}
    for contact_id, sequence_id in pairs:
        lives_by = clock_of(*lives[contact_id], settings.institute_zone)
        wish = wishes.get(contact_id)
        pause_end = wish.paused_until if wish else None
        readers[contact_id, sequence_id] = Reader(
            topics=topics,
            zone=lives_by.zone,
            where=lives_by.where,
            holidays=holidays,
            slower=wish is not None and wish.pace is Pace.LESS_OFTEN,
            only_topic=wish is not None and wish.only_topic,
            paused_until=pause_end if pause_end and pause_end > clock.now() else None,
            course=courses.get(sequence_id),
        )
    return readers


def plan(step: SequenceStep, since: datetime, reader: Reader) -> Planned:
    """Return when the mail of `step` may go that follows `since`.

    A step before a course follows no earlier than `since` either, so that the order holds; whether its moment is over
    then is for the runner to say (`missed`). Without a course there is nothing to wait for.
    """
    return plan_through([step], since, reader)


def plan_through(steps: Iterable[SequenceStep], since: datetime, reader: Reader) -> Planned:
    """Return when the mail of the last of `steps` may go, where those before it follow each other from `since` on.

    A pause moves the last one only: those before it have had their turn.
    """
    planned = Planned(since, "")
    for step in steps:
        planned = _opening(step, _waited(step, planned.at, reader), reader)
    if reader.paused_until is None or planned.at >= reader.paused_until:
        return planned
    paused = f"The person asked for no follow-ups until {reader.paused_until:%-d %b %Y}."
    return _opening(step, Planned(reader.paused_until, paused), reader)


def moment_before_course(step: SequenceStep, reader: Reader) -> datetime | None:
    """Return the moment of a step that leads up to a course, or None for another, or without a course."""
    if step.wait_unit is not WaitUnit.BEFORE_COURSE or reader.course is None:
        return None
    return calendar.days_before(reader.course.begins_at, step.wait_amount, reader.zone, reader.where).at


def window_of(step: SequenceStep) -> Window:
    """Return when the mails of a step may go."""
    return _window(step.days, step.opens_minute, step.closes_minute)


@lru_cache(maxsize=256)
def _window(days: str, opens: int, closes: int) -> Window:
    return Window(frozenset(map(int, days)), opens, closes)


def is_open(step: SequenceStep, moment: datetime, reader: Reader) -> bool:
    """Return whether the mail of `step` may go at `moment`."""
    return calendar.is_open(moment, window_of(step), reader.zone, reader.holidays)


def opening(step: SequenceStep, earliest: datetime, reader: Reader) -> Planned:
    """Return the first moment from `earliest` on at which the mail of `step` may go, whatever it waited for."""
    return _opening(step, Planned(earliest, ""), reader)


def _waited(step: SequenceStep, since: datetime, reader: Reader) -> Planned:
    if step.wait_unit is WaitUnit.BEFORE_COURSE:
        moment = moment_before_course(step, reader)
        return Planned(since if moment is None else max(since, moment), "")
    most = calendar.LONGEST_WAIT // timedelta(hours=1 if step.wait_unit is WaitUnit.HOURS else 24)
    wait = Wait(min(step.wait_amount * (SLOWER if reader.slower else 1), most), step.wait_unit)
    reached = calendar.earliest_after(since, wait, reader.zone, reader.holidays, reader.where)
    return Planned(reached.at, reached.why)


def _opening(step: SequenceStep, reached: Planned, reader: Reader) -> Planned:
    try:
        found = calendar.next_open(reached.at, window_of(step), reader.zone, reader.holidays, reader.where)
    except NeverOpens as problem:
        return Planned(reached.at + LOOK_AGAIN, str(problem))
    return Planned(found.at, " ".join(filter(None, (reached.why, found.why))))


_LIVES = select(Contact.id, Contact.time_zone, Contact.time_zone_source, Contact.phone_e164).where(
    Contact.id.in_(bindparam("contacts", expanding=True))
)
_WISHES = select(FollowUpWish.__table__).where(FollowUpWish.contact_id.in_(bindparam("contacts", expanding=True)))
_COURSES = (
    select(Sequence.id, CourseDate)
    .join(CourseDate, CourseDate.id == Sequence.course_date_id)
    .where(Sequence.id.in_(bindparam("sequences", expanding=True)))
    .execution_options(populate_existing=True)
)
