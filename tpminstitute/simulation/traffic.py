"""Invented people for a year of traffic: when they write, from where, and what they do with the mails they get.

Each has their own dice, thrown from the seed and their number, so that a run is the same however many processes share
it. How often something happens is a round figure, chosen so that each rule is met many times.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeAlias

from tpminstitute.contacts import consent
from tpminstitute.contacts.identity import read_email
from tpminstitute.contacts.models import ZoneSource
from tpminstitute.contacts.service import Person, find_or_add, locked
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import clock, tokens
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database
from tpminstitute.core.errors import Refusal
from tpminstitute.inbox.submit import Submission, submit_inquiry
from tpminstitute.mail.transport import Answer
from tpminstitute.sequences.enrolling import begin_by_hand
from tpminstitute.sequences.models import Sequence as Plan
from tpminstitute.sequences.wishes import Wish
from tpminstitute.simulation import events
from tpminstitute.simulation.passing import TOOK_IT, Agenda, Event

PLACES = (
    ("", 30),
    ("America/New_York", 20),
    ("America/Chicago", 8),
    ("America/Los_Angeles", 12),
    ("America/Sao_Paulo", 3),
    ("Europe/London", 6),
    ("Europe/Berlin", 7),
    ("Africa/Cairo", 2),
    ("Asia/Kolkata", 8),
    ("Asia/Tokyo", 2),
    ("Australia/Sydney", 1),
    ("Pacific/Auckland", 1),
)
"""Where people live, and how many of a hundred; "" is where nobody knows it."""


class Reaction(StrEnum):
    """What somebody does with a mail they got."""

    ANSWERS = "answers"
    IS_AWAY = "is_away"
    LEAVES = "leaves"
    BOUNCES = "bounces"
    COMPLAINS = "complains"
    WISHES = "wishes"


REACTIONS = {
    Reaction.ANSWERS: 6.0,
    Reaction.IS_AWAY: 4.0,
    Reaction.LEAVES: 1.5,
    Reaction.BOUNCES: 0.7,
    Reaction.COMPLAINS: 0.1,
    Reaction.WISHES: 3.0,
}
"""Of a hundred mails, how many cause what."""

Act: TypeAlias = Callable[[Database, Settings], str]

AGREE = 0.85
WRITE_AGAIN = 0.1
BEGUN_BY_HAND = 0.1
WE_WRITE_FIRST = 0.1
WE_ANSWER = 0.8

MESSAGE = "I read your guide and would like to know how to begin."


@dataclass
class Invented:
    """One invented person, with their dice; `contact_id` is 0 until they have written."""

    number: int
    dice: random.Random
    address: str
    zone: str
    topic: str
    contact_id: int = 0
    events: int = 0

    def next_place(self) -> tuple[int, ...]:
        """Return the place of what they do next among what happens at the same moment."""
        self.events += 1
        return self.number, self.events


def invent(number: int, seed: int, topics: Sequence[str]) -> Invented:
    """Return the person of that number, who writes about one of `topics`, by their keys."""
    dice = random.Random(f"{seed}/{number}")
    names, weights = zip(*PLACES, strict=True)
    domain = dice.choice(("example.org", "example.com", "example.net"))
    zone = dice.choices(names, weights)[0]
    return Invented(number, dice, f"reader{number}@{domain}", zone, dice.choice(topics))


class Postbox:
    """A mail server that takes everything, delivers nothing, and remembers whom it took mails for."""

    def __init__(self) -> None:
        """Begin empty."""
        self._taken: list[str] = []

    @contextmanager
    def open(self) -> Iterator["_Slot"]:
        """Be reached at once."""
        yield _Slot(self._taken)

    def emptied(self) -> list[str]:
        """Return, once, the addresses of those who got a mail, in order."""
        taken, self._taken = sorted(self._taken), []
        return taken


class _Slot:
    """One connection to the postbox."""

    def __init__(self, taken: list[str]) -> None:
        self._taken = taken
        self._recipient = ""

    def offer(self, sender: str, recipient: str, content: bytes) -> Answer:
        """Take any sender and recipient."""
        self._recipient = recipient
        return TOOK_IT

    def hand_over(self, content: bytes) -> Answer:
        """Take any mail."""
        self._taken.append(self._recipient)
        return TOOK_IT


@dataclass
class Traffic:
    """What the invented people do: they write, get mails, and do something with them."""

    agenda: Agenda
    people: dict[str, Invented]
    topics: Sequence[str]
    by_hand: Sequence[int]
    account_id: int

    def expect(self, person: Invented, begins: datetime, days: int) -> None:
        """Let somebody write at some hour of some day, and some of them once more."""
        first = self._write_at(person, begins, days)
        if person.dice.random() < WRITE_AGAIN:
            again = first + timedelta(days=person.dice.uniform(1, 200))
            if again < begins + timedelta(days=days):
                self._then(person, again, partial(self._writes, person))

    def _write_at(self, person: Invented, begins: datetime, days: int) -> datetime:
        hour = min(max(person.dice.gauss(14, 4), 0), 23.9)
        at = begins + timedelta(days=person.dice.randrange(days), hours=hour)
        self._then(person, at, partial(self._writes, person))
        return at

    def _writes(self, person: Invented, world: Database, settings: Settings) -> str:
        dice = person.dice
        if person.contact_id:
            person.topic = dice.choice(self.topics)
        who = Person(f"Reader {person.number}", read_email(person.address))
        submission = Submission(
            form_key=tokens.public_id(),
            person=who,
            topic=person.topic,
            message=MESSAGE,
            wording=consent.CURRENT_WORDING if dice.random() < AGREE else None,
            source_page="/contact",
            source_referrer="",
        )
        with world.write() as session:
            contact = find_or_add(session, who)
            if person.zone and contact.time_zone is None:
                contact.time_zone, contact.time_zone_source = person.zone, ZoneSource.BROWSER
                session.flush()
            submit_inquiry(session, settings, submission)
            person.contact_id = contact.id
        if self.by_hand and dice.random() < BEGUN_BY_HAND:
            self._then(person, clock.now() + timedelta(days=dice.uniform(0.1, 20)), partial(self._is_begun, person))
        if dice.random() < WE_WRITE_FIRST:
            written = partial(events.institute_answers, contact_id=person.contact_id)
            self._then(person, clock.now() + timedelta(hours=dice.uniform(2, 60)), written)
        return ""

    def _is_begun(self, person: Invented, world: Database, settings: Settings) -> str:
        """Begin a sequence by hand, unless something stands against it, which is no fault."""
        sequence_id = person.dice.choice(self.by_hand)
        try:
            with world.write() as session:
                sequence = session.get_one(Plan, sequence_id)
                contact_id = locked(session, person.contact_id).id
                topic = topics_of(session).label(person.topic)
                begin_by_hand(session, settings, contact_id, topic, sequence, self.account_id)
        except Refusal as refusal:
            return str(refusal)
        return ""

    # --- mails ------------------------------------------------------------------------------------------

    def react(self, addresses: Sequence[str], moment: datetime) -> None:
        """Let those who got a mail at `moment` do something with it, most of them nothing."""
        for address in addresses:
            person = self.people.get(address)
            if person is not None:
                self._react(person, moment)

    def _react(self, person: Invented, moment: datetime) -> None:
        drawn = person.dice.random()
        for what, of_a_hundred in REACTIONS.items():
            drawn -= of_a_hundred / 100
            if drawn < 0:
                self._do(person, moment, what)
                return

    def _do(self, person: Invented, moment: datetime, what: Reaction) -> None:
        contact_id = person.contact_id
        soon = moment + timedelta(minutes=person.dice.uniform(1, 30))
        later = moment + timedelta(hours=person.dice.uniform(0.2, 72))
        match what:
            case Reaction.ANSWERS:
                self._then(person, later, partial(events.answers, contact_id=contact_id))
                if person.dice.random() < WE_ANSWER:
                    answered = later + timedelta(hours=person.dice.uniform(1, 72))
                    self._then(person, answered, partial(events.institute_answers, contact_id=contact_id))
            case Reaction.IS_AWAY:
                back_on = (soon + timedelta(days=person.dice.randint(2, 25))).date()
                self._then(person, soon, partial(events.is_away, contact_id=contact_id, back_on=back_on))
            case Reaction.BOUNCES:
                self._then(person, soon, partial(events.bounces, contact_id=contact_id))
            case Reaction.LEAVES:
                self._then(person, later, partial(events.leaves, contact_id=contact_id))
            case Reaction.COMPLAINS:
                self._then(person, later, partial(events.complains, contact_id=contact_id))
            case Reaction.WISHES:
                wish = person.dice.choice([Wish.LESS_OFTEN, Wish.ONLY_TOPIC, Wish.PAUSE])
                self._then(person, later, partial(events.wishes, contact_id=contact_id, what=wish))

    def _then(self, person: Invented, at: datetime, act: Act) -> None:
        self.agenda.add(Event(at, person.next_place(), act=act))
