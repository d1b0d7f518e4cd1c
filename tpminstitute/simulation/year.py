"""A year of invented traffic against the sequences, shared among processes: each has a throw-away database of its own.

The people are dealt out to the processes. What happens to one never depends on another, so the outcome is the same.
"""

import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tpminstitute.accounts.models import Account, Role
from tpminstitute.accounts.service import add_account
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.core.logs import set_up_logs
from tpminstitute.mail.letters import LetterError
from tpminstitute.sequences import drafts
from tpminstitute.sequences.federal_holidays import federal_holidays
from tpminstitute.sequences.models import CourseDate, Holiday, Sequence
from tpminstitute.sequences.versions import newest_version, steps_of
from tpminstitute.simulation import events
from tpminstitute.simulation.audit import broken_rules
from tpminstitute.simulation.passing import Agenda, Event, Span, pass_time
from tpminstitute.simulation.totals import Totals, counted
from tpminstitute.simulation.traffic import Postbox, Traffic, invent
from tpminstitute.simulation.world import copy_plan, one_state_of, simulated, throw_away

EVERY = timedelta(minutes=30)
"""How finely time passes."""

STAFF_LOOK = time(10)
"""When staff decide about drafts each day, at the institute."""

APPROVED, DROPPED = 0.7, 0.9
"""What staff decide about a draft that they look at: approve it, don't send it, or leave it for tomorrow."""

COURSE_MOVES_BY = 7


@dataclass(frozen=True)
class Year:
    """What is simulated: so many people over so many days from `begins` on; `all_sequences` switches every one on."""

    contacts: int
    days: int
    seed: int
    begins: datetime
    all_sequences: bool = False


@dataclass(frozen=True)
class Share:
    """What one process does: the people from `first` to before `last`, in a copy of the world at `like`."""

    year: Year
    settings: Settings
    like: Path
    account_id: int
    by_hand: tuple[int, ...]
    first: int
    last: int


