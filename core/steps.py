"""How long the steps of a stage take: the clock's seconds go into the ledger; whoever measures the hub gets the processor's as well."""

import time
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar

# A counter that collects processor seconds by step while a benchmark runs; nobody else asks for them.
processor_seconds: ContextVar[Counter[str] | None] = ContextVar("processor_seconds", default=None)


@contextmanager
def timed(seconds: MutableMapping[str, float], name: str) -> Iterator[None]:
    """Note in `seconds` how long the block took, beside what the step took before. Steps follow each other; they are not nested."""
    began, worked = time.monotonic(), time.process_time()
    yield
    seconds[name] = round(seconds.get(name, 0.0) + time.monotonic() - began, 3)
    observed = processor_seconds.get()
    if observed is not None:
        observed[name] += time.process_time() - worked  # type: ignore[assignment]
