"""The whole service, taken apart into processes, on one database, one broker and one mail server of a scenario."""

import os
import shutil
import sqlite3
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.faults.postbox import Postbox
from tests.faults.processes import Process, Supervisor
from tests.parts.lint import POSTAL_ADDRESS
from tests.parts.ports import free_port
from tests.parts.postgres import PostgresServer
from tests.parts.redis import RedisServer
from tpminstitute.core import clock
from tpminstitute.core.config import load_settings
from tpminstitute.core.db import Database, upgrade
from tpminstitute.core.jobs import Job
from tpminstitute.mail.models import Message, MessageStatus
from tpminstitute.sequences.models import Enrollment, EnrollmentStatus
from workers.celery_app import create_celery, publish

LEASE_SECONDS = 5
SWEEP_SECONDS = 1
DURABLE = {"fsync": "on", "synchronous_commit": "on"}
"""A server that is killed must know afterwards what it had promised; the other tests' server need not."""

TEMPLATE = "migrated"
_one_migration = threading.Lock()

UNDER_WAY = (MessageStatus.QUEUED, MessageStatus.CLAIMED, MessageStatus.SENDING)


@dataclass
class Ground:
    """What the scenarios of one run share: migrated databases to copy, and a PostgreSQL to copy them in."""

    folder: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    _postgres: PostgresServer | None = None

    def prepare(self, databases: Sequence[str]) -> None:
        """Make what several scenarios would otherwise make at the same moment."""
        if "sqlite" in databases:
            self.sqlite_copy(self.folder / "first" / "copy.db")
        if "postgresql" in databases:
            self.postgres()

    def sqlite_copy(self, path: Path) -> str:
        """Put a migrated database at `path`. Returns: its DATABASE_URL."""
        template = self.folder / "template.db"
        if not template.exists():
            _migrate(f"sqlite:///{template}")
            with sqlite3.connect(template) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template, path)
        return f"sqlite:///{path}"

    def postgres(self) -> PostgresServer:
        """The PostgreSQL that scenarios share when they do it no harm."""
        if self._postgres is None:
            self._postgres = self._stack.enter_context(PostgresServer(DURABLE))
            _migrate(self._postgres.create_database(TEMPLATE))
        return self._postgres

    def close(self) -> None:
        """End what was started."""
        self._stack.close()


def _migrate(url: str) -> None:
    database = Database(url)
    with _one_migration:  # Alembic keeps what it works on in globals
        upgrade(database)
    database.close()


