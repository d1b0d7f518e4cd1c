"""A million invented people with what they wrote, and how long the desk's search takes among them.

`.venv/bin/python -m tests.bench.searching 1000000` prints it for each kind of question.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import accumulate
from typing import Any

import psycopg
from sqlalchemy import text

from tests.bench.watch import AS_IN_LIFE
from tests.factories import an_account
from tests.parts.postgres import PostgresServer
from tpminstitute.core.db import Database, upgrade
from tpminstitute.guide.chapters import CONTENT
from tpminstitute.lists.search import find
from tpminstitute.lists.search_upkeep import ALONE, settle

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
        key = _public_id(number)
        chunk["contacts"].append((number, key, email, email, name, phone or "", phone, MOMENT))
        for turn in range(1 + (self._dice.random() < INQUIRIES_EACH - 1)):
            message = " ".join(self.some(self.vocabulary, self._dice.randint(20, 90)))
            ids = (number * 2 + turn, _public_id(number * 2 + turn), f"{number}-{turn}", number)
            state = "suspected" if number % 40 == 0 else "open"
            chunk["inquiries"].append((*ids, name, email, "", "other", message, state, "[]", "", "", MOMENT))
        if self._dice.random() < NOTES_EACH:
            body = " ".join(self.some(self.vocabulary, self._dice.randint(5, 30)))
            chunk["notes"].append((number, number, 1, body, MOMENT, 1))


def _public_id(number: int) -> str:
    return f"{number * 2_654_435_761 % 10**8:08d}{number:012d}"


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


def questions(world: World, people: int) -> dict[str, list[str]]:
    """Return what is asked, by its kind: frequent and rare words, names, addresses, numbers, phrases, typing errors."""
    dice = random.Random(7)
    words, given, family = world.vocabulary, world.given, world.family

    def some(make: Callable[[], str]) -> list[str]:
        return [make() for _ in range(_EACH)]

    def broken(word: str) -> str:
        at = dice.randrange(1, len(word) - 1)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    def number() -> int:
        return dice.randrange(1, people + 1)

    return {
        "the most frequent words": words[:_EACH],
        "frequent words": some(lambda: dice.choice(words[20:400])),
        "rare words": some(lambda: dice.choice(words[8_000:])),
        "no word": some(lambda: f"qx{dice.choice(words[500:])}zq"),
        "two letters": some(lambda: dice.choice("abdeimpst") + dice.choice("aeiou")),
        "the beginning of a word": some(lambda: dice.choice(words[100:9_000])[:4]),
        "a frequent first name": given[:_EACH],
        "a first and a family name": some(lambda: f"{dice.choice(given[:200])} {dice.choice(family[:4_000])}"),
        "a family name, mistyped": some(lambda: broken(dice.choice(family[:9_000]))),
        "a word, mistyped": some(lambda: broken(dice.choice([word for word in words[8:4_000] if len(word) > 5]))),
        "two frequent words": some(lambda: " ".join(dice.sample(words[:60], 2))),
        "three words": some(lambda: " ".join(dice.sample(words[:3_000], 3))),
        "a name and a word": some(lambda: f"{dice.choice(given[:100])} {dice.choice(words[:500])}"),
        "a phrase": some(lambda: f'"{" ".join(dice.choices(words[:400], k=2))}"'),
        "a phrase of the most frequent words": some(lambda: f'"{" ".join(dice.choices(words[:12], k=3))}"'),
        "the beginning of an address": some(lambda: f"{dice.choice(given)}.{dice.choice(family[:3_000])}@"),
        "a domain": [f"@{domain}" for domain in DOMAINS],
        "a phone number": some(lambda: f"({(one := number()) % 800 + 200}) {5_000_000 + one % 4_000_000}"),
        "the end of a phone number": some(lambda: f"{5_000_000 + number() % 4_000_000}"),
        "a reference": some(lambda: _public_id(number() * 2)[:8]),
    }


_EACH = 20


def search_times(db: Database, people: int) -> dict[str, list[float]]:
    """Return the seconds of each search, by what is asked: the first page, with its passages."""
    asked = questions(World(), people)
    taken: dict[str, list[float]] = {kind: [] for kind in asked}
    for kind, texts in asked.items():
        for typed in texts:
            began = time.perf_counter()
            with db.read() as session:
                find(session, typed)
            taken[kind].append(time.perf_counter() - began)
    return taken


def summed_up(figures: Sequence[float]) -> str:
    """Return the median and the slowest hundredth of some seconds, in milliseconds."""
    ordered = sorted(figures)
    last = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return f"median {statistics.median(ordered) * 1000:.0f} ms, p99 {last * 1000:.0f} ms of {len(ordered)}"


def filled_and_read(database_url: str, people: int) -> tuple[Database, float]:
    """Return a database with people, all in the index, and how many rows a second were read into it."""
    db = fill(database_url, people)
    began = time.perf_counter()
    read = settle(db, at_once=ALONE)
    rate = read / (time.perf_counter() - began)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    return db, rate


def searches(database_url: str, people: int) -> str:
    """Fill a database, and return how long all kinds of searches take in it."""
    db, _ = filled_and_read(database_url, people)
    with closing(db):
        return summed_up([one for figures in search_times(db, people).values() for one in figures])


def main(people: int) -> None:
    """Print the figures for each kind of question, on both databases."""
    with tempfile.TemporaryDirectory() as folder, PostgresServer(AS_IN_LIFE) as postgres:
        for url in (f"sqlite:///{folder}/search.db", postgres.create_database("search")):
            db, rate = filled_and_read(url, people)
            print(f"{db.engine.dialect.name}: {people:,} people, {rate:,.0f} rows a second read into the index")
            taken = search_times(db, people)
            for kind, figures in taken.items():
                print(f"{kind + ':':<42}{summed_up(figures)}")
            print(f"{'all:':<42}{summed_up([one for figures in taken.values() for one in figures])}", flush=True)
            db.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
