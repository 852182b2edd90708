"""Read one delivery of a dataset, as its contract says and as gently as its department asked."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib import import_module

import pyarrow as pa

from connectors.claim import Claim
from connectors.cut_off import watched
from connectors.databases.increment import BACKWARDS, Differing, Following, Request
from connectors.extraction import POSITION, Extraction, FileDigest, Note
from connectors.files.drop import file_digests, states, unchanged_since
from connectors.storage.fetched import at_hand, fetch, is_remote, removing
from connectors.unreadable import Unreadable
from contracts.model import Contract
from contracts.sources import DatabaseSource, FileSource
from core.clock import BEIJING
from core.connections import Connections
from core.errors import HubError, SourceError

__all__ = ["POSITION", "Extraction", "Note", "Unreadable", "extract"]

Connector = Callable[..., Extraction]
# Named, not imported: reading a file needs no database driver.
CONNECTORS = {
    "postgresql": "connectors.databases.postgresql",
    "mysql": "connectors.databases.mysql",
    "sqlite": "connectors.databases.sqlite",
    "sql": "connectors.databases.dialects",
    "csv": "connectors.files.csv",
    "xlsx": "connectors.files.xlsx",
    "jsonl": "connectors.files.json_lines",
    "fixed": "connectors.files.fixed_width",
    "xml": "connectors.files.xml",
    "http": "connectors.apis.http",
}


def extract(
    contract: Contract,
    connections: Connections,
    request: Request | None = None,
    *,
    outside_window_by: str | None = None,
    connector: Connector | None = None,
) -> Extraction:
    """Open the source and return its batches: all of it, or the part of a table that is asked for; by its kind's connector or another one.

    Outside the hours agreed it is only read where a person orders that, whose name is kept.

    Raises SourceError, here or while the batches are consumed, if the source cannot be read as the contract says.
    """
    notes = _window_notes(contract, outside_window_by)
    connector = connector or import_module(CONNECTORS[contract.source.kind]).extract
    if isinstance(contract.source, FileSource):
        extraction = _read_files(connector, contract, contract.source, connections)
    elif isinstance(contract.source, DatabaseSource):
        extraction = _read_table(connector, contract, connections, request)
    else:
        extraction = connector(contract, connections)
    extraction.notes += notes
    if contract.reading.rows_per_second:
        extraction.batches = _throttled(extraction.batches, contract.reading.rows_per_second)
    return extraction


def _read_files(connector: Connector, contract: Contract, source: FileSource, connections: Connections) -> Extraction:
    """Read files where they lie, or from a private folder if that is another machine."""
    if not is_remote(source, connections):
        before = states(contract.id, source, connections)
        extraction = connector(contract, connections)
        extraction.batches = unchanged_since(before, contract.id, source, connections, extraction.batches, extraction.files)
        return extraction
    fetched = fetch(contract.id, source, connections)
    try:
        before = states(contract.id, source, fetched.connections)
        extraction = connector(contract, fetched.connections)
    except BaseException:
        fetched.remove()
        raise
    batches = unchanged_since(before, contract.id, source, fetched.connections, extraction.batches, extraction.files)
    extraction.batches = removing(batches, fetched)
    return extraction


def _read_table(connector: Connector, contract: Contract, connections: Connections, request: Request | None) -> Extraction:
    """Read a table from the copy that the department has set apart for reading, or where that does not answer, from the source."""
    if isinstance(request, Following):
        following: Connector = import_module("connectors.databases.postgresql_log").extract
        return watched(contract, lambda: following(contract, connections, request))
    if isinstance(request, Differing):
        connector = import_module(f"connectors.databases.{contract.source.kind}_digests").extract
    replica = contract.reading.replica
    if replica is None:
        return watched(contract, lambda: connector(contract, connections, request))
    spared = _reading_from(contract, replica)
    message = ""
    try:
        extraction = watched(spared, lambda: connector(spared, connections, request))
        if any(note.kind == BACKWARDS for note in extraction.notes):
            message = (
                f"the replica {replica} is behind what was collected before: the source itself was read ({contract.source.connection})"
            )
            extraction.close()
    except HubError as error:
        if not error.transient:
            error.hint = "; ".join(filter(None, [error.hint, f"what was asked is the replica {replica}"]))
            raise
        message = f"the replica {replica} did not answer: the source itself was read ({contract.source.connection})"
    if message:
        extraction = watched(contract, lambda: connector(contract, connections, request))
    extraction.notes.append(Note("replica", message or f"read from the replica {replica}"))
    return extraction


def _window_notes(contract: Contract, by: str | None) -> list[Note]:
    """Nothing within the hours agreed; a note where a person has ordered to read outside them. Raises SourceError if nobody has."""
    try:
        check_window(contract, datetime.now(BEIJING))
    except SourceError:
        if by is None:
            raise
        return [Note("outside-window", f"read outside the hours agreed ({contract.reading.window}), as {by} ordered")]
    return []


def source_claim(contract: Contract, connections: Connections) -> Claim | None:
    """What the source says of its rows now, without handing them over; None where it has no engine that could.

    Raises SourceError outside the hours agreed with the department, and if the source cannot be asked.
    """
    check_window(contract, datetime.now(BEIJING))
    if not isinstance(contract.source, DatabaseSource):
        return None
    ask: Callable[[Contract, Connections], Claim] = import_module(CONNECTORS[contract.source.kind]).claim
    replica = contract.reading.replica
    return ask(_reading_from(contract, replica) if replica else contract, connections)


def source_files(contract: Contract, connections: Connections) -> list[FileDigest]:
    """The files of a delivery as they are now; none where the source is not files.

    Raises SourceError outside the hours agreed with the department, and if they cannot be read.
    """
    if not isinstance(contract.source, FileSource):
        return []
    check_window(contract, datetime.now(BEIJING))
    with at_hand(contract.id, contract.source, connections) as there:
        return file_digests(contract.id, contract.source, there)


def _reading_from(contract: Contract, connection: str) -> Contract:
    """The contract with another connection to its source."""
    return contract.model_copy(update={"source": contract.source.model_copy(update={"connection": connection})})


def check_window(contract: Contract, now: datetime) -> None:
    """Raise a transient SourceError, which says when they begin, outside the hours the department has agreed to."""
    if contract.reading.window is None:
        return
    start, end = contract.reading.window.split("-")
    here = now.astimezone(BEIJING)
    clock = here.strftime("%H:%M")
    inside = start <= clock < end if start <= end else clock >= start or clock < end
    if not inside:
        opens = here.replace(hour=int(start[:2]), minute=int(start[3:]), second=0, microsecond=0)
        raise SourceError(
            f"{contract.id}: the source may be read from {start} to {end} (Beijing time) only",
            hint="run it in those hours, or by your own order with --now",
            transient=True,
            not_before=opens if opens > here else opens + timedelta(days=1),
        )


def _throttled(batches: Iterator[pa.RecordBatch], rows_per_second: int) -> Iterator[pa.RecordBatch]:
    """Hand batches on no faster than agreed; the source waits because nothing is fetched meanwhile."""
    began, rows = time.monotonic(), 0
    for batch in batches:
        for start in range(0, batch.num_rows, rows_per_second):
            part = batch.slice(start, rows_per_second)
            yield part
            rows += part.num_rows
            time.sleep(max(0.0, began + rows / rows_per_second - time.monotonic()))
