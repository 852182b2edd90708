"""Arrow's reader stays at the pace of who takes its rows, whether they are taken slowly, at once, or not to the end."""

import io
import time

import pyarrow as pa
import pyarrow.csv

from connectors.files import pacing
from connectors.files.pacing import PacedStream

BLOCK, ROWS = 1 << 14, 200_000


class _Counted(io.BytesIO):
    def __init__(self) -> None:
        super().__init__("".join(f"{row}\n" for row in range(ROWS)).encode())
        self.reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


def _batches(stream):
    paced = PacedStream(stream)
    options = pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=["row"])
    return paced.batches(pyarrow.csv.open_csv(paced, options))


def test_whoever_takes_rows_slowly_is_not_read_ahead_of(monkeypatch):
    # On a busy machine the first rows may take longer than the patience, and each time one block more is handed out for them.
    monkeypatch.setattr(pacing, "_PATIENCE_SECONDS", 30.0)
    stream = _Counted()
    batches = _batches(stream)
    next(batches)
    time.sleep(0.3)
    assert stream.reads <= 6
    batches.close()


def test_every_row_arrives_once_and_in_order():
    rows = pa.Table.from_batches(list(_batches(_Counted()))).column("row").to_pylist()
    assert rows == list(range(ROWS))
