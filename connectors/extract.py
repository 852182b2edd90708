"""Read one delivery of a dataset, as its contract says and as gently as its department asked."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from importlib import import_module

import pyarrow as pa

from connectors.extraction import POSITION, Extraction, Note, Unreadable
from connectors.files import unchanged_meanwhile
from connectors.increment import Request
from connectors.storage import fetch, is_remote, removing
from contracts.model import Contract
from contracts.sources import DatabaseSource, FileSource
from core.connections import Connections
from core.errors import SourceError

__all__ = ["POSITION", "Extraction", "Note", "Unreadable", "extract"]

Connector = Callable[..., Extraction]
# Named, not imported: reading a file needs no database driver.
_CONNECTORS = {
    "postgresql": "connectors.postgresql",
    "mysql": "connectors.mysql",
    "sqlite": "connectors.sqlite",
    "csv": "connectors.csv",
    "xlsx": "connectors.xlsx",
    "jsonl": "connectors.json_lines",
    "fixed": "connectors.fixed_width",
    "xml": "connectors.xml",
    "http": "connectors.http",
}
_BEIJING = timezone(timedelta(hours=8))


def extract(contract: Contract, connections: Connections, request: Request | None = None) -> Extraction:
    """Open the source and return its batches: all of it, or the part of a table that is asked for.

    Raises SourceError, here or while the batches are consumed, if the source cannot be read as the contract says.
    """
    check_window(contract, datetime.now(_BEIJING))
    connector: Connector = import_module(_CONNECTORS[contract.source.kind]).extract
    if isinstance(contract.source, FileSource):
        extraction = _read_files(connector, contract, contract.source, connections)
    elif isinstance(contract.source, DatabaseSource):
        extraction = connector(contract, connections, request)
    else:
        extraction = connector(contract, connections)
    if contract.reading.rows_per_second:
        extraction.batches = _throttled(extraction.batches, contract.reading.rows_per_second)
    return extraction


def _read_files(connector: Connector, contract: Contract, source: FileSource, connections: Connections) -> Extraction:
    """Read files where they lie, or from a private folder if that is another machine."""
    if not is_remote(source, connections):
        extraction = connector(contract, connections)
        extraction.batches = unchanged_meanwhile(contract.id, source, connections, extraction.batches)
        return extraction
    fetched = fetch(contract.id, source, connections)
    try:
        extraction = connector(contract, fetched.connections)
    except BaseException:
        fetched.remove()
        raise
    extraction.batches = removing(extraction.batches, fetched)
    return extraction


def check_window(contract: Contract, now: datetime) -> None:
    """Raise a transient SourceError outside the hours the department has agreed to."""
    if contract.reading.window is None:
        return
    start, end = contract.reading.window.split("-")
    clock = now.astimezone(_BEIJING).strftime("%H:%M")
    inside = start <= clock < end if start <= end else clock >= start or clock < end
    if not inside:
        raise SourceError(
            f"{contract.id}: the source may be read from {start} to {end} (Beijing time) only", hint="run it in those hours", transient=True
        )


def _throttled(batches: Iterator[pa.RecordBatch], rows_per_second: int) -> Iterator[pa.RecordBatch]:
    """Hand batches on no faster than agreed; the source waits because nothing is fetched meanwhile."""
    began, rows = time.monotonic(), 0
    for batch in batches:
        yield batch
        rows += batch.num_rows
        time.sleep(max(0.0, began + rows / rows_per_second - time.monotonic()))
