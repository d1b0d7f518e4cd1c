"""A million invented people with five million facts, and how long the desk's lists take among them, in the server.

`.venv/bin/python -m tests.bench.lists 1000000` prints it for each kind of list, on both databases. The time is that of
the whole view, from the request to the page, by Flask's test client; nothing crosses a network. Beside it stands the
processor time of this process and of PostgreSQL's, which says more where others use the machine. With a DATABASE_URL
instead of the number it measures one that was filled before.
"""

import logging
import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import structlog
from flask.testing import FlaskClient

from app import create_app
from tests.factories import an_account, make_settings
from tests.parts.postgres import PostgresServer
from tpminstitute.accounts.service import save_session
from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Database, upgrade
from tpminstitute.simulation.demo import Demo, fill

ROUNDS = 20

ADDRESSES = {
    "everybody": "view=all",
    "everybody, by name": "order=name",
    "one stage": "stage=2",
    "nobody looks after them": "owner=nobody",
    "three topics, oldest first": "topic=cal&topic=spc&topic=csm&order=oldest",
    "a frequent tag": "tag=newsletter",
    "a rare tag": "tag=press",
    "a tag that nobody has": "tag=nobody+has+it",
    "three tags": "tag=newsletter&tag=webinar+spring&tag=veteran",
    "a frequent tag and a rare owner": "tag=newsletter&owner=2&stage=4&source=mail",
    "in a sequence now": "running=1",
    "ever in a sequence": "began=2&order=name",
    "never in a sequence": "never_began=1&consent=granted",
    "not touched for 90 days": "quiet=90&turn=institute",
    "first seen in a week": "seen_from=2025-03-03&seen_until=2025-03-09&order=name",
    "four filters, few are meant": "stage=3&owner=2&topic=cal&consent=withdrawn",
    "five filters, nobody is meant": "stage=3&owner=2&topic=cal&source=import&consent=granted",
    "an owner who has nobody": "owner=999999",
    "imported and agreed (nobody is both)": "source=import&consent=granted&tag=newsletter",
    "set apart": "apart=yes",
}

PAGES = ("", "inbox?show=us", "inbox?show=them", "inbox?show=all", "inbox?show=suspected", "bulk")
"""Other pages of the desk with lists in them, below /staff."""


def main() -> None:
    """Fill both databases, or take the one that is named, and print one line a list."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if not sys.argv[1].isdigit():
        with tempfile.TemporaryDirectory() as name:
            measure(sys.argv[1], Path(name))
        return
    people = int(sys.argv[1])
    as_in_life = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
    with tempfile.TemporaryDirectory() as name, PostgresServer(as_in_life) as postgres:
        for kind, url in (("SQLite", f"sqlite:///{name}/lists.db"), ("PostgreSQL", postgres.create_database("lists"))):
            print(f"{kind}: {people:,} people, filled in {_filled(url, Path(name), people):.0f} s", flush=True)
            measure(url, Path(name))


def measure(url: str, folder: Path) -> None:
    """Print what each list takes on a database that is filled."""
    client = _signed_in(url, folder)
    every: list[float] = []
    for what, address in ADDRESSES.items():
        every += _told(what, client, f"/staff/contacts?{address}")
    deep = client.get("/staff/contacts?view=all&order=name&after=1-m").text
    assert "Further down" in deep
    every += _told("a page in the middle", client, "/staff/contacts?view=all&order=name&after=1-m")
    print(_line("all lists of contacts together", every))
    for page in PAGES:
        _told(f"/staff/{page}", client, f"/staff/{page}")


def _filled(url: str, folder: Path, people: int) -> float:
    began = time.perf_counter()
    with closing(Database(url)) as db:
        upgrade(db)
        fill(db, make_settings(folder), Demo(people, 1), lambda _: None)
    return time.perf_counter() - began


def _signed_in(url: str, folder: Path) -> FlaskClient:
    app = create_app(make_settings(folder, database_url=url))
    secret = tokens.secret()
    with closing(Database(url)) as db, db.write() as session:
        account = an_account(session, f"Alice {secret[:8]}")
        data = {"_user_id": account.fs_uniquifier, "_fresh": True, "csrf_token": "x"}
        until = clock.now() + timedelta(days=1)
        save_session(session, secret, data, owner=account.fs_uniquifier, until=until)
    client = app.test_client()
    client.set_cookie("tpm_staff", secret, path="/staff")
    return client


def _told(what: str, client: FlaskClient, address: str) -> list[float]:
    client.get(address)
    took, used = [], _processor()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(address)
        took.append(time.perf_counter() - began)
        assert answer.status_code in (200, 302), f"{address}: {answer.status}"
    each = (_processor() - used) / ROUNDS * 1000
    print(f"{_line(what, took)}; processor {each:5.1f} ms", flush=True)
    return took


def _line(what: str, took: list[float]) -> str:
    median, slow = statistics.median(took) * 1000, statistics.quantiles(took, n=100, method="inclusive")[98] * 1000
    return f"  {what:<40} median {median:6.1f} ms, p99 {slow:6.1f} ms of {len(took)}"


def _processor() -> float:
    """Return the seconds of a processor that this process and all PostgreSQL servers' sessions for it have used."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
            line = (stat.parent / "cmdline").read_text()
        except OSError:
            continue
        if "(postgres" in name and line.startswith("postgres: tpm lists"):
            fields = rest.split()
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
