"""The desk with a million people and five million facts: how long each kind of page takes, in the server.

`.venv/bin/python -m tests.bench.desk` fills both databases and prints it, `… 100000` with so many people instead, and
with a DATABASE_URL it measures one that was filled before (`tpm demo --contacts 1000000`), to which it adds a contact
with a long history and a day on which very much is due.
"""

import logging
import random
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote_plus

import structlog
from sqlalchemy import func, select

from tests.bench.busy import LONGEST, make_busy
from tests.bench.lists import lists
from tests.bench.watch import AS_IN_LIFE, Desk, line, open_desk
from tests.factories import make_settings
from tests.parts.postgres import PostgresServer
from tpminstitute.contacts.models import Contact
from tpminstitute.core.db import Database, upgrade
from tpminstitute.lists.search_upkeep import rebuild
from tpminstitute.simulation.demo import Demo, fill, look_anew
from tpminstitute.simulation.demo_words import FIRST_NAMES, LAST_NAMES
from tpminstitute.timeline.models import Activity

PEOPLE = 1_000_000

QUIET = 100
"""Contacts whose page is opened, each for the first time."""

TODAY = {
    "today": "",
    "today, mine": "?whose=mine",
    "today, nobody's": "?whose=nobodys",
    "today, only reminders": "?only=reminders",
    "today, only people who wait": "?only=people",
    "today, only drafts": "?only=drafts",
    "today, only mails to look at": "?only=look",
    "today, only mails that failed": "?only=mails",
    "today, the list that an open page asks for": "today/list",
}

OTHERS = (
    *(f"inbox?show={show}" for show in ("us", "them", "done", "look", "other", "suspected", "spam", "all")),
    "pipeline",
    "pipeline?owner=2",
    "pipeline?owner=nobody&topic=cal",
    "pipeline?stage=2",
    "reminders",
    "reminders?show=all",
    "drafts",
    "mail",
    "duplicates",
    "duplicates?show=merged",
    "bulk",
    "imports",
    "sequences",
    "sequences/1",
    "sequences/1/people",
)

REPORTS = ("inquiries", "answers", "leads", "follow-ups", "people")

TYPED = {
    "a first name": FIRST_NAMES[:10],
    "a first and a family name": tuple(map(" ".join, zip(FIRST_NAMES[:10], LAST_NAMES[:10], strict=True))),
    "a family name, mistyped": tuple(name[:2] + name[3] + name[2] + name[4:] for name in LAST_NAMES if len(name) > 4)[
        :10
    ],
    "the beginning of an address": tuple(f"{name.lower()}." for name in FIRST_NAMES[:10]),
    "a whole address": ("longest.history@example.org",),
    "the most frequent words": ("the", "to", "and", "a", "program"),
    "two words": ("course evenings", "career change", "project manager"),
    "a phrase": ('"project manager"', '"in the evening"', '"how do I"'),
    "a phone number": ("+1 215 555 0142", "5550142"),
    "nothing that is there": ("qxzvwq", "zzzqqq vvxx"),
}
"""What is searched for; `tests.bench.searching` asks much more of the search itself, in texts of many words."""


def main() -> None:
    """Fill both databases, or take the one that is named, and print a line for each kind of page."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asked = sys.argv[1] if len(sys.argv) > 1 else str(PEOPLE)
    if asked.isdigit():
        on_both(int(asked))
    else:
        on_filled(asked)


def on_filled(url: str) -> None:
    """Print what a database takes that holds invented people."""
    with tempfile.TemporaryDirectory() as name:
        measure(url, Path(name))


def on_both(people: int) -> None:
    """Fill both databases with so many people, and print what they take."""
    with tempfile.TemporaryDirectory() as name, PostgresServer(AS_IN_LIFE) as postgres:
        for kind, url in (("SQLite", f"sqlite:///{name}/desk.db"), ("PostgreSQL", postgres.create_database("desk"))):
            print(f"{kind}: {people:,} people, filled in {_filled(url, Path(name), people):.0f} s", flush=True)
            measure(url, Path(name))


def measure(url: str, folder: Path) -> None:
    """Print what each kind of page takes on a database that is filled."""
    make_busy(url)
    print(_held(url), flush=True)
    desk = open_desk(url, folder)
    contact_pages(desk, url)
    for what, address in TODAY.items():
        desk.told(what, [f"/staff/{address}"])
    lists(desk)
    searches(desk)
    every: list[float] = []
    for page in OTHERS:
        every += desk.told(page, [f"/staff/{page}"])
    print(line("inbox and other lists together", every), flush=True)
    for report in REPORTS:
        desk.told(f"report on {report}, twelve weeks", [f"/staff/reports/{report}"], rounds=3)
        span = "from=2024-01-01&until=2026-12-31&by=month"
        desk.told(f"report on {report}, three years", [f"/staff/reports/{report}?{span}"], rounds=1)


def contact_pages(desk: Desk, url: str) -> None:
    """Print what the page of a contact takes: of many who wrote a little, and of one who wrote for years."""
    with closing(Database(url)) as db, db.read() as session:
        most = session.scalar(select(func.max(Contact.id))) or 0
        dice = random.Random(5)
        some = [dice.randrange(1, most) for _ in range(QUIET)]
        quiet = session.scalars(select(Contact.public_id).where(Contact.id.in_(some))).all()
        longest = session.scalars(select(Contact.public_id).where(Contact.email_key == LONGEST)).one()
    pages = [f"/staff/contacts/{public_id}" for public_id in quiet]
    desk.told("a contact", pages[:1])
    desk.told_at_first("contacts, each seen for the first time", pages[1:])
    desk.told_at_first("contacts, seen within the hour", pages[1:])
    long = f"/staff/contacts/{longest}"
    desk.told("a contact with thousands of entries", [long])
    for only in ("conversation", "notes", "follow-ups", "facts"):
        desk.told(f"the same, only {only}", [f"{long}?only={only}"])
    desk.told("the same, fifty pages further down", [_deep(desk, long, 50)])


def searches(desk: Desk) -> None:
    """Print what the page of the search takes, and all of them together."""
    every: list[float] = []
    for what, texts in TYPED.items():
        every += desk.told(f"search: {what}", [f"/staff/search?q={quote_plus(text)}" for text in texts], rounds=5)
    print(line("all searches together", every), flush=True)
    narrowed = [f"/staff/contacts?q={quote_plus(text)}&stage=2" for text in TYPED["a first name"]]
    desk.told("a list, narrowed by a search", narrowed, rounds=3)


def _deep(desk: Desk, address: str, pages: int) -> str:
    """Return the address of a page of the story so many pages further down."""
    for _ in range(pages):
        older = desk.client.get(address).text.partition("earlier=")[2].partition('"')[0]
        assert older, f"{address} is the last page"
        address = f"{address.partition('?')[0]}?earlier={older}"
    return address


def _held(url: str) -> str:
    with closing(Database(url)) as db, db.read() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in (Contact, Activity)]
        return "  {:,} contacts, {:,} activities".format(*counts)


def _filled(url: str, folder: Path, people: int) -> float:
    began = time.perf_counter()
    with closing(Database(url)) as db:
        upgrade(db)
        fill(db, make_settings(folder), Demo(people, 1), lambda _: None)
        rebuild(db)
        look_anew(db)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
