"""The one source of the present moment, and copied clocks, on which a simulation lets its own time pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_copied: ContextVar[datetime | None] = ContextVar("copied_clock", default=None)


def now() -> datetime:
    """Return the present moment, aware and in UTC; inside `at` it is the one that the copied clock shows."""
    return _copied.get() or datetime.now(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let the clock show `moment` for what runs in this block, and for nobody else: a clock is copied for its context.

    A thread that is started inside and has to keep this time takes the context along (`contextvars.copy_context`).
    Raises `ValueError` for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"A clock can't be set to a moment without a time zone: {moment!r}")
    before = _copied.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _copied.reset(before)


def is_copied() -> bool:
    """Return whether this is a simulation's time and not the present."""
    return _copied.get() is not None
