"""By which clock somebody lives: as staff say, else as their browser says, else where their phone number is from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import time_zones_for_number
from sqlalchemy import select
from sqlalchemy.orm import Session

from tpminstitute.contacts.models import Contact, ZoneSource
from tpminstitute.core import clock, zones
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line, visible
from tpminstitute.timeline.models import ActivityKind, Actor
from tpminstitute.timeline.service import record

WHERE_THEY_LIVE = "where they live"
AT_THE_INSTITUTE = "at the institute"

SOURCES = {
    None: "not known, so the institute's",
    ZoneSource.PHONE: "from the phone number",
    ZoneSource.BROWSER: "from the browser",
    ZoneSource.STAFF: "set by staff",
    ZoneSource.PERSON: "as they say themselves",
}
"""Where a time zone comes from, in words that follow it."""

_REPLACES: dict[ZoneSource, set[ZoneSource | None]] = {
    ZoneSource.PHONE: {None},
    ZoneSource.BROWSER: {None, ZoneSource.PHONE, ZoneSource.BROWSER},
    ZoneSource.STAFF: {None, *ZoneSource},
    ZoneSource.PERSON: {None, *ZoneSource},
}
_WEEKS_OF_A_YEAR = 53


@dataclass(frozen=True)
class FoundZone:
    """A time zone of the database by name, and how it was found."""

    name: str
    source: ZoneSource


@dataclass(frozen=True)
class Clock:
    """The clock that mails to somebody go by: its zone, where it comes from (None is the institute's)."""

    zone: ZoneInfo
    source: ZoneSource | None

    @property
    def where(self) -> str:
        """Whose place it shows the time of, as sentences say it."""
        return WHERE_THEY_LIVE if self.source else AT_THE_INSTITUTE


def from_browser(said: str) -> str | None:
    """Return the zone that a browser says it is in (ECMA-402, `timeZone`), or None.

    Any text may come. UTC and the zones of `Etc/` are none: that is how a machine is set, or a browser that hides
    where it is, and nobody's clock at home.
    """
    if said.startswith("Etc/") or f"Etc/{said}" in zones.names():
        return None
    return said if said in zones.names() else None


def from_phone(e164: str | None) -> str | None:
    """Return the zone that a phone number (E.164) is from, or None where it may be from several that differ.

    Several zones are as one when their clocks agree throughout the coming year. Of a number whose region isn't known
    the country counts, if it has one zone.
    """
    if e164 is None:
        return None
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    country = zones.of_country(phonenumbers.region_code_for_country_code(number.country_code or 0))
    found = _existing(time_zones_for_number(number)) or _existing(country)
    today = clock.now().date()
    if not found or any(not _agree(found[0], other, today) for other in found[1:]):
        return None
    return next((zone.key for zone in found if zone.key in country), found[0].key)


def find_zone(browser: str, e164: str | None) -> FoundZone | None:
    """Return the best zone that a form tells: the browser's, else the phone number's, or None."""
    name = from_browser(browser)
    if name is not None:
        return FoundZone(name, ZoneSource.BROWSER)
    name = from_phone(e164)
    return FoundZone(name, ZoneSource.PHONE) if name is not None else None


def clock_of(kept: str | None, source: ZoneSource | None, e164: str | None, home: ZoneInfo) -> Clock:
    """Return the clock that mails to a contact go by.

    Parameters: what is kept of the contact (`time_zone`, `time_zone_source`, `phone_e164`), since whoever was here
    before time zones were kept may have a number; `home`, the institute's, for whoever has no other. A zone that was
    abolished since it was kept is as none.
    """
    zone = zones.named(kept or "")
    if zone is not None:
        return Clock(zone, source)
    from_number = zones.named(from_phone(e164) or "")
    return Clock(from_number, ZoneSource.PHONE) if from_number is not None else Clock(home, None)


def keep_time_zone(session: Session, contact_id: int, found: FoundZone) -> bool:
    """Keep a zone that was found for a contact, unless a better source has told another.

    The newer browser counts, since people move; a phone number, which is kept as it came first, fills a gap only.
    A change stands on the timeline.
    Returns whether it was changed, so that what was planned by the old clock can be planned anew.
    """
    contact = _locked(session, contact_id)
    if not is_news(contact, found):
        return False
    if contact.time_zone is not None:
        sentence = f"The time zone is {found.name}, {SOURCES[found.source]}; it was {contact.time_zone}."
        record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, actor=Actor.VISITOR)
    contact.time_zone, contact.time_zone_source = found.name, found.source
    session.flush()
    return True


def is_news(contact: Contact, found: FoundZone) -> bool:
    """Return whether `found` is another zone than the contact's, from a source that may replace it."""
    may_replace = contact.time_zone_source in _REPLACES[found.source]
    return may_replace and (contact.time_zone, contact.time_zone_source) != (found.name, found.source)


def set_time_zone(session: Session, contact_id: int, typed: str, account_id: int, *, instead_of: str | None) -> bool:
    """Set a contact's zone as a staff member typed it, or forget what is known when nothing was typed.

    Parameters: `instead_of`, the zone that was known as far as they saw. Returns whether it was changed. Raises
    `Refusal` with a sentence when it names no zone, and when another became known since.
    """
    chosen = read_zone(typed) if typed.strip() else None
    source = ZoneSource.STAFF if chosen else None
    contact = _locked(session, contact_id)
    if (contact.time_zone, contact.time_zone_source) == (chosen, source):
        return False
    if contact.time_zone not in (instead_of, chosen):
        now = contact.time_zone or "not known any more"
        raise Refusal(f"Meanwhile the time zone is {now}. Nothing was changed: set it again if it should be another.")
    contact.time_zone, contact.time_zone_source = chosen, source
    session.flush()
    sentence = f"Set the time zone to {chosen}." if chosen else "Cleared the time zone."
    record(session, contact.id, ActivityKind.CONTACT_CHANGED, sentence, account_id=account_id)
    return True


def read_zone(typed: str) -> str:
    """Return the zone that a person means: its name, in any case, or its city if no other zone has that.

    Raises `Refusal` with a sentence when there is none.
    """
    wanted = "_".join(typed.split()).casefold()
    for known in (zones.places(), sorted(zones.names())):
        for of in (_whole, _city):
            meant = [name for name in known if of(name).casefold() == wanted]
            if len(meant) == 1:
                return meant[0]
    shown = visible(one_line(typed, 60))
    raise Refusal(f"“{shown}” is no time zone. Nothing was changed. Choose one of the list, such as Europe/Berlin.")


def _whole(name: str) -> str:
    return name


def _city(name: str) -> str:
    return name.rpartition("/")[2]


def _existing(names: Iterable[str]) -> list[ZoneInfo]:
    return [zone for name in names if (zone := zones.named(name)) is not None]


def _locked(session: Session, contact_id: int) -> Contact:
    return session.scalars(
        select(Contact)
        .where(Contact.id == contact_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


@lru_cache(maxsize=1024)
def _agree(one: ZoneInfo, other: ZoneInfo, since: date) -> bool:
    """Whether two clocks show the same throughout the year that begins with `since`, looked at once a week."""
    first = datetime.combine(since, time(), UTC)
    weeks = (first + timedelta(weeks=week) for week in range(_WEEKS_OF_A_YEAR))
    return all(moment.astimezone(one).utcoffset() == moment.astimezone(other).utcoffset() for moment in weeks)
