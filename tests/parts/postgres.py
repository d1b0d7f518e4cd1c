"""A private PostgreSQL cluster in a temporary folder, for as long as the tests run."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from tests.parts import guardian
from tests.parts.install import find_postgres
from tests.parts.ports import free_port

# The cluster is thrown away, so nothing has to survive a power cut.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "autovacuum": "off",
    "timezone": "UTC",
}


class PostgresServer:
    """A real PostgreSQL on its own port and socket; run as another user when the tests run as root."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        """Parameters: `settings` replace some of those of a cluster that is thrown away."""
        self.port = free_port()
        self._settings = {**SETTINGS, **(settings or {})}
        self._folder = Path(tempfile.mkdtemp(prefix="tpm-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user = _unprivileged_user()

    def start(self) -> "PostgresServer":
        """Make the cluster if there is none yet, start it, and wait until it answers (at most 30 s)."""
        programs = find_postgres()
        if programs is None:
            raise RuntimeError("the PostgreSQL server is not on this machine")
        data = self._folder / "data"
        if not data.exists():
            self._make_cluster(programs, data)
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(self.port), "-k", self._folder, *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._folder,
                **self._as_user,
            )
        guardian.watch(self._process.pid, signal.SIGQUIT, self._folder)
        self._wait_until_it_answers()
        return self

    def _make_cluster(self, programs: Path, data: Path) -> None:
        if self._as_user:
            os.chown(self._folder, self._as_user["user"], self._as_user["group"])
        options = ["-U", "tpm", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]
        done = subprocess.run(
            [programs / "initdb", "-D", data, *options],
            capture_output=True,
            text=True,
            cwd=self._folder,
            check=False,
            **self._as_user,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._admin().close()
                return
            except psycopg.OperationalError as error:
                dead = self._process is None or self._process.poll() is not None
                if dead or time.monotonic() > deadline:
                    log = (self._folder / "server.log").read_text(errors="replace")[-2000:]
                    self.close()
                    raise RuntimeError(f"PostgreSQL did not start: {log}") from error
            time.sleep(0.02)

    def _admin(self) -> psycopg.Connection[Any]:
        address = f"host=127.0.0.1 port={self.port} user=tpm dbname=postgres connect_timeout=5"
        return psycopg.connect(address, autocommit=True)

    def url(self, name: str) -> str:
        """The DATABASE_URL of the database `name`."""
        return f"postgresql://tpm@127.0.0.1:{self.port}/{name}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy of `template` (which nobody may be connected to).

        Returns: its DATABASE_URL.
        """
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        with self._admin() as connection:
            connection.execute(statement)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is still connected to it."""
        with self._admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: str) -> list[Any]:
        """Run one statement as the superuser, outside of any transaction. Returns: the rows it gave."""
        with self._admin() as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def crash(self) -> None:
        """Kill the postmaster and every backend (SIGKILL); `start` has to recover."""
        if self._process is None:
            return
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in [self._process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(timeout=5)
        guardian.forget(self._process.pid)
        self._process = None

    def stop(self) -> None:
        """Shut it down, ending every connection in order (fast shutdown); the data stays for `start`."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Take it away at once (immediate shutdown): clients see a broken connection."""
        self._end(signal.SIGQUIT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=5)
        guardian.forget(self._process.pid)
        self._process = None

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "PostgresServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unprivileged_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: the arguments that make subprocess step down."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL can't run as root and there is no user postgres or nobody")
