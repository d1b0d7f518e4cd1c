"""The built-in broker: kombu's transport over a folder, quick to notice that the worker is to stop."""

from typing import Any

from kombu.transport.filesystem import Transport

LONGEST_WAIT = 0.3
"""Seconds between two looks at the stop signal; Celery's own two would make Ctrl-C take four."""


class FolderTransport(Transport):
    """Kombu's filesystem transport with a shorter wait for events."""

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:  # type: ignore[override]
        """Wait for one event, at most `timeout` seconds and never longer than `LONGEST_WAIT`."""
        wait = LONGEST_WAIT if timeout is None else min(timeout, LONGEST_WAIT)
        super().drain_events(connection, wait)  # type: ignore[no-untyped-call]
