"""One pen for several lanes: what they have to write at the same moment goes into one commit.

A commit waits for the disk. While it does, lanes go on talking to the mail server, and whatever they have to write
meanwhile is written by the next commit, together, and the same kind of write in the same statements. Nothing is less
durable for it: a lane that must know waits.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from tpminstitute.core.db import Database

log = structlog.get_logger(__name__)

W = TypeVar("W")
T = TypeVar("T")


class OneByOne(Exception):
    """Raised by a write of several things that turn out to be unlike: nothing of it is kept, and each is done alone."""


class _Entry(NamedTuple):
    write: Callable[[Session, Sequence[Any]], Sequence[Any]]
    what: Any
    outcome: "Future[Any]"


class Ledger:
    """Writes and commits for all lanes of one delivery, in a thread of its own."""

    def __init__(self, db: Database) -> None:
        """Write to `db`, from `with` to its end."""
        self._db = db
        self._connection: Connection
        self._entries: SimpleQueue[_Entry | None] = SimpleQueue()
        # It writes down moments of the clock that whoever delivers goes by, a copied one too.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="ledger")

    def __enter__(self) -> Self:
        """Connect, and begin to write. A connection that is lost later is made anew by the next write."""
        self._connection = self._db.connect()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left, then stop."""
        self._entries.put(None)
        self._thread.join()
        self._connection.close()

    def commit(self, write: Callable[[Session, Sequence[W]], Sequence[T]], what: W) -> "Future[T]":
        """Write `what` down in a transaction, perhaps with other lanes' writes.

        Parameters: `write`, which is given everything that the lanes want to have written by it at this moment, and
        returns one result for each, in the same order.
        Returns the result to come: there once it is committed, or what `write` raised for `what` alone. Other lanes'
        writes are committed all the same.
        """
        outcome: Future[T] = Future()
        self._entries.put(_Entry(write, what, outcome))
        return outcome

    def _run(self) -> None:
        while (entries := self._next()) is not None:
            self._write_down(entries)

    def _next(self) -> list[_Entry] | None:
        """Wait for something to write, and take everything that is there."""
        first = self._entries.get()
        if first is None:
            return None
        entries = [first]
        try:
            while (entry := self._entries.get_nowait()) is not None:
                entries.append(entry)
            self._entries.put(None)
        except Empty:
            pass
        return entries

    def _write_down(self, entries: list[_Entry]) -> None:
        try:
            results = self._written(entries)
        except Exception as problem:
            if len(entries) == 1:
                entries[0].outcome.set_exception(problem)
                return
            log.info("written_one_by_one", reason=repr(problem), entries=len(entries))
            for entry in entries:
                self._write_down([entry])
            return
        for entry, result in results:
            entry.outcome.set_result(result)

    def _written(self, entries: list[_Entry]) -> list[tuple[_Entry, Any]]:
        alike = defaultdict(list)
        for entry in entries:
            alike[entry.write].append(entry)
        with self._db.write(self._connection) as session:
            return [
                pair
                for write, group in alike.items()
                for pair in zip(group, write(session, [entry.what for entry in group]), strict=True)
            ]
