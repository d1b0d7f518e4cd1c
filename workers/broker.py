"""The built-in broker: kombu's transport over a folder, without its races and quick to notice a stop signal."""

from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from kombu.transport.filesystem import Channel, Transport
from kombu.utils.json import dumps

log = structlog.get_logger(__name__)

LONGEST_WAIT = 0.3
"""Seconds between two looks at the stop signal; Celery's own two would make Ctrl-C take four."""


class FolderChannel(Channel):
    """Kombu's channel without its races: processes that started together spoiled each other's files.

    Every wake-up goes straight to its queue (the anonymous exchange), so no table of bindings is read or written; a
    wake-up is written aside and then renamed, so that nobody takes half of one.
    """

    def get_table(self, exchange: str) -> list[Any]:
        """Return no bindings: none is needed."""
        return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Keep no bindings."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        whole = Path(self.data_folder_out) / f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        part = whole.with_suffix(".part")
        part.write_text(dumps(payload), "utf-8")  # type: ignore[no-untyped-call]
        part.rename(whole)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)  # type: ignore[no-untyped-call]
        except ValueError:
            log.warning("wake_up_unreadable")
            raise Empty from None


class FolderTransport(Transport):
    """Kombu's filesystem transport with a shorter wait for events."""

    Channel = FolderChannel

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]
        """Wait for one event, at most `timeout` seconds and never longer than `LONGEST_WAIT`."""
        wait = LONGEST_WAIT if timeout is None else min(timeout, LONGEST_WAIT)
        super().drain_events(connection, wait)  # type: ignore[no-untyped-call]
