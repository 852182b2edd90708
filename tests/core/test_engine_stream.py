"""What the engine is given as a stream it takes when it needs it: a slow query must not gather its input in memory."""

import hashlib

import pyarrow as pa

from core.engine import Engine
from tests.factories import Hub

ROWS, BATCHES = 20_000, 60
SCHEMA = pa.schema([pa.field("text", pa.string())])


def test_a_slow_query_holds_only_a_few_batches(hub: Hub) -> None:
    before, held = pa.total_allocated_bytes(), []

    def batches():
        for number in range(BATCHES):
            held.append(pa.total_allocated_bytes() - before)
            yield pa.record_batch([pa.array([f"{number}/{row}" for row in range(ROWS)])], schema=SCHEMA)

    with Engine(hub.settings, threads=1) as engine:
        engine.stream("given", SCHEMA, batches())
        count, highest = engine.row("SELECT count(*), max(sha256(text)) FROM given")
    size = pa.record_batch([pa.array([f"{0}/{row}" for row in range(ROWS)])], schema=SCHEMA).nbytes
    assert count == ROWS * BATCHES
    assert highest == max(hashlib.sha256(f"{number}/{row}".encode()).hexdigest() for number in range(BATCHES) for row in range(ROWS))
    assert max(held) < 8 * size
