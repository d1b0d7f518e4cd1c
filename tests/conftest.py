"""What every test may ask for: both databases, real servers, a browser, the running service.

Each pytest process (each xdist worker) starts its own servers at first use and stops them at its end.
"""

import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from playwright.sync_api import Page

from tests.factories import open_at_all_hours
from tests.parts import garbage
from tests.parts.browser import Complaints, SystemBrowser
from tests.parts.dialects import share_dialects
from tests.parts.dovecot import DovecotServer, TestMailbox
from tests.parts.install import find_chromium, find_dovecot, find_openssl, find_postgres, find_redis
from tests.parts.postgres import PostgresServer
from tests.parts.readers import refuse_readers_to_write
from tests.parts.redis import RedisServer
from tests.parts.reused import ReusedDatabase
from tests.parts.reused_file import ReusedFile
from tests.parts.routes import remember_routes
from tests.parts.service import RunningService
from tests.parts.smtp import MailServer
from tpminstitute.core.config import Settings
from tpminstitute.core.db import Database, upgrade

TEMPLATE = "tpm_template"
MEMORY = Path("/dev/shm")
"""Linux keeps these files in memory."""
ROOM = 2 * 1024**3
"""Bytes; a container has 64 MiB there if nobody says otherwise, which is too little for the tests."""
WAITING = ("tests/journeys/", "tests/faults/", "tests/doors/test_mailbox.py")
"""Tests that wait for browsers and servers for three quarters of their time."""

_real_connect = socket.socket.connect
_real_connect_ex = socket.socket.connect_ex
_real_getaddrinfo = socket.getaddrinfo
_went_out: list[str] = []

# A machine that is busy with other tests is slow at times; that says nothing about the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

# Plain tracebacks, as the service writes them: a fancy one takes fifteen seconds where Rich is installed.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
share_dialects()
refuse_readers_to_write()
remember_routes()

# A setting of the developer's shell must not change what the tests see.
for _name in Settings.model_fields:
    os.environ.pop(_name.upper(), None)


def pytest_configure() -> None:
    """Let the folders of the tests and of their servers lie in memory where there is room.

    SQLite waits for the disk at each commit, 3 ms here; PostgreSQL needs five times the processor time to migrate.
    """
    if os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
        tempfile.tempdir = os.environ["TMPDIR"] = str(MEMORY)


def pytest_xdist_auto_num_workers() -> int:
    """Let `-n auto` be one process more than there are processors: somebody always waits, for a browser or a mail."""
    return processors() + 1


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits most, in the process that gets the first tests: the others have work meanwhile."""
    items.sort(key=lambda item: not item.nodeid.startswith(WAITING))


def pytest_collection_finish() -> None:
    """Every test is known: what is there now stays."""
    garbage.begin()


def pytest_runtest_logfinish() -> None:
    """A test has ended."""
    garbage.count_a_test()


# --- nothing leaves this machine ---------------------------------------------------------------------------


def _is_home(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a unix socket
    host = str(address[0])
    return host in ("localhost", "::1", "") or host.startswith("127.")


def _refuse(address: Any) -> None:
    _went_out.append(str(address))
    raise AssertionError(f"a test tried to reach {address}; tests talk to this machine only")


def _connect(self: socket.socket, address: Any) -> None:
    if not _is_home(address):
        _refuse(address)
    _real_connect(self, address)


def _connect_ex(self: socket.socket, address: Any) -> int:
    if not _is_home(address):
        _refuse(address)
    return _real_connect_ex(self, address)


def _getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and not _is_home((name,)) and name not in ("::", "0.0.0.0", socket.gethostname()):
        _refuse(name)
    return _real_getaddrinfo(host, *rest, **more)


@pytest.fixture(scope="session", autouse=True)
def _closed_doors() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _connect)
    patch.setattr(socket.socket, "connect_ex", _connect_ex)
    patch.setattr(socket, "getaddrinfo", _getaddrinfo)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def went_out() -> Iterator[list[str]]:
    """The addresses outside that this test was refused; any left at its end fails it."""
    _went_out.clear()
    yield _went_out
    assert not _went_out, f"this test tried to reach {_went_out}; tests talk to this machine only"


# --- parts -------------------------------------------------------------------------------------------------


def need(part: Path | None, name: str) -> None:
    """Skip the test when a part is not on this machine; with CI=true fail it."""
    if part is not None:
        return
    reason = f"{name} is not on this machine (python -m tests.parts.install tells more)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL, one for each pytest process."""
    need(find_postgres(), "the PostgreSQL server")
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    need(find_redis(), "redis-server")
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(_redis: RedisServer) -> Iterator[RedisServer]:
    """A private, empty Redis. A test may freeze, stop or kill it; the next one finds it up again."""
    if not _redis.running:
        _redis.start()
    _redis.flush()
    yield _redis
    _redis.thaw()


