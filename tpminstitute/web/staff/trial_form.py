"""What an address asks of the time machine: for whom, from when on, and what is thrown in; and why it can't be."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from tpminstitute.contacts.models import Background
from tpminstitute.contacts.service import by_public_id
from tpminstitute.contacts.time_zones import read_zone
from tpminstitute.contacts.topics import Topic, topics_of
from tpminstitute.core import clock, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.inbox.previews import MADE_UP
from tpminstitute.sequences.planning import zone_of
from tpminstitute.simulation.machine import DAYS, LONGEST, MOST_EVENTS, MadeUp, Throw, Thrown, Trial

THROWS = {
    Throw.ANSWERS: "they answer",
    Throw.AWAY: "they are away for … days",
    Throw.LEAVES: "they unsubscribe",
    Throw.LESS_OFTEN: "they want fewer mails",
    Throw.PAUSES: "they ask for a month's pause",
    Throw.BOUNCES: "the last mail comes back",
    Throw.COMPLAINS: "they report the last mail as spam",
    Throw.WE_ANSWER: "we write to them",
    Throw.HOLIDAY: "a holiday",
    Throw.COURSE_MOVES: "the course moves by … days",
}
"""What may be thrown in, as the form says it after a day."""

COUNTED = (Throw.AWAY, Throw.COURSE_MOVES)
"""What needs a number of days beside the day it happens."""

LONGEST_NAME = 80
FURTHEST = timedelta(days=3 * 366)
"""How far from today a run may begin: clocks and holidays are known no further."""

_TYPED = "%Y-%m-%dT%H:%M"


@dataclass
class Row:
    """One thing thrown in, as it was typed."""

    what: str = ""
    day: str = ""
    number: str = ""


@dataclass
class TrialForm:
    """The form as it was typed, with a sentence for each field that needs a change."""

    reader: str
    name: str
    topic: str
    zone: str
    stands: str
    begins: str
    rows: list[Row]
    errors: dict[str, str] = field(default_factory=dict)

    def as_address(self) -> dict[str, str | list[str]]:
        """Return what an address must say to ask for the same."""
        rows = [row for row in self.rows if row.what]
        columns = {name: [getattr(row, name) for row in rows] for name in ("what", "day", "number")}
        made_up = {"name": self.name, "topic": self.topic, "zone": self.zone, "stands": self.stands}
        who = {"reader": self.reader} if self.reader else made_up
        return {**who, "begins": self.begins, **columns}


def typed(args: MultiDict[str, str], settings: Settings) -> TrialForm:
    """Return the form as an address fills it in; what it doesn't say is as usual."""
    columns = [args.getlist(name)[:MOST_EVENTS] for name in ("what", "day", "number")]
    rows = [Row(*(text.strip()[:20] for text in row)) for row in zip_longest(*columns, fillvalue="")]
    kept = [row for row in rows if row.what]
    return TrialForm(
        reader=args.get("reader", "")[:20],
        name=one_line(args.get("name", MADE_UP.name), LONGEST_NAME + 1),
        topic=args.get("topic", Topic.BECOMING_A_TPM.value),
        zone=args.get("zone", settings.institute_time_zone).strip()[:64],
        stands=args["stands"] if args.get("stands") in set(Background) else "",
        begins=args.get("begins", _now(settings))[:20],
        rows=kept + [Row() for _ in range(min(3, MOST_EVENTS - len(kept)))],
    )


def trial_of(session: Session, settings: Settings, form: TrialForm, sequence_id: int, account_id: int) -> Trial | None:
    """Return what the form asks to be tried, or None when something in it needs a change, which it then says."""
    who, zone = _who(session, settings, form)
    begins = _begins(form, zone, real=isinstance(who, int))
    thrown = [found for row in form.rows if row.what and (found := _thrown(form, row)) is not None]
    if form.errors or who is None:
        return None
    form.begins = zones.reading(begins, zone).strftime(_TYPED)
    return Trial(sequence_id, who, begins, account_id, thrown)


def _who(session: Session, settings: Settings, form: TrialForm) -> tuple[MadeUp | int | None, ZoneInfo]:
    if form.reader:
        contact = by_public_id(session, form.reader)
        if contact is None:
            form.errors["reader"] = "Choose somebody of the list: this contact isn't there any more."
            return None, settings.institute_zone
        return contact.id, zone_of(session, settings, contact.id)
    zone = _zone(form)
    if not form.name or len(form.name) > LONGEST_NAME:
        form.errors["name"] = f"Write a name of at most {LONGEST_NAME} characters."
    if form.topic not in topics_of(session):
        form.errors["topic"] = "Choose a topic of the list."
    if form.errors or zone is None:
        return None, settings.institute_zone
    return MadeUp(form.name, form.topic, zone, Background(form.stands) if form.stands else None), zone


def _zone(form: TrialForm) -> ZoneInfo | None:
    try:
        form.zone = read_zone(form.zone)
    except Refusal:
        form.errors["zone"] = "Write it as in the list, for example America/New_York or Europe/Berlin."
        return None
    return ZoneInfo(form.zone)


def _begins(form: TrialForm, zone: ZoneInfo, *, real: bool) -> datetime:
    """Return the moment of the form, by the reader's clock; by default, and for a real contact at the earliest, now."""
    now = clock.now().replace(second=0, microsecond=0)
    if not form.begins:
        return now
    try:
        shown = datetime.strptime(form.begins, _TYPED)  # noqa: DTZ007 (a reading of the reader's clock)
        begins = zones.moment(zones.existing(shown, zone), zone)
    except (ValueError, OverflowError):
        form.errors["begins"] = "Write a day and a time, for example 2027-03-01T09:00."
        return now
    if abs(begins - now) > FURTHEST:
        form.errors["begins"] = "Choose a day within three years."
    return max(begins, now) if real else begins


def _thrown(form: TrialForm, row: Row) -> Thrown | None:
    """Return what a row throws in; one that can't be read is said once, for all of them."""
    day, number = _whole(row.day), _whole(row.number)
    if row.what not in set(Throw) or day is None or not 0 <= day <= DAYS:
        form.errors["thrown"] = f"Write for each thing on which day it happens: a number from 0 to {DAYS}."
        return None
    what = Throw(row.what)
    if what not in COUNTED:
        return Thrown(what, day)
    lowest = 1 if what is Throw.AWAY else -LONGEST
    if number is None or not lowest <= number <= LONGEST or number == 0:
        form.errors["thrown"] = f"Write how many days “{THROWS[what]}” means: a whole number, {LONGEST} at most."
        return None
    return Thrown(what, day, number)


def _now(settings: Settings) -> str:
    return zones.reading(clock.now(), settings.institute_zone).strftime(_TYPED)


def _whole(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 5 else None
