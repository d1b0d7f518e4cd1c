"""SQLAlchemy's dialects, kept from one test's engine to the next.

Each test opens engines of its own, and each engine would ask the server for its version, compile every
statement anew and start new server processes: more work than most tests are. Here all engines of a kind share
one dialect and what was compiled for it, and a closed connection to a PostgreSQL database of `park` is reset by
DISCARD ALL, as a connection pooler does, and taken up by the next engine; so is one to an SQLite file of `park_file`.
The product's code knows nothing of it.
"""

import contextlib
import os
from collections import Counter
from typing import Any, ClassVar

import psycopg
from psycopg._preparing import PrepareManager
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Dialect

from tpminstitute.core.db import sqlite_driver

_Key = tuple[int, str]

STATEMENTS = 1_000
"""Compiled statements that a connection to an SQLite file keeps."""


class _Shared(Dialect):
    """A dialect of which there is one for each set of options; engines share what they compiled."""

    _made: ClassVar[dict[Any, "_Shared"]] = {}
    _compiled: ClassVar[dict[Any, Any]] = {}
    _ready = False
    _asked = False

    def __new__(cls, **options: Any) -> "_Shared":
        key = (cls, *sorted((name, repr(value)) for name, value in options.items()))
        return cls._made.setdefault(key, super().__new__(cls))

    def __init__(self, **options: Any) -> None:
        if not self._ready:
            super().__init__(**options)
            self._ready = True

    def initialize(self, connection: Connection) -> None:
        """Ask the server what it is, once."""
        if not self._asked:
            super().initialize(connection)
            self._asked = True

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Let a new engine use what the others compiled (the key of each statement holds its dialect)."""
        engine.update_execution_options(compiled_cache=cls._compiled)


class ParkedFile(sqlite_driver().Connection):  # type: ignore[misc]
    """A connection to an SQLite file that is told only what it doesn't know: else it compiles each statement anew."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Open it."""
        super().__init__(*arguments, **options)
        self._told: dict[str, str] = {}
        self._functions: dict[tuple[str, int], object] = {}
        self.path = str(arguments[0])

    def execute(self, statement: str, *values: Any) -> Any:
        """Run a statement that is no part of a transaction (an engine's own go by a cursor)."""
        if statement.startswith("PRAGMA "):
            name, _, value = statement.removeprefix("PRAGMA ").partition(" = ")
            if self._told.get(name) == value:
                return self.cursor()
            self._told[name] = value
        return super().execute(statement, *values)

    def create_function(self, name: str, arguments: int, function: Any, **options: Any) -> None:
        """Take a function that it doesn't have."""
        code = getattr(function, "__code__", function)
        if self._functions.get((name, arguments)) != code:
            super().create_function(name, arguments, function, **options)
            self._functions[name, arguments] = code

    def as_it_was(self) -> bool:
        """Take back what is left open. Returns: whether the next engine may have it."""
        self.rollback()
        ((keys,),) = super().execute("PRAGMA foreign_keys").fetchall()
        return bool(keys) and len(super().execute("PRAGMA database_list").fetchall()) == 1


class SharedSqlite(_Shared, SQLiteDialect_pysqlite):
    """The dialect of every SQLite engine; it keeps closed connections to some files for the next one."""

    supports_statement_cache = True
    _files: ClassVar[dict[str, list[ParkedFile]]] = {}
    _open: ClassVar[Counter[str]] = Counter()
    _process: ClassVar[int] = os.getpid()

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Return a connection that was parked, or else a new one."""
        path = str(arguments[0])
        if path not in self._files or self._process != os.getpid():
            return super().connect(*arguments, **options)
        self._open[path] += 1
        with contextlib.suppress(IndexError):
            return self._files[path].pop()
        return super().connect(*arguments, **options, factory=ParkedFile, cached_statements=STATEMENTS)

    def do_close(self, dbapi_connection: Any) -> None:
        """Park a connection to a file of `park_file` instead of closing it."""
        if not isinstance(dbapi_connection, ParkedFile):
            dbapi_connection.close()
            return
        self._open[dbapi_connection.path] -= 1
        if dbapi_connection.path in self._files and dbapi_connection.as_it_was():
            self._files[dbapi_connection.path].append(dbapi_connection)
        else:
            dbapi_connection.close()


class SharedPostgres(_Shared, PGDialect_psycopg):
    """The dialect of every PostgreSQL engine; it keeps closed connections to some databases for the next one."""

    supports_statement_cache = True
    _names: ClassVar[set[str]] = set()
    _parked: ClassVar[dict[_Key, list[psycopg.Connection[Any]]]] = {}

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Return a connection that was parked and still answers, or else a new one."""
        key = (os.getpid(), repr((arguments, sorted(options.items()))))
        parked = self._parked.setdefault(key, [])
        connection: Any = _take(parked) or super().connect(*arguments, **options)
        connection.parked_in = parked
        return connection

    def do_close(self, dbapi_connection: Any) -> None:
        """Park a connection to a database of `park` instead of closing it, unless it is broken."""
        with contextlib.suppress(psycopg.OperationalError):
            if dbapi_connection.info.dbname in self._names:
                dbapi_connection.rollback()
                dbapi_connection.parked_in.append(dbapi_connection)
                return
        dbapi_connection.close()


def _take(parked: list[psycopg.Connection[Any]]) -> psycopg.Connection[Any] | None:
    with contextlib.suppress(IndexError):
        while True:
            connection = parked.pop()
            with contextlib.suppress(psycopg.OperationalError):
                connection.autocommit = True
                connection.execute("DISCARD ALL", prepare=False)
                connection.autocommit = False
                # What the driver remembers of the session, too; SQLAlchemy adds its handler again.
                connection._prepared = PrepareManager()
                connection._notice_handlers.clear()
                return connection
            connection.close()
    return None


def parked_processes() -> list[int]:
    """Return the server's process ids of the connections that are parked."""
    return [one.info.backend_pid for parked in SharedPostgres._parked.values() for one in parked if not one.closed]


def park(name: str) -> None:
    """From now on keep the connections to that database that are closed."""
    SharedPostgres._names.add(name)


def close_parked(name: str) -> None:
    """Close what is parked, and park no more connections to that database."""
    SharedPostgres._names.discard(name)
    for parked in SharedPostgres._parked.values():
        while parked:
            parked.pop().close()


def park_file(path: str) -> None:
    """From now on keep this process's connections to that SQLite file that are closed."""
    SharedSqlite._files[path] = []


def open_connections(path: str) -> int:
    """Return how many connections to a file of `park_file` somebody still has."""
    return SharedSqlite._open[path]


def close_parked_to(path: str) -> None:
    """Close what is parked, and park no more connections to that file."""
    for connection in SharedSqlite._files.pop(path, []):
        connection.close()


def share_dialects() -> None:
    """From now on every engine of this process uses the dialects of this module."""
    registry.register("sqlite", __name__, "SharedSqlite")
    registry.register("postgresql.psycopg", __name__, "SharedPostgres")
