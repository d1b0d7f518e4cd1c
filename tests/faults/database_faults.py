"""The database is locked, dies, loses a backend in COMMIT, and has no room left."""

import contextlib
import os
import pwd
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg

from tests.faults.house import House
from tests.faults.scenario import WARM_UP, Missing, Scenario
from tests.faults.visitors import Visitors

LOCKED = 10.0
AWAY = 3.0
FULL = 6.0
BLOCK = b"\0" * 4096


def database_faults() -> list[Scenario]:
    """Return the scenarios."""
    return [
        _scenario(f"locked for {LOCKED:.0f} s", _locked),
        _alone(_scenario(f"killed (SIGKILL), back after {AWAY:.0f} s", _crashed)),
        _alone(_scenario("loses every backend that is in COMMIT, for 5 s", _killed_in_commit)),
        replace(_scenario(f"disk full for {FULL:.0f} s", _full), prepare=_small_disk),
    ]


def _scenario(name: str, happens: Callable[[House], None]) -> Scenario:
    def fault(house: House, visitors: Visitors) -> None:
        visitors.wait_for_thanks(WARM_UP)
        happens(house)

    return Scenario("database", f"database {name}", fault, uncertain=True, quits_unsettled=True)


def _alone(scenario: Scenario) -> Scenario:
    """Play it on a PostgreSQL of its own; SQLite has no server that could be hurt so."""

    def prepare(house: House) -> None:
        house.own_postgres = True

    return replace(scenario, prepare=prepare, databases=("postgresql",))


def _locked(house: House) -> None:
    if house.database == "sqlite":
        other = sqlite3.connect(house.data_dir / "tpminstitute.db", timeout=15, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCKED)
        other.execute("ROLLBACK")
        other.close()
        return
    with psycopg.connect(house.environment["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE inquiries, messages IN ACCESS EXCLUSIVE MODE")  # in the order that intake has
        time.sleep(LOCKED)
        connection.rollback()


def _crashed(house: House) -> None:
    assert house.postgres is not None
    house.postgres.crash()
    time.sleep(AWAY)
    house.postgres.start()


def _killed_in_commit(house: House) -> None:
    """A commit waits for a standby that doesn't exist: it is done here and not yet said, and then its backend dies."""
    server, killed = house.postgres, 0
    assert server is not None
    server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.execute("SELECT pg_reload_conf()")
    over = time.monotonic() + 5
    while time.monotonic() < over:
        killed += len(
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        )
        time.sleep(0.1)
    server.execute("ALTER SYSTEM RESET synchronous_standby_names")
    server.execute("SELECT pg_reload_conf()")
    assert killed, "no backend was in COMMIT"


def _small_disk(house: House) -> None:
    """Put the database on a small disk of its own: DATA_DIR for SQLite, a tablespace for PostgreSQL."""
    if os.geteuid() != 0:
        raise Missing("only root can mount a small disk")
    disk = house.data_dir if house.database == "sqlite" else house.folder / "disk"
    disk.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        raise Missing(f"a small disk can't be mounted here: {done.stderr.decode(errors='replace').strip()}")
    house.at_the_end(lambda: subprocess.run(["umount", "-l", disk], check=False))
    if house.database == "postgresql":
        house.own_postgres, house.tablespace = True, str(disk / "space")
        (disk / "space").mkdir()
        house.folder.chmod(0o755)
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam("postgres")
            os.chown(disk / "space", entry.pw_uid, entry.pw_gid)


def _full(house: House) -> None:
    disk = house.data_dir if house.database == "sqlite" else house.folder / "disk"
    filler = disk / "filler"
    over = time.monotonic() + FULL
    while time.monotonic() < over:
        _fill(filler)
        time.sleep(0.05)
    filler.unlink()


def _fill(filler: Path) -> None:
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(BLOCK):
            pass