@pytest.fixture(scope="session")
def _mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def mail_server(_mail: MailServer) -> Iterator[MailServer]:
    """A private SMTP server with an empty ledger and an empty script; each mail it accepts is linted."""
    _mail.start().clear()
    yield _mail
    try:
        _mail.check()
    finally:
        _mail.clear()


@pytest.fixture(scope="session")
def _imap() -> Iterator[DovecotServer]:
    need(find_dovecot(), "Dovecot")
    need(find_openssl(), "openssl")
    with DovecotServer() as server:
        yield server


@pytest.fixture
def imap_server(_imap: DovecotServer) -> Iterator[DovecotServer]:
    """A private Dovecot that offers IDLE. A test may freeze, stop or kill it; the next one finds it up again."""
    if not _imap.running:
        _imap.start()
    yield _imap
    _imap.thaw()


@pytest.fixture
def imap_mailbox(imap_server: DovecotServer) -> TestMailbox:
    """A new, empty mailbox on `imap_server`."""
    return imap_server.mailbox()


# --- databases ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:  # everything into the one file that is copied
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def _postgres_database(postgres_server: PostgresServer) -> Iterator[ReusedDatabase]:
    _migrate(postgres_server.create_database(TEMPLATE))
    database = ReusedDatabase(postgres_server, TEMPLATE)
    yield database
    database.close()


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    open_at_all_hours(database)
    database.close()


@pytest.fixture(scope="session")
def _sqlite_file(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReusedFile]:
    file = ReusedFile(_sqlite_template, tmp_path_factory.mktemp("reused"))
    yield file
    file.close()


@pytest.fixture
def sqlite_url(_sqlite_file: ReusedFile) -> Iterator[str]:
    """The DATABASE_URL of a migrated SQLite database that is as good as fresh; its file isn't to be opened as a file.

    Whoever closes a file takes away the locks that SQLite has on it: https://sqlite.org/howtocorrupt.html, 2.2.
    """
    yield _sqlite_file.url
    _sqlite_file.restore()


@pytest.fixture
def sqlite_file(_sqlite_template: Path, tmp_path: Path) -> Path:
    """A fresh, migrated SQLite database in a file of its own, for what copies or replaces it."""
    return Path(shutil.copyfile(_sqlite_template, tmp_path / "test.db"))


@pytest.fixture
def postgres_url(_postgres_database: ReusedDatabase) -> Iterator[str]:
    """The DATABASE_URL of a migrated PostgreSQL database that is as good as fresh."""
    yield _postgres_database.url
    _postgres_database.restore()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The DATABASE_URL of a fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test that says nothing about the database: what a page shows, what is refused before anything is stored."""

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""For a test of what only PostgreSQL could do in another way."""


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A `Database` on `database_url`."""
    database = Database(database_url)
    yield database
    database.close()


# --- browser and service -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _browser() -> Iterator[SystemBrowser]:
    need(find_chromium(), "Chromium")
    with SystemBrowser() as browser:
        yield browser


@pytest.fixture
def new_page(_browser: SystemBrowser) -> Iterator[Callable[..., Page]]:
    """`new_page(java_script_enabled=False, color_scheme="dark", viewport={...})`: a page in a fresh profile.

    At the end the test fails if any of its pages asked another host for something, threw an error or broke
    the content security policy.
    """
    opened: list[tuple[Page, Complaints]] = []

    def open_page(**options: Any) -> Page:
        page, complaints = _browser.new_page(**options)
        opened.append((page, complaints))
        return page

    yield open_page
    for page, _ in opened:
        page.context.close()
    for _, complaints in opened:
        complaints.check()


@pytest.fixture
def browser_page(new_page: Callable[..., Page]) -> Page:
    """A page of 1280 × 800 in a fresh profile."""
    return new_page()


@pytest.fixture
def running_service() -> Iterator[Callable[..., RunningService]]:
    """`running_service(REDIS_URL=..., SMTP_URL=...)`: the started service; ended with the test."""
    services: list[RunningService] = []

    def start(data_dir: Path | None = None, **environment: str) -> RunningService:
        service = RunningService(environment, data_dir)
        services.append(service)
        return service.start()

    yield start
    for service in services:
        service.close()
