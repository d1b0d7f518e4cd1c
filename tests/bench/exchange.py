"""Contacts brought in and handed out, a hundred thousand at once.

`.venv/bin/python -m tests.bench.exchange` prints it for both databases, `… 1000000` for another number of contacts.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.bench.watch import AS_IN_LIFE
from tests.factories import an_account, make_settings
from tests.parts.postgres import PostgresServer
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database, upgrade
from tpminstitute.exchange import imports, work
from tpminstitute.exchange.choices import from_json
from tpminstitute.exchange.fields import EXPORTED
from tpminstitute.exchange.models import Import
from tpminstitute.exchange.selection import Selection, batches
from tpminstitute.exchange.writing import Format, write

PEOPLE = 100_000

HEADING = "First name,Last name,E-mail,Phone,Tags,Stage,Notes,First seen\n"
ROW = 'Ada{0},Lovelace,ada{0}@example.org,+1215430{1:04d},"news, a{2}",New,"Met at the fair, {0}",2024-03-01\n'


@dataclass(frozen=True)
class Took:
    """Seconds by the wall clock, and by the processor in this process."""

    wall: float
    here: float


def exchange_times(database_url: str, folder: Path, people: int = PEOPLE) -> dict[str, Took]:
    """Return how long each step takes with `people` contacts: dry run, run, an export in each format, revert."""
    settings = make_settings(folder, database_url=database_url)
    db = Database(database_url)
    upgrade(db)
    job_id, account_id = _brought(db, settings, people)
    took = {"dry run": _timed(lambda: work.finish(db, settings, job_id, _nobody))}
    _let(db, job_id, lambda session, job: imports.run(session, job, account_id))
    took["run"] = _timed(lambda: work.finish(db, settings, job_id, _nobody))
    for form in (Format.CSV, Format.JSON, Format.VCARD):
        took[f"export as {form}"] = _timed(partial(_export, db, form))
    _let(db, job_id, lambda session, job: imports.revert(session, job, account_id))
    took["revert"] = _timed(lambda: work.finish(db, settings, job_id, _nobody))
    db.close()
    return took


def _brought(db: Database, settings: Settings, people: int) -> tuple[int, int]:
    file = imports.folder_of(settings) / "bench.part"
    with file.open("w") as sheet:
        sheet.write(HEADING)
        sheet.writelines(ROW.format(n, n % 10_000, n % 7) for n in range(people))
    found = imports.look_at(file)
    with db.write() as session:
        account_id = an_account(session).id
        job = imports.begin(session, settings, file, "bench.csv", found, account_id)
        imports.choose(session, job, replace(from_json(job.choices), tag="bench"))
        return job.id, account_id


def _let(db: Database, job_id: int, step: Callable[..., None]) -> None:
    with db.write() as session:
        step(session, session.get_one(Import, job_id))


def _nobody(_job: Import) -> None:
    """Nobody looks on."""


def _export(db: Database, form: Format) -> None:
    for _ in write(form, batches(db, Selection(), EXPORTED), EXPORTED):
        pass


def _timed(act: Callable[[], None]) -> Took:
    wall, here = time.perf_counter(), time.process_time()
    act()
    return Took(time.perf_counter() - wall, time.process_time() - here)


def main(people: int) -> None:
    """Print one line a step, on both databases."""
    with tempfile.TemporaryDirectory() as name, PostgresServer(AS_IN_LIFE) as postgres:
        urls = {"SQLite": f"sqlite:///{name}/exchange.db", "PostgreSQL": postgres.create_database("exchange")}
        for database, url in urls.items():
            for step, took in exchange_times(url, Path(name) / database, people).items():
                print(f"{database}, {people:,} contacts, {step}: {took.wall:.1f} s ({took.here:.1f} s in this process)")
    print(f"The most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
