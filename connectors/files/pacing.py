"""Arrow's reader of text at the pace of who takes its rows.

It reads up to 32 blocks ahead in a thread of its own, a quarter of a gigabyte, however slowly its rows are taken. Here that thread waits where
it is some blocks ahead.
"""

import atexit
import io
import threading
import time
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv

_AHEAD = 3
# A block need not give a batch: where somebody waits for rows, the next one is handed out after so long in any case.
_PATIENCE_SECONDS = 0.01
_CLOSING_SECONDS, _LEAVING_SECONDS = 2.0, 0.02


class _Pace:
    """How far the reader is ahead of who takes its rows."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ahead = 0
        self._is_awaited = True
        self._is_inside = self._is_over = False

    def enter(self) -> bool:
        """Wait until a block may be read; whether one still may."""
        with self._changed:
            self._is_inside = True
            while self._ahead >= _AHEAD and not self._is_over:
                if not self._changed.wait(_PATIENCE_SECONDS) and self._is_awaited:
                    break
            self._ahead += 1
            return not self._is_over

    def leave(self) -> None:
        """The block was read, or is not to be."""
        with self._changed:
            self._is_inside = False
            self._changed.notify_all()

    def taken(self) -> None:
        """Rows were taken, and whoever took them is busy with them."""
        with self._changed:
            self._is_awaited = False

    def wanted(self) -> None:
        """More rows are waited for."""
        with self._changed:
            self._ahead, self._is_awaited = max(0, self._ahead - 1), True
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more is wanted; returns when nothing is being read."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._is_inside, _CLOSING_SECONDS)

    def end_with_process(self) -> None:
        """As `end`, and lets the thread get out of Python: one that is still in it when the interpreter ends aborts the process."""
        self.end()
        time.sleep(_LEAVING_SECONDS)


class PacedStream(io.RawIOBase):
    """A stream of bytes for Arrow's reader, and the batches that the reader makes of it."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._pace = _Pace()

    def readable(self) -> bool:
        """Whether it can be read from, as io asks."""
        return True

    def read(self, size: int = -1) -> bytes | None:
        """The next bytes, as soon as not too many are on the way."""
        try:
            return self._stream.read(size) if self._pace.enter() else b""
        finally:
            self._pace.leave()

    def batches(self, reader: pyarrow.csv.CSVStreamingReader) -> Iterator[pa.RecordBatch]:
        """The batches of the reader that reads this stream."""
        # Where they are left in the middle, nobody else lets the reader's thread go before the process ends.
        atexit.register(self._pace.end_with_process)
        try:
            while (batch := next(reader, None)) is not None:
                self._pace.taken()
                yield batch
                self._pace.wanted()
        finally:
            self._pace.end()
            atexit.unregister(self._pace.end_with_process)
