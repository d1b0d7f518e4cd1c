"""`make faults`: play every scenario on both databases, print progress, then a table in Markdown.

Ends with 1 when anything was lost, doubled outside the gap, or never settled.
"""

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.broker_faults import broker_faults
from tests.faults.database_faults import database_faults
from tests.faults.fail_points import fail_points
from tests.faults.house import Ground
from tests.faults.mail_faults import mail_faults
from tests.faults.process_faults import process_faults
from tests.faults.scenario import Row, Scenario, play
from tests.faults.soak import soak
from tests.parts import guardian
from tests.parts.install import find_postgres
from tpminstitute.core.config import Settings
from tpminstitute.core.db import sqlite_driver

DATABASES = ("sqlite", "postgresql")
HEAD = (
    "scenario",
    "database, broker",
    "thank-yous",
    "inquiries",
    "mails due",
    "accepted",
    "uncertain",
    "failed",
    "lost",
    "doubled",
    "outside the gap",
    "recovery",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was chosen. Returns the exit status."""
    chosen = _options().parse_args(arguments)
    for name in Settings.model_fields:  # a setting of the developer's shell must not change what is measured
        os.environ.pop(name.upper(), None)
    databases = [chosen.database] if chosen.database else list(DATABASES)
    if "postgresql" in databases and find_postgres() is None:
        print("PostgreSQL is not on this machine: only SQLite is played.", file=sys.stderr)
        databases.remove("postgresql")
    guardian.forget(0)  # started now, before threads do it twice
    with tempfile.TemporaryDirectory(prefix="tpm-faults-") as name:
        ground = Ground(Path(name))
        try:
            ground.prepare(databases)
            rows = _soak(ground, databases, chosen.soak) if chosen.soak else _matrix(ground, databases, chosen)
        finally:
            ground.close()
    _report(rows)
    return 0 if rows and all(row.good for row in rows) else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--only", default="", help="a group (failpoints, redis, smtp, database, worker, scheduler) "
                        "or a part of a scenario's name; several with commas")  # fmt: skip
    parser.add_argument("--database", choices=DATABASES, help="one of the two; both by default")
    parser.add_argument("--jobs", type=int, default=2, help="scenarios at the same time (2)")
    parser.add_argument("--really-slow", action="store_true", help="let the slow mail server take its real 90 s")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="kill at random for so long instead")
    return parser


def every_scenario(*, really_slow: bool = False) -> list[Scenario]:
    """Return the whole matrix."""
    return [
        *fail_points(),
        *broker_faults(),
        *mail_faults(really_slow=really_slow),
        *database_faults(),
        *process_faults(),
    ]


def _matrix(ground: Ground, databases: Sequence[str], chosen: argparse.Namespace) -> list[Row]:
    wanted = chosen.only.lower().split(",")
    pairs = [
        (scenario, database)
        for scenario in every_scenario(really_slow=chosen.really_slow)
        for database in databases
        if database in scenario.databases
        and any(word == scenario.group or word in scenario.name.lower() for word in wanted)
    ]
    done, lock = 0, threading.Lock()

    def one(pair: tuple[Scenario, str]) -> Row:
        nonlocal done
        begun = time.monotonic()
        row = play(*pair, ground)
        with lock:
            done += 1
            print(f"[{done}/{len(pairs)}] {_progress(row)} ({time.monotonic() - begun:.0f} s)", flush=True)
        return row

    with ThreadPoolExecutor(chosen.jobs) as pool:
        return list(pool.map(one, pairs))


def _soak(ground: Ground, databases: Sequence[str], minutes: float) -> list[Row]:
    return [soak(ground, database, minutes) for database in databases]


def _progress(row: Row) -> str:
    if row.skipped:
        return f"skipped  {row.scenario.name}, {row.database}: {row.skipped}"
    word = "good    " if row.good else "WRONG   "
    lines = [f"{word} {row.scenario.name}, {row.database}"]
    lines += [f"         {sentence}" for sentence in row.count.wrong[:8]]
    return "\n".join(lines + ([row.log] if row.log else []))


def _report(rows: Iterable[Row]) -> None:
    rows = list(rows)
    print(f'\nMade on {time.strftime("%Y-%m-%d")} by `make faults ARGS="{shlex.join(sys.argv[1:])}"` {_machine()}\n')
    print(f"| {' | '.join(HEAD)} |")
    print("|---|---|" + "---:|" * (len(HEAD) - 2))
    for row in rows:
        print(_line(row))
    skipped = [row for row in rows if row.skipped]
    wrong = [row for row in rows if not row.good]
    played = len(rows) - len(skipped)
    print(f"\n{played} played, {len(skipped)} skipped, {len(wrong)} wrong.")


def _line(row: Row) -> str:
    where = f"{row.database}, {row.broker}"
    if row.skipped:
        return f"| {row.scenario.name} | {where} | {row.skipped} |"
    c = row.count
    figures = [c.thanks, c.inquiries, c.due, c.accepted, c.uncertain, c.failed, c.lost, c.doubled, c.doubled_outside]
    recovery = "never" if row.recovery is None else f"{row.recovery:.1f} s"
    remark = "" if row.good else " **(wrong)**"
    return f"| {row.scenario.name}{remark} | {where} | {' | '.join(map(str, figures))} | {recovery} |"


def _machine() -> str:
    postgres = find_postgres()
    version = subprocess.run([postgres / "postgres", "--version"], capture_output=True, text=True, check=False).stdout \
        if postgres else ""  # fmt: skip
    number = re.search(r"[\d.]+", version)
    parts = [
        f"on {os.cpu_count()} cores",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite_driver().sqlite_version}",
        *([f"PostgreSQL {number.group(0)}"] if number else []),
    ]
    return ", ".join(parts) + "."


if __name__ == "__main__":
    sys.exit(main())
