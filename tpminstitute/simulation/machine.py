"""The time machine: a sequence for one contact, made up or real, over the days to come, before it is switched on."""

from collections.abc import Sequence as Row
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tpminstitute.contacts import consent
from tpminstitute.contacts.background import keep_result
from tpminstitute.contacts.identity import EmailAddress
from tpminstitute.contacts.models import Background, ZoneSource
from tpminstitute.contacts.service import Person, find_or_add, locked
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.models import Inquiry, Topic
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.sequences.enrolling import RUNNING, begin_by_hand
from tpminstitute.sequences.models import Enrollment, Sequence
from tpminstitute.sequences.planning import zone_of
from tpminstitute.sequences.wishes import Wish
from tpminstitute.simulation import events
from tpminstitute.simulation.passing import Agenda, Event, Nowhere, Remark, Span, pass_time
from tpminstitute.simulation.story import Entry, told
from tpminstitute.simulation.world import copy_contact, copy_plan, one_state_of, simulated, throw_away

DAYS = 90
EVERY = timedelta(minutes=1)
"""How finely time passes: what is due within a minute is looked at together."""

MOST_LOOKS = 300
"""Moments at which something is due in one run; few have more than fifty."""

MOST_EVENTS = 8
LONGEST = 365
"""Days that an absence or a course's move may take."""

NOON = time(12)
"""When something happens on the day it is thrown in for, by the reader's clock."""

MADE_UP = EmailAddress("ada@example.org", "ada@example.org")
MESSAGE = "I read your guide and would like to know more."


class Throw(StrEnum):
    """What may be thrown in."""

    ANSWERS = "answers"
    AWAY = "away"
    LEAVES = "leaves"
    BOUNCES = "bounces"
    COMPLAINS = "complains"
    LESS_OFTEN = "less_often"
    PAUSES = "pauses"
    WE_ANSWER = "we_answer"
    HOLIDAY = "holiday"
    COURSE_MOVES = "course_moves"


@dataclass(frozen=True)
class Thrown:
    """Something that happens `day` days after the beginning; `number` is how many days an absence or a move takes."""

    what: Throw
    day: int
    number: int = 0


@dataclass(frozen=True)
class MadeUp:
    """Somebody who writes to us by the contact form and agrees to follow-ups.

    `topic` is a topic's key; `zone` is None for the institute's, `background` for who took no pathway check.
    """

    name: str
    topic: str
    zone: ZoneInfo | None
    background: Background | None = None


@dataclass(frozen=True)
class Trial:
    """What is tried: a sequence, for somebody made up or a contact's id, from a moment on, with what is thrown in.

    `account_id` is who would begin it by hand.
    """

    sequence_id: int
    who: MadeUp | int
    begins: datetime
    account_id: int
    thrown: Row[Thrown] = ()


@dataclass(frozen=True)
class Outcome:
    """What happened in a trial, in order, by the clock of `zone`; `refused` says why the sequence couldn't begin."""

    entries: Row[Entry]
    zone: ZoneInfo
    begins: datetime
    refused: str

    def day_of(self, moment: datetime) -> int:
        """Return the day of a moment where the reader lives; the run begins on day 0."""
        return (zones.reading(moment, self.zone).date() - zones.reading(self.begins, self.zone).date()).days


def run(db: Database, settings: Settings, trial: Trial, every: timedelta = EVERY) -> Outcome:
    """Try a sequence on a copied clock in a throw-away database; `db` is only read, and no mail leaves.

    Parameters: `every`, how finely time passes.
    """
    pretended = simulated(settings)
    with throw_away() as world:
        with one_state_of(db) as live, world.write() as session:
            copy_plan(live, session)
            if isinstance(trial.who, int):
                copy_contact(live, session, trial.who)
            _switch_on(session, trial)
        with clock.at(trial.begins):
            contact_id, refused = _begin(world, pretended, trial)
            with world.read() as session:
                zone = zone_of(session, pretended, contact_id)
        span = Span(trial.begins, trial.begins + timedelta(days=DAYS), every)
        agenda = Agenda(event_of(thrown, trial, zone, contact_id) for thrown in trial.thrown)
        remarks = [Remark(trial.begins, refused)] if refused else []
        remarks += pass_time(world, pretended, span, agenda, Nowhere(), most=MOST_LOOKS)
        with world.read() as session:
            entries = told(session, contact_id, zone, trial.begins, remarks)
    return Outcome(entries, zone, span.begins, refused)


