"""The guide as a book to keep: what the PDF and the EPUB are made of."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urljoin

from tpminstitute.core.config import Settings
from tpminstitute.guide.chapters import Guide

MADE_BY = 2
"""Raise it when the same text is laid out in another way, so that no file of before is handed out."""

LANGUAGE = "en"

BEFORE_ANY_DATE = date(1980, 1, 1)
"""The day that the files carry when the edition has none: the first that a ZIP archive can hold."""


@dataclass(frozen=True)
class Publisher:
    """Who publishes the book, and where the reader finds them; `site` is the address of the guide, ending in /."""

    name: str
    email: str
    phone: str
    postal_address: str
    site: str


@dataclass(frozen=True)
class Book:
    """One edition of the guide as one publisher hands it out: the same book is the same bytes."""

    guide: Guide
    publisher: Publisher

    @property
    def key(self) -> str:
        """A name for its files, that is another one whenever anything in them is."""
        told = repr((MADE_BY, self.guide.edition, self.guide.updated, self.publisher))
        return f"{self.guide.edition}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    @property
    def moment(self) -> datetime:
        """When it was changed last, at noon: what files must carry that know no day."""
        day = self.guide.updated or BEFORE_ANY_DATE
        return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    @property
    def imprint(self) -> str:
        """Which edition it is, in a sentence."""
        updated = f", updated on {in_words(self.guide.updated)}" if self.guide.updated else ""
        return f"Edition {self.guide.edition}{updated}."

    def address(self, href: str) -> str:
        """Return where a link of the guide leads: within the book as it is, elsewhere with its whole address.

        The letter at the guide's foot isn't in the book, so a link to it leads to the site.
        """
        anchor = href.removeprefix("#")
        inside = {chapter.slug for chapter in self.guide.chapters} | {
            part.anchor for chapter in self.guide.chapters for part in chapter.parts
        }
        return href if href.startswith("#") and anchor in inside else urljoin(self.publisher.site, href)


def book_of(guide: Guide, settings: Settings) -> Book:
    """Return `guide` as the institute of `settings` hands it out."""
    publisher = Publisher(
        name=settings.institute_name,
        email=settings.institute_email,
        phone=settings.institute_phone,
        postal_address=settings.postal_address,
        site=f"{settings.public_url}/",
    )
    return Book(guide, publisher)


def in_words(day: date) -> str:
    """Return a day as readers see it: 22 November 2026."""
    return f"{day.day} {day:%B %Y}"
