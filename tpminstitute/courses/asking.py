"""What a letter about a course is about: a key that its page put into the form, and the words for it."""

from dataclasses import dataclass

from tpminstitute.core import zones
from tpminstitute.courses.catalogue import Catalogue, PublicCourse, PublicDate

COURSE, DATE, WAIT = "course", "date", "wait"


@dataclass(frozen=True)
class AskedCourse:
    """A course, or one of its dates, that somebody asks about; `waits` if they want a place once one is free."""

    words: str
    topic: str
    course_id: int
    date_id: int | None
    waits: bool


def key_of(course: PublicCourse, date: PublicDate | None = None, *, waits: bool = False) -> str:
    """Return the key of a course or of one of its dates, such as ``course:csm`` or ``wait:date:…``."""
    key = f"{COURSE}:{course.slug}" if date is None else f"{DATE}:{date.uid}"
    return f"{WAIT}:{key}" if waits else key


def asked_course(catalogue: Catalogue, key: str) -> AskedCourse | None:
    """Return what a key names, None for one that names nothing that visitors may see."""
    waits = key.startswith(f"{WAIT}:")
    kind, _, name = key.removeprefix(f"{WAIT}:").partition(":")
    if kind == DATE:
        found = catalogue.date(name)
        return None if found is None else _about_date(*found, waits)
    course = catalogue.at(name) if kind == COURSE else None
    if course is None:
        return None
    words = f"a word when “{course.title}” has a date" if waits else f"the course “{course.title}”"
    return AskedCourse(words, course.topic, course.id, None, waits)


def _about_date(course: PublicCourse, date: PublicDate, waits: bool) -> AskedCourse:
    wanted = "a place on the waiting list for" if waits else "the course"
    words = f"{wanted} “{course.title}” on {zones.written(date.begins_at, date.zone)}"
    return AskedCourse(words, course.topic, course.id, date.id, waits)
