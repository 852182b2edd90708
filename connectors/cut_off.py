"""A source that gives nothing is cut off by time, whatever it hangs in: a connection, a statement, a network that swallows its answer.

No driver can be relied upon for that: a server's own limit does not reach whoever waits for a server that is gone. So the source is read
in a thread of its own, and who waits for it waits so long and no longer. A thread that hangs is left behind; it ends with the process.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from connectors.claim import asks_digest
from connectors.extraction import TRY_LATER, Extraction
from contracts.model import Contract
from core.errors import SourceError

# What connecting may take beside the statement; the server's own limit comes first, and its error says more.
GRACE_SECONDS = 30.0
_AHEAD = 2  # batches that are read before they are asked for
_CLOSING_SECONDS = 10.0
_here = threading.local()


def ended_by(interrupt: Callable[[], None]) -> None:
    """Say how what is being opened is ended from another thread, as long as there is no extraction yet that says so."""
    watch: _Watch | None = getattr(_here, "watch", None)
    if watch is not None:
        watch.interrupt = interrupt


def watched(contract: Contract, opened: Callable[[], Extraction]) -> Extraction:
    """Open and read a source in a thread. Raises a transient SourceError, here or from the batches, where waiting takes too long in all."""
    return _Watch(contract, opened).extraction()


class _Watch:
    """Who waits, and for how long yet."""

    def __init__(self, contract: Contract, opened: Callable[[], Extraction]) -> None:
        self._contract, self._opened = contract, opened
        # Where the source adds up its rows as well, that is a second statement.
        self._left = contract.reading.statement_timeout_seconds * (1 + asks_digest(contract)) + GRACE_SECONDS
        self._items: queue.Queue[Any] = queue.Queue(maxsize=_AHEAD)
        self._is_dropped = threading.Event()
        self.interrupt: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._read, name=f"source-{contract.source.connection}", daemon=True)
        self._thread.start()

    def extraction(self) -> Extraction:
        extraction: Extraction = self.next_item()
        self.interrupt = extraction.interrupt
        extraction.batches = _Batches(self)
        return extraction

    def next_item(self) -> Any:
        began = time.monotonic()
        try:
            item = self._items.get(timeout=max(0.0, self._left))
        except queue.Empty:
            self._is_dropped.set()
            self._end_statement()
            raise SourceError(
                f"{self._contract.id}: the source was cut off: it took longer than the contract allows for a statement "
                f"({self._contract.reading.statement_timeout_seconds} s; connection {self._contract.source.connection})",
                hint=TRY_LATER,
                transient=True,
            ) from None
        self._left -= time.monotonic() - began
        if isinstance(item, Exception):
            try:
                raise item
            finally:
                del item  # or it would hold itself, and what was opened, by the frames that it remembers
        return item

    def _end_statement(self) -> None:
        """Have the server told, for which a driver may need a connection of its own: over a network that swallows answers, that hangs too."""
        ending = threading.Thread(target=self.interrupt, name=f"{self._thread.name}-end", daemon=True)
        ending.start()
        ending.join(_CLOSING_SECONDS)

    def _read(self) -> None:
        """In the thread: what is opened here is closed here."""
        _here.watch = self
        try:
            self._hand_over(self._opened())
            self._put(None)
        except Exception as error:  # whatever it is, it is raised where the source is waited for
            self._put(error)

    def _hand_over(self, extraction: Extraction) -> None:
        batches = extraction.batches
        try:
            wanted = self._put(extraction)
            del extraction  # whoever waits drops it where nobody wants it any more
            if wanted:
                all(self._put(batch) for batch in batches)
        finally:
            getattr(batches, "close", lambda: None)()

    def _put(self, item: Any) -> bool:
        while not self._is_dropped.is_set():
            try:
                self._items.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def drop(self) -> None:
        """Let the thread close what it has opened."""
        self._is_dropped.set()

    def wait(self) -> None:
        """Wait until it has."""
        self._thread.join(_CLOSING_SECONDS)


class _Batches(Iterator[pa.RecordBatch]):
    """The batches as they come. No generator: one that was never begun would not hear that nobody wants it any more."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        self._is_over = False

    def __next__(self) -> pa.RecordBatch:
        if self._is_over:
            raise StopIteration
        try:
            item = self._watch.next_item()
        except Exception:
            self._is_over = True
            raise
        if item is None:
            self._is_over = True
            self._watch.wait()
            raise StopIteration
        batch: pa.RecordBatch = item
        return batch

    def close(self) -> None:
        """Stop reading; what was opened is closed before this returns."""
        self._is_over = True
        self._watch.drop()
        self._watch.wait()

    def __del__(self) -> None:
        self._watch.drop()
