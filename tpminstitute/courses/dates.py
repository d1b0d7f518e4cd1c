"""The dates of a course: what staff type is read and checked here, and kept as a date that follow-ups know."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tpminstitute.accounts.service import record_audit
from tpminstitute.core import clock, tokens, zones
from tpminstitute.core.config import Settings
from tpminstitute.core.errors import Refusal
from tpminstitute.core.text import one_line
from tpminstitute.courses.editing import CourseProblems, checked_link, locked_course
from tpminstitute.courses.models import RemovedDate
from tpminstitute.sequences import course_dates
from tpminstitute.sequences.course_dates import CourseError, CourseFacts, Details
from tpminstitute.sequences.models import Course, CourseDate

LONGEST_PLACE = 200
LONGEST_FEE = 120
MOST_PLACES = 100_000
LONGEST_LASTING = timedelta(days=732)
"""Between a date's beginning and its end; what lasts longer is a slip of the keys."""


@dataclass(frozen=True)
class DateText:
    """What staff typed about a date: readings of the clock of `time_zone` as a browser sends them, and words.

    `cost` is ``free``, ``fee`` (which `fee` says) or '' where nothing is said.
    """

    begins: str
    ends: str
    time_zone: str
    online: bool = False
    place: str = ""
    places: str = ""
    cost: str = ""
    fee: str = ""
    link: str = ""


class StaleDate(Refusal):
    """Somebody changed the date since the page was shown; `kept` is what it says now."""

    def __init__(self, kept: CourseDate) -> None:
        """Say what happened to what was typed."""
        super().__init__("This date was changed while you were writing. Yours was not saved and is still here.")
        self.kept = kept


def text_of(date: CourseDate) -> DateText:
    """Return what a date says, to be changed."""
    zone = zone_of(date)
    return DateText(
        begins=_reading(date.begins_at, zone),
        ends=_reading(date.ends_at, zone) if date.ends_at else "",
        time_zone=zone.key,
        online=date.online,
        place=date.place,
        places=str(date.places or ""),
        cost="free" if date.free else "fee" if date.fee else "",
        fee=date.fee,
        link=date.link,
    )


def zone_of(date: CourseDate) -> ZoneInfo:
    """Return the zone that a date of a course is told in; UTC for one that isn't known any more."""
    return zones.named(date.time_zone or "") or ZoneInfo("UTC")


def add_date(session: Session, course_id: int, text: DateText, account_id: int) -> CourseDate:
    """Add a date to a course; returns it. Raises `CourseProblems` for what can't be."""
    course = locked_course(session, course_id)
    if course.archived_at is not None:
        raise Refusal(f"“{course.title}” is in the archive. Nothing was changed. Take it out of the archive first.")
    facts = _facts(course, text, None)
    try:
        return course_dates.add_course_date(session, facts, account_id, course=course)
    except CourseError as error:
        raise CourseProblems({error.field: str(error)}) from None


def change_date(
    session: Session, settings: Settings, course_id: int, date_id: int, number: int, text: DateText, account_id: int
) -> int:
    """Let a date say something else. Returns how many mails moved with it.

    Parameters: `number`, the one that the page was shown with.
    Raises `StaleDate` when somebody changed it since, and `CourseProblems` for what can't be.
    """
    course = locked_course(session, course_id)
    date = _date(session, course, date_id)
    if date.number != number:
        raise StaleDate(date)
    facts = _facts(course, text, date)
    try:
        return course_dates.change_course_date(session, settings, date.id, number, facts, account_id)
    except CourseError as error:
        raise CourseProblems({error.field: str(error)}) from None


def say_full(
    session: Session, settings: Settings, course_id: int, date_id: int, full: bool, account_id: int
) -> CourseDate:
    """Say that a date's last place went, or that one is free again; what leads up to a full one ends.

    Returns the date. Raises `Refusal` when that was said already.
    """
    course = locked_course(session, course_id)
    date = _date(session, course, date_id)
    if full == (date.full_at is not None):
        raise Refusal(f"This date {'is full' if full else 'has free places'} already. Nothing was changed.")
    facts = CourseFacts(date.name, date.begins_at, full)
    course_dates.change_course_date(session, settings, date.id, date.number, facts, account_id)
    return date


def remove_date(session: Session, course_id: int, date_id: int, account_id: int) -> None:
    """Take a date back; calendars that know it are told. Raises `Refusal` when follow-ups lead up to it."""
    course = locked_course(session, course_id)
    date = _date(session, course, date_id)
    assert date.uid is not None  # as every date of a course has
    gone = RemovedDate(
        uid=date.uid,
        course_id=course.id,
        begins_at=date.begins_at,
        ends_at=date.ends_at,
        number=date.number + 1,
        removed_at=clock.now(),
    )
    course_dates.remove_course_date(session, date.id, account_id, of=course.id)
    session.add(gone)
    session.flush()


