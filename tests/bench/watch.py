"""Look on while the desk answers: how long a page takes by the clock, and how much of a processor.

The time is that of the whole view, from the request to the page, by Flask's test client; nothing crosses a network. The
processor time is this process's and that of PostgreSQL's for the same database, which says more where others use the
machine.
"""

import os
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import make_url, select

from app import create_app, keep_for_good
from tests.factories import an_account, make_settings
from tpminstitute.accounts.models import Account
from tpminstitute.accounts.service import save_session
from tpminstitute.core import clock, tokens
from tpminstitute.core.db import Database

ROUNDS = 20

AS_IN_LIFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"} | {
    "shared_buffers": "128MB",
    "min_wal_size": "80MB",
    "max_wal_size": "1GB",
}
"""The tests' PostgreSQL need not survive a power cut; one whose speed is told has to. The sizes are its defaults."""


@dataclass(frozen=True)
class Desk:
    """The desk with somebody signed in, on one database, named as PostgreSQL's processes say it."""

    client: FlaskClient
    database: str

    def told(self, what: str, addresses: Sequence[str], rounds: int = ROUNDS) -> list[float]:
        """Open each address `rounds` times after once for nothing, and print what that took; returns the seconds."""
        for address in addresses:
            self._open(address)
        return self.told_at_first(what, [*addresses] * rounds)

    def told_at_first(self, what: str, addresses: Sequence[str]) -> list[float]:
        """Open each address once, unprepared, and print what that took; returns the seconds."""
        used = self._processor()
        took = [self._open(address) for address in addresses]
        each = (self._processor() - used) / len(took) * 1000
        print(f"{line(what, took)}; processor {each:5.1f} ms", flush=True)
        return took

    def _open(self, address: str) -> float:
        began = time.perf_counter()
        answer = self.client.get(address)
        took = time.perf_counter() - began
        assert answer.status_code in (200, 302), f"{address}: {answer.status}"
        return took

    def _processor(self) -> float:
        """Return the seconds of a processor that this process and PostgreSQL's for this database have used."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = stat.read_text().rpartition(")")
                command = (stat.parent / "cmdline").read_text()
            except OSError:
                continue
            if "(postgres" in name and command.startswith(f"postgres: tpm {self.database} "):
                spent = rest.split()
                ticks += int(spent[11]) + int(spent[12])
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


ADVISOR = "Bench"
"""Who opens the pages: the same each time, since a page's choices would grow with each run."""


def open_desk(url: str, folder: Path) -> Desk:
    """Return the desk on a database, with an advisor signed in, as the web server begins it."""
    app = create_app(make_settings(folder, database_url=url))
    secret = tokens.secret()
    with closing(Database(url)) as db, db.write() as session:
        before = session.scalar(select(Account).where(Account.name == ADVISOR))
        account = before or an_account(session, ADVISOR)
        data = {"_user_id": account.fs_uniquifier, "_fresh": True, "csrf_token": "x"}
        until = clock.now() + timedelta(days=1)
        save_session(session, secret, data, owner=account.fs_uniquifier, until=until)
    client = app.test_client()
    client.set_cookie("tpm_staff", secret, path="/staff")
    keep_for_good()
    return Desk(client, make_url(url).database or "")


def line(what: str, took: Sequence[float]) -> str:
    """Return a line of the median and the slowest hundredth of some seconds, in milliseconds."""
    slow = statistics.quantiles(took, n=100, method="inclusive")[98] * 1000 if len(took) > 1 else took[0] * 1000
    median = statistics.median(took) * 1000
    return f"  {what:<44} median {median:6.1f} ms, p99 {slow:6.1f} ms of {len(took)}"
