"""One pen for several lanes: what they have to write at the same moment goes into one commit.

A commit waits for the disk. While it does, lanes go on talking to the mail server, and whatever they have to write
meanwhile is written by the next commit, together. Nothing is less durable for it: a lane that must know waits.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from sqlalchemy.orm import Session

from tpminstitute.core.db import Database

T = TypeVar("T")


class _Entry(NamedTuple):
    write: Callable[[Session], Any]
    outcome: "Future[Any]"


class Ledger:
    """Writes and commits for all lanes of one delivery, in a thread of its own."""

    def __init__(self, db: Database) -> None:
        """Write to `db`, from `with` to its end."""
        self._db = db
        self._entries: SimpleQueue[_Entry | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger")

    def __enter__(self) -> Self:
        """Begin to write."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left, then stop."""
        self._entries.put(None)
        self._thread.join()

    def commit(self, write: Callable[[Session], T]) -> "Future[T]":
        """Run `write` in a transaction, perhaps with other lanes' writes.

        Returns its result to come: there once it is committed, or what it raised. Other lanes' writes are committed
        all the same.
        """
        outcome: Future[T] = Future()
        self._entries.put(_Entry(write, outcome))
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
            with self._db.write() as session:
                results = [entry.write(session) for entry in entries]
        except Exception as problem:
            if len(entries) == 1:
                entries[0].outcome.set_exception(problem)
                return
            for entry in entries:
                self._write_down([entry])
            return
        for entry, result in zip(entries, results, strict=True):
            entry.outcome.set_result(result)