def take_over(session: Session, settings: Settings, course_id: int, date_id: int, account_id: int) -> CourseDate:
    """Make a date of the desk's calendar one of a course: its name becomes the course's title, its number stays.

    Returns it; whatever leads up to it still does. Raises `Refusal` for one that belongs to a course already.
    """
    course = locked_course(session, course_id)
    date = course_dates.locked(session, date_id)
    if date.course_id is not None:
        raise Refusal(f"“{date.name}” is a date of a course already. Nothing was changed.")
    date.course_id, date.uid, date.name = course.id, tokens.public_id(), course.title
    date.time_zone, date.changed_at = settings.institute_zone.key, clock.now()
    date.number += 1
    session.flush()
    told = f"{date.id}, now a date of “{course.title}”"
    record_audit(session, "course_date_changed", told, account_id=account_id)
    return date


def _date(session: Session, course: Course, date_id: int) -> CourseDate:
    date = course_dates.locked(session, date_id)
    if date.course_id != course.id:
        raise Refusal("This date is not one of this course. Nothing was changed.")
    return date


def _facts(course: Course, text: DateText, before: CourseDate | None) -> CourseFacts:
    """Return what was typed, read; what a date said before may still be said, however the zone's clock changed."""
    problems: dict[str, str] = {}
    zone = zones.named(text.time_zone)
    if zone is None:
        raise CourseProblems({"time_zone": "Choose the time zone whose clock the date goes by."})
    begins = _moment(text.begins, zone, "begins", problems)
    ends = _moment(text.ends, zone, "ends", problems) if text.ends.strip() else None
    if begins and ends and ends <= begins:
        problems["ends"] = "Choose an end after the beginning, or leave it empty."
    elif begins and ends and ends - begins > LONGEST_LASTING:
        problems["ends"] = "Choose an end within two years of the beginning."
    values = _words(text, problems)
    if problems or begins is None:
        raise CourseProblems(problems)
    if before is not None and text.begins == text_of(before).begins and text.time_zone == before.time_zone:
        begins = before.begins_at
    full = before is not None and before.full_at is not None
    return CourseFacts(course.title, begins, full, Details(time_zone=zone.key, ends_at=ends, **values))


def _moment(typed: str, zone: ZoneInfo, field: str, problems: dict[str, str]) -> datetime | None:
    """Read a day and a time; one that the clock shows twice is its first, and one that it skips is refused."""
    try:
        reading = datetime.fromisoformat(typed.strip())
        if reading.tzinfo is not None:
            raise ValueError
        if not zones.exists(reading, zone):
            after = zones.existing(reading, zone)
            problems[field] = f"The clock is set forward then, and never shows that time. It shows {after:%H:%M} next."
            return None
        return zones.moment(reading, zone)
    except (ValueError, OverflowError):
        problems[field] = "Write the day and the time, such as 20 April 2026, 09:00."
        return None


def _words(text: DateText, problems: dict[str, str]) -> dict[str, Any]:
    place, fee = (one_line(typed, len(typed)) for typed in (text.place, text.fee))
    if len(place) > LONGEST_PLACE:
        problems["place"] = f"Shorten the place to {LONGEST_PLACE} characters: it has {len(place):,}."
    if text.cost == "fee" and not fee:
        problems["fee"] = "Write the fee, or choose that nothing is said about it."
    elif text.cost == "fee" and len(fee) > LONGEST_FEE:
        problems["fee"] = f"Shorten the fee to {LONGEST_FEE} characters: it has {len(fee):,}."
    places, link = None, ""
    counted = text.places.strip()
    if counted:
        places = int(counted) if counted.isascii() and counted.isdigit() and len(counted) < 7 else 0
        if not 1 <= places <= MOST_PLACES:
            problems["places"] = f"Write a number from 1 to {MOST_PLACES:,}, or leave it empty."
    try:
        link = checked_link(text.link)
    except Refusal as refusal:
        problems["link"] = str(refusal)
    words = {"online": text.online, "place": place, "places": places, "link": link}
    return words | {"fee": fee if text.cost == "fee" else "", "free": text.cost == "free"}


def _reading(moment: datetime, zone: ZoneInfo) -> str:
    return f"{zones.reading(moment, zone):%Y-%m-%dT%H:%M}"