class House:
    """One scenario's service, with everything that it stands on and that can be broken."""

    def __init__(self, ground: Ground, database: str, broker: str, *, lease_seconds: int = LEASE_SECONDS) -> None:
        """Parameters: `database`, `sqlite` or `postgresql`; `broker`, `redis` or `built-in`."""
        self.ground, self.database, self.broker = ground, database, broker
        self.folder = Path(tempfile.mkdtemp(prefix="tpm-fault-"))
        self.data_dir = self.folder / "var"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lease_seconds = lease_seconds
        self.postbox = Postbox()
        self.supervisor = Supervisor()
        self.environment: dict[str, str] = {}
        self.once: dict[str, dict[str, str]] = {}  # process → what stands in its environment at its first start only
        self.own_postgres = False
        self.tablespace = ""
        self.postgres: PostgresServer | None = None
        self.redis: RedisServer | None = None
        self.db: Database
        self._stack = ExitStack()
        self._celery: Any = None
        self._made_due: set[int] = set()

    def open(self) -> None:
        """Start everything and wait until the service answers."""
        self._stack.enter_context(self.postbox)
        settings = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "BIND": f"127.0.0.1:{self.port}",
            "PUBLIC_URL": self.url,
            "DATA_DIR": str(self.data_dir),
            "POSTAL_ADDRESS": POSTAL_ADDRESS,
            "SECRET_KEY": uuid.uuid4().hex * 2,
            "SMTP_URL": self.postbox.url,
            "SCREENING": "off",
            "LEASE_SECONDS": str(self.lease_seconds),
            "SWEEP_SECONDS": str(SWEEP_SECONDS),
            "DATABASE_URL": self._open_database(),
        }
        if self.broker == "redis":
            self.redis = self._stack.enter_context(RedisServer())
            settings["REDIS_URL"] = self.redis.url
        self.environment = {**settings, **self.environment}
        self.db = Database(self.environment["DATABASE_URL"])
        self._stack.callback(self.db.close)
        self.add("web")
        self.add("worker")
        self.add("scheduler")
        self.wait_until_ready()

    def _open_database(self) -> str:
        if self.database == "sqlite":
            return self.ground.sqlite_copy(self.data_dir / "tpminstitute.db")
        name = f"f_{uuid.uuid4().hex[:12]}"
        if not self.own_postgres:
            self.postgres = self.ground.postgres()
            self._stack.callback(self.postgres.drop_database, name)
            return self.postgres.create_database(name, TEMPLATE)
        self.postgres = self._stack.enter_context(PostgresServer(DURABLE))
        url = self.postgres.create_database(name)
        if self.tablespace:
            self.postgres.execute(f"CREATE TABLESPACE small LOCATION '{self.tablespace}'")
            self.postgres.execute(f"ALTER DATABASE {name} SET TABLESPACE small")
        _migrate(url)
        return url

    def add(self, command: str, name: str = "", **environment: str) -> Process:
        """Start one more `web`, `worker` or `scheduler`, by default under that name."""
        name = name or command
        once = self.once.get(name, {})
        values = {**self.environment, **environment}
        return self.supervisor.add(Process(name, command, values, self.folder, once))

    def at_the_end(self, undo: Callable[[], object]) -> None:
        """Do something once everything has ended."""
        self._stack.callback(undo)

    def process(self, name: str) -> Process:
        """One of the processes."""
        return self.supervisor.processes[name]

    def wait_until_ready(self, timeout: float = 40) -> None:
        """Wait until /readyz answers 200."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.05)
        raise AssertionError(f"the service was not ready in {timeout} s:\n{self.tail()}")

    def wait_for_death(self, name: str, timeout: float = 60) -> None:
        """Wait until a process has died once more than now."""
        deadline, process = time.monotonic() + timeout, self.process(name)
        while process.deaths == 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} did not die in {timeout} s: nothing ended it")
            time.sleep(0.02)

    def wait_until_sending(self, number: int, timeout: float = 2) -> None:
        """Wait until so many mails are being sent, for a moment at most."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self.db.read() as session:
                sending = session.scalar(select(func.count()).where(Message.status == MessageStatus.SENDING))
            if sending == number:
                return
            time.sleep(0.02)

    def hint(self, job: Job) -> None:
        """Wake a worker for `job`, as the scheduler's tick does."""
        if self._celery is None:
            settings = load_settings(
                data_dir=self.data_dir,
                redis_url=self.redis.url if self.redis else "",
                secret_key=self.environment["SECRET_KEY"],
            )
            self._celery = create_celery(settings)
        publish(self._celery, job)

    def make_follow_ups_due(self) -> None:
        """Let the first follow-up of every run be due now, once each: one that the service forgets stays forgotten."""
        with self.db.write() as session:
            runs = session.scalars(select(Enrollment.id).where(Enrollment.id.not_in(self._made_due))).all()
            session.execute(
                update(Enrollment).where(Enrollment.id.in_(runs)).values(next_due_at=clock.now(), version_id=1)
            )
        self._made_due.update(runs)

    def shift_mails(self, by: timedelta) -> None:
        """Shift the moments of all mails, as they would look to a clock that jumped the other way."""
        with self.db.write() as session:
            for mail in session.scalars(select(Message).with_for_update()):
                mail.due_at, mail.created_at = mail.due_at + by, mail.created_at + by
                mail.lease_until = mail.lease_until and mail.lease_until + by

    def wait_until_settled(self, timeout: float = 90, *, tick: bool = False) -> float | None:
        """Wait until no mail is under way or due. Returns: when that was, or None when it never was.

        What waits because a try failed is made due now: the pause of a minute and more between two tries is not
        waited for here. Parameters: `tick`, whether to wake the follow-ups meanwhile, as the scheduler does.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if tick:
                self.hint(Job.FOLLOW_UP)
            try:
                with self.db.write() as session:
                    self._cut_pauses(session)
                    left = _unsettled(session)
            except DBAPIError:
                left = 1
            if not left:
                return time.monotonic()
            time.sleep(0.15 if not tick else 1.0)
        return None

    def _cut_pauses(self, session: Session) -> None:
        session.execute(
            update(Message)
            .where(Message.status == MessageStatus.QUEUED, Message.due_at > clock.now())
            .values(due_at=clock.now() - timedelta(seconds=1))
        )

    def tail(self, lines: int = 15) -> str:
        """The last lines that each process printed."""
        told = []
        for log in sorted(self.folder.glob("*.log")):
            told += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(told)

    def close(self) -> None:
        """End everything."""
        self.supervisor.close()
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "House":
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unsettled(session: Session) -> int:
    mails = select(func.count()).where(Message.status.in_(UNDER_WAY))
    steps = select(func.count()).where(
        Enrollment.status == EnrollmentStatus.ACTIVE, Enrollment.next_due_at <= clock.now()
    )
    return (session.scalar(mails) or 0) + (session.scalar(steps) or 0)