def _switch_on(session: Session, trial: Trial) -> None:
    """Switch the sequence on in the throw-away database; somebody made up begins no other by their inquiry."""
    tried = Sequence.id == trial.sequence_id
    if isinstance(trial.who, MadeUp):
        session.execute(update(Sequence).where(~tried).values(active=False))
    session.execute(update(Sequence).where(tried).values(active=True, archived_at=None))


def _begin(world: Database, settings: Settings, trial: Trial) -> tuple[int, str]:
    """Begin the sequence as it would begin: by an inquiry where its rule says so, else by hand.

    Returns the contact's id, and why it couldn't begin, or "".
    """
    with world.write() as session:
        contact_id, topic = _enter(session, settings, trial.who)
        if _runs(session, contact_id, trial.sequence_id):
            return contact_id, ""
        sequence = session.get_one(Sequence, trial.sequence_id)
        try:
            begin_by_hand(session, settings, contact_id, topic, sequence, trial.account_id)
        except Refusal as refusal:
            return contact_id, str(refusal)
    return contact_id, ""


def _enter(session: Session, settings: Settings, who: MadeUp | int) -> tuple[int, str]:
    """Return the contact's id, locked, and what they wrote about; somebody made up writes to us now."""
    if isinstance(who, int):
        newest = select(Inquiry.topic).where(Inquiry.contact_id == who).order_by(Inquiry.id.desc()).limit(1)
        return locked(session, who).id, topics_of(session).label(session.scalar(newest) or Topic.OTHER)
    person = Person(who.name, MADE_UP)
    contact = find_or_add(session, person)
    if who.zone is not None:
        contact.time_zone, contact.time_zone_source = who.zone.key, ZoneSource.STAFF
        session.flush()
    if who.background is not None:
        keep_result(session, contact.id, who.background)
    submission = Submission(
        form_key=tokens.public_id(),
        person=person,
        topic=who.topic,
        message=MESSAGE,
        wording=consent.CURRENT_WORDING,
        source_page="/contact",
        source_referrer="",
    )
    submit_inquiry(session, settings, submission)
    return contact.id, topics_of(session).label(who.topic)


def _runs(session: Session, contact_id: int, sequence_id: int) -> bool:
    running = select(Enrollment.id).where(
        Enrollment.contact_id == contact_id, Enrollment.sequence_id == sequence_id, Enrollment.status.in_(RUNNING)
    )
    return session.scalar(running) is not None


def event_of(thrown: Thrown, trial: Trial, zone: ZoneInfo, contact_id: int) -> Event:
    """Return when something thrown in happens, and what it does; a holiday is known from the beginning."""
    day = zones.reading(trial.begins, zone).date() + timedelta(days=thrown.day)
    noon = zones.moment(zones.existing(datetime.combine(day, NOON), zone), zone)
    account_id, sequence_id = trial.account_id, trial.sequence_id
    match thrown.what:
        case Throw.ANSWERS:
            return Event(noon, act=partial(events.answers, contact_id=contact_id))
        case Throw.AWAY:
            back_on = day + timedelta(days=thrown.number)
            return Event(noon, act=partial(events.is_away, contact_id=contact_id, back_on=back_on))
        case Throw.LEAVES:
            return Event(noon, act=partial(events.leaves, contact_id=contact_id))
        case Throw.BOUNCES:
            return Event(noon, act=partial(events.bounces, contact_id=contact_id))
        case Throw.COMPLAINS:
            return Event(noon, act=partial(events.complains, contact_id=contact_id))
        case Throw.LESS_OFTEN:
            return Event(noon, act=partial(events.wishes, contact_id=contact_id, what=Wish.LESS_OFTEN))
        case Throw.PAUSES:
            return Event(noon, act=partial(events.wishes, contact_id=contact_id, what=Wish.PAUSE))
        case Throw.WE_ANSWER:
            return Event(noon, act=partial(events.institute_answers, contact_id=contact_id))
        case Throw.HOLIDAY:
            return Event(trial.begins, act=partial(events.is_holiday, account_id=account_id, day=day))
        case Throw.COURSE_MOVES:
            return Event(
                noon,
                act=partial(events.course_moves, account_id=account_id, sequence_id=sequence_id, days=thrown.number),
            )
