"""What is new on the public site, newest first: editions of the guide, published answers, dates of courses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from tpminstitute.comments.chapters import title_of
from tpminstitute.comments.queries import published_answers
from tpminstitute.core.config import Settings
from tpminstitute.courses.catalogue import PublicCourse
from tpminstitute.guide.book import BEFORE_ANY_DATE
from tpminstitute.guide.chapters import Guide, editions_told

MOST = 50
"""Entries that the feed holds, the newest ones."""

SINCE = 2026
"""The year that the entries' names carry: since then the address is the institute's (RFC 4151)."""


@dataclass(frozen=True)
class Entry:
    """One piece of news: `id` stays the same whatever is changed in it, `href` leads to it."""

    id: str
    title: str
    text: str
    href: str
    at: datetime


def news(session: Session, settings: Settings, guide: Guide, courses: Iterable[PublicCourse]) -> Sequence[Entry]:
    """Return the newest entries."""
    found = [*_editions(settings, guide), *_answers(session, settings), *_dates(settings, courses)]
    return sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)[:MOST]


def updated(entries: Sequence[Entry]) -> datetime:
    """Return when the newest entry was made; without any a day before all of them, so that nothing seems new."""
    return entries[0].at if entries else _noon(BEFORE_ANY_DATE)


def _editions(settings: Settings, guide: Guide) -> Iterator[Entry]:
    for key, edition in editions_told().items():
        yield Entry(
            _id(settings, "guide", key), guide.title, edition.what, f"{settings.public_url}/", _noon(edition.day)
        )


def _answers(session: Session, settings: Settings) -> Iterator[Entry]:
    for one in published_answers(session):
        place = f"{settings.public_url}/comments/{one.chapter}#q-{one.public_id}"
        title = f"A question on “{title_of(one.chapter)}”"
        yield Entry(_id(settings, "answer", one.public_id), title, f"{one.question}\n\n{one.answer}", place, one.at)


def _dates(settings: Settings, courses: Iterable[PublicCourse]) -> Iterator[Entry]:
    for course in courses:
        place = f"{settings.public_url}/courses/{course.slug}"
        for one in course.to_come:
            text = f"{one.when}{f'. {one.where}' if one.where else ''}{'. Full' if one.full else ''}."
            yield Entry(_id(settings, "date", one.uid), course.title, text, place, one.changed_at)


def _id(settings: Settings, kind: str, key: str) -> str:
    return f"tag:{urlsplit(settings.public_url).hostname},{SINCE}:{kind}/{key}"


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
