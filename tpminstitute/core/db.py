"""The database: one engine, reading and writing sessions, and the column types every room uses."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import (
    URL,
    CheckConstraint,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    MetaData,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from tpminstitute.core import jobs
from tpminstitute.core.errors import SettingsError
from tpminstitute.core.tokens import digest

SAFE_WAL = (3, 51, 3)
"""SQLite before this version can corrupt a database when its write-ahead log is reset (sqlite.org/wal.html)."""

BUSY_TIMEOUT_MS = 15_000

ASKED_OFTEN = 5
"""Times after which psycopg prepares a statement (psycopg.org/psycopg3/docs/advanced/prepare.html)."""

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


class Base(DeclarativeBase):
    """The base of every table; each constraint gets a name, so that a migration can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment; kept in UTC on both databases, naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC (without its zone on SQLite, which keeps none)."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A moment without a time zone can't be stored: {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored moment, aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_type(kind: type[StrEnum]) -> Enum:
    """Return a text column type for `kind` that stores the value and names a CHECK constraint after it."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=_snake(kind.__name__),
        length=40,
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


def non_empty(column: str) -> CheckConstraint:
    """Return a constraint that refuses an empty text in `column`."""
    return CheckConstraint(f"{column} <> ''", name=f"{column}_not_empty")


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Database:
    """One database and the way its transactions are begun."""

    def __init__(self, url: str, publisher: jobs.Publisher | None = None, *, durable: bool = True) -> None:
        """Open an engine for `url` (``sqlite:///…`` or ``postgresql://…``); nothing is connected yet.

        `publisher` takes the wake-ups that a committed transaction asked for; without one, the sweep finds the work.
        `durable` is False for an SQLite file that is thrown away in the end: no commit waits for the disk.
        """
        self.publisher = publisher
        self.engine = _engine(url, durable)
        self._writing = self.engine.execution_options(writes=True)
        self._reading = self.engine.execution_options(postgresql_readonly=True)
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one state of the database; PostgreSQL refuses to change it, SQLite takes it back.

        On PostgreSQL it ends with a commit, since a rollback would take along what `keep_plans` keeps.
        """
        with Session(self._reading, expire_on_commit=False) as session:
            yield session
            if not self.is_sqlite and session.in_transaction():
                _end_reading(session)

    @contextmanager
    def write(self, connection: Connection | None = None) -> Iterator[Session]:
        """Yield a session whose transaction is committed at the end, or rolled back when the block raises.

        Wake-ups that were asked for inside are published after the commit.

        Parameters: `connection`, one of `connect`, to be used for it; by default one of the pool.
        """
        with Session(connection or self._writing, expire_on_commit=False) as session:
            yield session
            session.commit()
        if self.publisher is not None:
            for job in jobs.hints_of(session):
                self.publisher.hint(job)

    def connect(self) -> Connection:
        """Return a connection for one transaction after another: fetching one from the pool each time costs a ping."""
        connection = self._writing.connect()
        _prepare_what_comes_again(connection)
        return connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def keep_plans(session: Session) -> None:
    """Let PostgreSQL keep how it answers what this session asks, for whoever asks the same on this connection.

    It is for what is asked by ids, always alike: planning the forty statements of a contact's page takes twice as long
    as they do. A kept plan suits any value, so for a filter it may be a bad one: no index of some rows alone fits it.
    """
    _prepare_what_comes_again(session.connection())


def _prepare_what_comes_again(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.dbapi_connection
        driver.prepare_threshold = ASKED_OFTEN


def _end_reading(session: Session) -> None:
    """Commit what was only read; what the session would have written is not flushed."""
    transaction = session.connection().get_transaction()
    if transaction is not None and transaction.is_active:
        transaction.commit()


def _engine(url: str, durable: bool) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "DATABASE_URL can't be read: write it as postgresql://user:password@host/database."
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(url, durable)
    return _postgres_engine(parsed)


def _postgres_engine(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        pool_use_lifo=True,  # the one used last has most of what is asked for prepared
        connect_args={"connect_timeout": 5, "application_name": "tpminstitute", "prepare_threshold": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        """Compile no statement to machine code: a list that takes 40 ms would wait twice as long for that."""
        connection.autocommit = True
        connection.execute("SET jit = off")
        connection.autocommit = False

    @event.listens_for(engine, "checkin")
    def _as_it_came(connection: Any, _record: Any) -> None:
        """Prepare nothing, and let the database say whether one may write: after reading, SQLAlchemy says so itself."""
        if connection is not None and not connection.closed:
            connection.read_only = connection.prepare_threshold = None

    return engine


def sqlite_driver() -> ModuleType:
    """Return the newest SQLite driver at hand: pysqlite3 carries its own library, Python's own may be old."""
    try:
        import pysqlite3  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return sqlite3
    return pysqlite3 if pysqlite3.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def journal_mode(version: tuple[int, ...]) -> str:
    """Return the journal mode that is safe with the SQLite library of `version`."""
    return "WAL" if version >= SAFE_WAL else "TRUNCATE"


def _sqlite_engine(url: str, durable: bool) -> Engine:
    driver = sqlite_driver()
    mode = journal_mode(driver.sqlite_version_info)
    engine = create_engine(url, module=driver, pool_size=10, max_overflow=10)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            f"journal_mode = {mode}",
            f"synchronous = {'FULL' if durable else 'OFF'}",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        # A trigger of the schema asks for it; PostgreSQL brings its own.
        connection.create_function("sha256_hex", 1, digest, deterministic=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def check_connection(db: Database) -> None:
    """Connect once; raises `SettingsError` with a sentence when the database can't be reached."""
    try:
        with db.read() as session:
            session.execute(text("SELECT 1"))
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise SettingsError(
            f"The database of DATABASE_URL can't be reached ({reason}). "
            "Nothing was changed. Start it, or correct the address."
        ) from None


def upgrade(db: Database) -> None:
    """Bring the database up to the newest migration; two processes at once wait for each other."""
    from alembic import command

    with db._writing.begin() as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(7205759403792793600)"))
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending_migrations(db: Database) -> bool:
    """Return whether the database is behind the newest migration."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    newest = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() != newest


def _alembic_config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
