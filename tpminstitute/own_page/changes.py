"""What a person corrects about themselves: name, phone, topic, time zone, and when follow-ups come."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.orm import Session

from tpminstitute.contacts.identity import AddressError, read_phone
from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.contacts.time_zones import read_zone
from tpminstitute.contacts.topics import topics_of
from tpminstitute.core import zones
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.own_page.told import by_their_clock, topic_of
from tpminstitute.sequences.wishes import pause_until
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

LONGEST_NAME, LONGEST_PHONE = 200, 60


@dataclass(frozen=True)
class Corrected:
    """What a person wrote of themselves; `phone` is None where the page didn't show theirs, `number` what it saw."""

    name: str
    phone: str | None
    topic: str
    time_zone: str
    number: int


class Stale(Refusal):
    """Who they are was changed in between, in another tab or by staff."""

    def __init__(self) -> None:
        """Say what was kept."""
        super().__init__(
            "This was changed since you opened the page, in another tab or by our staff. Nothing was saved, and what "
            "you typed is still here. Look at what holds now, and save again to put yours in its place."
        )


def correct(session: Session, contact: Contact, said: Corrected) -> bool:
    """Change who a contact is, by their own word; returns False when it is so already.

    The caller holds the contact's row. Raises `Stale`, and `Refusal` for what can't be taken.
    """
    name = one_line(said.name.strip(), LONGEST_NAME)
    if not name or len(said.name.strip()) > LONGEST_NAME:
        raise Refusal(f"Write your name in at most {LONGEST_NAME} characters, so that we know how to greet you.")
    zone = read_zone(said.time_zone) if said.time_zone.strip() else None
    told = _differences(session, contact, said, name, zone)
    if not told:
        return False
    if contact.number != said.number:
        raise Stale
    if said.phone is not None and said.phone.strip() != contact.phone_typed:
        contact.phone_typed, contact.phone_e164 = said.phone.strip(), _phone(said.phone.strip())
    contact.name, contact.number = name, contact.number + 1
    if said.topic:
        contact.topic = said.topic
    if zone is not None and zone != contact.time_zone:
        contact.time_zone, contact.time_zone_source = zone, ZoneSource.PERSON
    session.flush()
    sentence = f"Corrected what we hold: {', '.join(told)}."
    record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, actor=Actor.VISITOR)
    return True


def postpone(session: Session, settings: Settings, contact: Contact, until: str) -> None:
    """Let no follow-up come before the morning of a day, as a form sends it (``2027-01-31``), by the contact's clock.

    Raises `Refusal` for what is no day, or too near or too far.
    """
    try:
        day = date.fromisoformat(until)
        zone = by_their_clock(settings, contact)
        moment = zones.moment(zones.existing(datetime.combine(day, time()), zone), zone)
    except (ValueError, OverflowError):
        raise Refusal("Write a day, such as 2027-01-31. Nothing was changed.") from None
    pause_until(session, settings, contact, moment)


def furthest(settings: Settings, contact: Contact, now: datetime) -> tuple[date, date]:
    """Return the first and the last day until which follow-ups may be postponed, by the contact's clock."""
    today = zones.local(now, by_their_clock(settings, contact)).date()
    return today + timedelta(days=1), today + timedelta(days=365)


def _differences(session: Session, contact: Contact, said: Corrected, name: str, zone: str | None) -> list[str]:
    found, before = [], topic_of(session, contact)
    if name != contact.name:
        found.append(f"the name was “{contact.name}”")
    if said.phone is not None and said.phone.strip() != contact.phone_typed:
        found.append(f"the phone number was {contact.phone_typed or 'not known'}")
    if said.topic and said.topic not in topics_of(session):
        raise Refusal("Choose a topic of the list. Nothing was changed.")
    if said.topic and said.topic != before:
        found.append(f"the topic was {topics_of(session).label(before) if before else 'not known'}")
    if zone is not None and zone != contact.time_zone:
        found.append(f"the time zone was {contact.time_zone or 'not known'}")
    return found


def _phone(typed: str) -> str | None:
    if len(typed) > LONGEST_PHONE or one_line(typed, LONGEST_PHONE) != typed:
        raise Refusal(f"Write the phone number on one line of at most {LONGEST_PHONE} characters. Nothing was changed.")
    try:
        return read_phone(typed) if typed else None
    except AddressError as problem:
        raise Refusal(f"{problem} Nothing was changed.") from None