def simulate(db: Database, settings: Settings, year: Year, processes: int, passed: Callable[[float], None]) -> Totals:
    """Let a year pass for invented people; the live database is read once, for the plans, and nothing is written to it.

    Parameters: `passed` is told how much was done since it was told last, of 1 in all.
    Raises `Refusal` when no sequence would send anything.
    """
    with throw_away() as world:
        with one_state_of(db) as live, world.write() as session, clock.at(year.begins):
            copy_plan(live, session)
            account_id, by_hand = _prepare(session, settings, year)
        world.close()
        like = Path(world.engine.url.database or "")
        share = partial(Share, year, simulated(settings), like, account_id, by_hand)
        bounds = [year.contacts * part // processes for part in range(processes + 1)]
        shares = [share(first, last) for first, last in pairwise(bounds) if first < last]
        if len(shares) == 1:
            return _live_through(shares[0], passed)
        return _together(shares, lambda part: passed(part / len(shares)))


def _prepare(session: Session, settings: Settings, year: Year) -> tuple[int, tuple[int, ...]]:
    """Make the world ready; returns a staff member's account, and the sequences that are begun by hand."""
    if year.all_sequences:
        session.execute(update(Sequence).where(Sequence.archived_at.is_(None)).values(active=True))
    session.flush()
    active = [
        sequence
        for sequence in session.scalars(select(Sequence).where(Sequence.active).order_by(Sequence.id))
        if steps_of(session, newest_version(session, sequence.id))
    ]
    if not active:
        raise Refusal("No follow-ups are switched on, so nothing would happen. Try them all with --all.")
    kept = set(session.scalars(select(Holiday.day)))
    years = range(year.begins.year, (year.begins + timedelta(days=year.days)).year + 1)
    federal = [holiday for one in years for holiday in federal_holidays(one) if holiday.day not in kept]
    session.add_all(Holiday(day=holiday.day, name=holiday.name) for holiday in federal)
    account_id = session.scalar(select(Account.id).where(Account.active).order_by(Account.id).limit(1))
    if account_id is None:
        somebody = {"name": "Somebody", "email": "somebody@example.org", "password_hash": "-", "role": Role.ADVISOR}
        account_id = add_account(session, **somebody).id  # type: ignore[arg-type]
    return account_id, tuple(sequence.id for sequence in active if not sequence.starts_for)


def _together(shares: list[Share], passed: Callable[[float], None]) -> Totals:
    totals = Totals()
    context = get_context("spawn")
    progress = context.Queue()

    def listen() -> None:
        while (part := progress.get()) is not None:
            passed(part)

    listener = Thread(target=listen, name="progress", daemon=True)
    listener.start()
    with ProcessPoolExecutor(len(shares), context, _begin_process, (progress,)) as pool:
        for part in pool.map(_in_process, shares):
            totals.add(part)
    progress.put(None)
    listener.join()
    return totals


_progress: Any = None
"""In a process of its own: where it says how far it is."""


def _begin_process(progress: Any) -> None:
    global _progress
    _progress = progress


def _in_process(share: Share) -> Totals:
    set_up_logs(share.settings.log_format)
    return _live_through(share, _progress.put)


def _live_through(share: Share, passed: Callable[[float], None]) -> Totals:
    year = share.year
    span = Span(year.begins, year.begins + timedelta(days=year.days), EVERY)
    with throw_away(share.like) as world:
        with world.read() as session:
            topics = [choice.key for choice in topics_of(session).offered]
        agenda, postbox = Agenda(), Postbox()
        people = [invent(number, year.seed, topics) for number in range(share.first, share.last)]
        known = {person.address: person for person in people}
        traffic = Traffic(agenda, known, topics, share.by_hand, share.account_id)
        for person in people:
            traffic.expect(person, year.begins, year.days)
        for event in _of_the_institute(world, share, span):
            agenda.add(event)
        day = 0

        def look(moment: datetime) -> None:
            nonlocal day
            traffic.react(postbox.emptied(), moment)
            today = (moment - year.begins).days
            if today > day:
                passed((today - day) / year.days)
                day = today

        pass_time(world, share.settings, span, agenda, postbox, look)
        passed((year.days - day) / year.days)
        with world.read() as session:
            rules = broken_rules(session, share.settings, span.ends)
            return counted(session, share.settings.institute_zone, rules)


def _of_the_institute(world: Database, share: Share, span: Span) -> list[Event]:
    """Return what the institute does: staff look at the drafts each day, and every course is moved once."""
    zone, year = share.settings.institute_zone, share.year
    first = zones.reading(span.begins, zone).date()
    looks = [datetime.combine(first + timedelta(days=day), STAFF_LOOK) for day in range(year.days)]
    decide = partial(_decide_drafts, account_id=share.account_id, seed=year.seed)
    found = [Event(zones.moment(look, zone), act=decide) for look in looks]
    with world.read() as session:
        courses = session.execute(
            select(Sequence.id, CourseDate.begins_at).join(CourseDate, CourseDate.id == Sequence.course_date_id)
        )
        for sequence_id, begins_at in courses:
            if begins_at > span.begins:
                move = partial(
                    events.course_moves, account_id=share.account_id, sequence_id=sequence_id, days=COURSE_MOVES_BY
                )
                found.append(Event(span.begins + (begins_at - span.begins) / 2, act=move))
    return found


def _decide_drafts(world: Database, settings: Settings, account_id: int, seed: int) -> str:
    with world.read() as session:
        waiting = drafts.waiting(session)
    for draft in waiting:
        drawn = random.Random(f"{seed}/{draft.name}/{clock.now()}").random()
        if drawn < APPROVED:
            _approve(world, settings, draft.id, account_id)
        elif drawn < DROPPED:
            with world.write() as session:
                drafts.drop(session, settings, draft.id, account_id)
    return ""


def _approve(world: Database, settings: Settings, draft_id: int, account_id: int) -> None:
    """Approve a draft, or drop it where its reader must not get it any more."""
    try:
        with world.write() as session:
            drafts.approve(session, settings, draft_id, account_id)
    except (Refusal, LetterError):
        with world.write() as session:
            drafts.drop(session, settings, draft_id, account_id)
