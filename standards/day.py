"""The day for which the standard is read: it decides which codes are in force. Today in Beijing, or the day of a batch while that is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.clock import today

_given: ContextVar[str] = ContextVar("day", default="")


def reading_day() -> str:
    """The day as an ISO date."""
    return _given.get() or today().isoformat()


@contextmanager
def on_day(day: str | None) -> Iterator[None]:
    """Read the standard as of a day (ISO) inside the block; nothing leaves the day as it is."""
    token = _given.set(day or _given.get())
    try:
        yield
    finally:
        _given.reset(token)
