"""A million invented people with what they wrote, and how long the desk's search takes among them."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import accumulate
from typing import Any

import psycopg
from sqlalchemy import text

from tests.factories import an_account
from tpminstitute.core.db import Database, upgrade
from tpminstitute.guide.chapters import CONTENT

PEOPLE = 1_000_000
INQUIRIES_EACH, NOTES_EACH, FACTS_EACH = 1.3, 0.3, 5
"""For each person, on average."""

LETTERS = "bdfgklmnprstvz", "aeiou", ("", "n", "r", "s", "l", "m", "k", "t")
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "example.org", "web.de", "proton.me")
MOMENT = "2026-11-01 09:00:00"
"""The moment of everything: the index asks for no time."""

_CHUNK = 20_000


class World:
    """Invented names, words and texts; the n-th frequent of each comes up once for every n times the first does."""

    def __init__(self) -> None:
        """Make up the words."""
        self._dice = random.Random(9)
        self.given = self._words(1_500, 2)
        self.family = self._words(30_000, 3)
        pages = [page.read_text("utf-8") for page in sorted((CONTENT / "guide").rglob("*.md"))]
        own = {word.lower() for page in pages for word in page.split() if word.isalpha()}
        self.vocabulary = ["the", "program", "to", "and", "a", "of", "in", *sorted(own), *self._words(20_000, 3)]
        self._weights = {len(words): _zipf(len(words)) for words in (self.given, self.family, self.vocabulary)}

    def _words(self, number: int, syllables: int) -> list[str]:
        words: dict[str, None] = {}
        while len(words) < number:
            parts = (self._dice.choice(letters) for _ in range(syllables) for letters in LETTERS)
            words["".join(parts)] = None
        return list(words)

    def some(self, words: Sequence[str], number: int) -> list[str]:
        """Return `number` of `words`, the frequent ones more often."""
        return self._dice.choices(words, cum_weights=self._weights[len(words)], k=number)

    def rows(self, people: int) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
        """Yield rows for the tables, some people at a time."""
        for first in range(1, people + 1, _CHUNK):
            chunk: dict[str, list[tuple[Any, ...]]] = {"contacts": [], "inquiries": [], "notes": []}
            for number in range(first, min(first + _CHUNK, people + 1)):
                self._add(number, chunk)
            yield chunk

    def _add(self, number: int, chunk: dict[str, list[tuple[Any, ...]]]) -> None:
        given, family = self.some(self.given, 1)[0], self.some(self.family, 1)[0]
        name, email = f"{given.title()} {family.title()}", f"{given}.{family}{number}@{self._dice.choice(DOMAINS)}"
        phone = f"+1{number % 800 + 200}{5_000_000 + number % 4_000_000}" if number % 3 == 0 else None
        key = f"{number:020d}"
        chunk["contacts"].append((number, key, email, email, name, phone or "", phone, MOMENT))
        for turn in range(1 + (self._dice.random() < INQUIRIES_EACH - 1)):
            message = " ".join(self.some(self.vocabulary, self._dice.randint(20, 90)))
            ids = (number * 2 + turn, f"{number * 2 + turn:020d}", f"{number}-{turn}", number)
            state = "suspected" if number % 40 == 0 else "open"
            chunk["inquiries"].append((*ids, name, email, "", "other", message, state, "[]", "", "", MOMENT))
        if self._dice.random() < NOTES_EACH:
            body = " ".join(self.some(self.vocabulary, self._dice.randint(5, 30)))
            chunk["notes"].append((number, number, 1, body, MOMENT, 1))


def _zipf(number: int) -> list[float]:
    return list(accumulate(1 / (rank + 2) for rank in range(number)))


COLUMNS = {
    "contacts": "id, public_id, email, email_key, name, phone_typed, phone_e164, first_seen_at",
    "inquiries": "id, public_id, form_key, contact_id, name, email, phone_typed, topic, message, state, suspicions, "
    "source_page, source_referrer, received_at",
    "notes": "id, contact_id, account_id, body, at, number",
}


def fill(database_url: str, people: int) -> Database:
    """Return a migrated database with `people` people, their inquiries, notes and facts, none of it indexed yet."""
    db = Database(database_url)
    upgrade(db)
    with db.write() as session:
        an_account(session)
    for chunk in World().rows(people):
        (_fill_sqlite if db.is_sqlite else _fill_postgresql)(db, chunk)
    of_each = f"(SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT {FACTS_EACH}) AS each"
    with db.write() as session:
        session.execute(
            text(
                "INSERT INTO activities (contact_id, at, kind, actor, sentence) SELECT contacts.id, first_seen_at, "
                f"'mail_sent', 'system', 'Sent the acknowledgement.' FROM contacts CROSS JOIN {of_each}"
            )
        )
    return db


def _fill_sqlite(db: Database, chunk: dict[str, list[tuple[Any, ...]]]) -> None:
    with db.write() as session:
        for table, rows in chunk.items():
            marks = ", ".join("?" * len(COLUMNS[table].split(", ")))
            session.connection().exec_driver_sql(f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({marks})", rows)


def _fill_postgresql(db: Database, chunk: dict[str, list[tuple[Any, ...]]]) -> None:
    url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(url)) as connection, connection:
        for table, rows in chunk.items():
            with connection.cursor().copy(f"COPY {table} ({COLUMNS[table]}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
