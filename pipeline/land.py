"""Land: read a dataset as its source has it now, and keep it as received.

A batch's folder holds one Parquet file and a manifest. The file has the source's own columns as text, the position in the source, the
record id and the row digest, both computed here and nowhere else. Nothing is cleaned.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.batches import (
    PART,
    WHOLE,
    Batch,
    Kind,
    batches_of,
    end_batch,
    get_batch,
    latest_accepted,
    latest_batch,
    latest_whole,
    set_landed,
    start_batch,
)
from catalog.datasets import contract_in_force
from catalog.tables import lease
from connectors.claim import plan_digest
from connectors.columns import MOST_COLUMNS, UNNAMED, ColumnsMissing, shown
from connectors.extract import Extraction, check_window, extract
from connectors.extraction import TOLD
from connectors.unreadable import Unreadable
from contracts.model import Contract
from contracts.references import element_faults
from core.clock import BEIJING
from core.connections import load_connections
from core.digests import digest_sums
from core.engine import Engine, literal, parquet, quote
from core.errors import LeaseHeld, RequestError, SourceError
from core.faults import described
from core.keys import RECORD_KEY, load_key
from core.leases import Lease, holding
from core.nouns import noun
from core.space import check_space
from core.space import held as space_held
from core.sums import MODULUS, combine
from pipeline.delivery.completeness import check_complete, said, written
from pipeline.delivery.drift import adapted, described_source, landed_drift, without_missing
from pipeline.delivery.notes import has_all, notes_of, unreadable_notes
from pipeline.delivery.tracking import ORDINARY, Order, check_period, moved_note, next_request, settle_log, tracking_after
from pipeline.home import Home, open_home
from pipeline.landing import batch_folder, landed_parts, row_expressions, seal
from pipeline.operation.lineage import hub_table, source_table, traced
from pipeline.receipts import issue_missing
from pipeline.standard import standard_in_force
from standards.model import Standards

SYSTEM_COLUMNS = ("_position", "_record_id", "_row_digest")
RESERVED_NAMES = frozenset({*SYSTEM_COLUMNS, "_known", "_conflict", "_waits", "rules"})
# A row group of what has landed, at most: vectors are what the engine works in, and a group is made of whole ones.
_GROUP_ROWS, _GROUP_CELLS, _VECTOR_ROWS = 61_440, 8_000_000, 2_048


@dataclass(frozen=True)
class Arrival:
    """What arrives: a delivery of the source, or rows of another batch's quarantine that are run again, with a note that says so."""

    kind: Kind = "delivery"
    origin: str | None = None
    note: Mapping[str, Any] = field(default_factory=dict)
    # Raises where it may not arrive any more; asked when nobody else can write the dataset.
    check: Callable[[], None] = lambda: None


DELIVERY = Arrival()


def _check_fits(contract: Contract, version: int, standards: Standards) -> None:
    """Since the contract was registered the standard may have lost elements; their values would leave the base tables without a word."""
    if faults := element_faults(contract, standards):
        told = "; ".join(f"{key}: {reason}" for key, reason in faults)
        raise RequestError(
            f"{contract.id}: version {version} of the contract does not fit standard {standards.version}: {told}",
            hint="mend the contract, then ./hub check and ./hub register it",
        )


def land(
    contract_id: str,
    home: Home | None = None,
    extraction: Extraction | None = None,
    order: Order = ORDINARY,
    arrival: Arrival = DELIVERY,
) -> str:
    """Read the source of a registered dataset (or an extraction that is at hand) into a new batch and return the batch's id.

    What is read follows from the contract's change tracking and the last accepted batch, unless a person orders more.

    Raises SourceError where the source cannot be read as the contract says; the batch is then closed as failed.
    """
    home = home or open_home()
    version, contract = contract_in_force(home.catalog, contract_id)
    if contract.ended and arrival.kind == "delivery":
        raise RequestError(
            f"{contract_id} has ended: {contract.ended.reason}",
            hint="register its contract without `ended` to collect it again",
        )
    if extraction is None and not order.outside_window:
        check_window(contract, datetime.now(BEIJING))  # it is no batch's fault, so none is opened
    if order.period:
        check_period(contract)  # nor is this
    key = load_key(home.settings, RECORD_KEY)
    with holding(home.catalog, lease, f"dataset/{contract_id}", home.settings.actor) as held:
        check_space(home.settings, "landing", _room_for(home, contract_id, arrival))
        _refuse_overtaking(home, contract_id, arrival)
        arrival.check()
        standards, actor = standard_in_force(home), home.settings.actor
        batch = start_batch(home.catalog, held, contract_id, version, standards.version, actor, kind=arrival.kind, origin=arrival.origin)
        _remove_abandoned(home, contract_id)
        issue_missing(home, contract_id)
        try:
            _check_fits(contract, version, standards)
            origin = source_table(contract) if arrival.kind == "delivery" else hub_table("quarantine", contract_id)
            with traced(home.settings, f"land.{contract_id}", [origin], [hub_table("landing", contract_id)]) as run:
                columns = _land(home, held, batch, contract, key, extraction, order, arrival.note)
                landed = get_batch(home.catalog, batch.batch_id)
                run.inputs, run.outputs = [origin.counted(landed.read)], [run.outputs[0].counted(landed.landed, columns)]
        except Exception as error:
            # Whatever it was: the batch must not stay open without a word.
            fault = described(error)
            end_batch(home.catalog, batch.batch_id, "failed", fault.message, fault.hint)
            if not isinstance(error, LeaseHeld):  # who has taken over has a slot of its own there
                settle_log(home, contract)
            raise
    return batch.batch_id


def _room_for(home: Home, contract_id: str, arrival: Arrival) -> int:
    """Bytes that an arrival may take. Rows that are run again are those that wait: a few are not kept out for want of room for a delivery."""
    size = _as_large_as_before(home, contract_id)
    if arrival.kind == "delivery":
        return size
    last, whole = latest_accepted(home.catalog, contract_id), latest_whole(home.catalog, contract_id)
    if last is None or last.waiting is None or whole is None:
        return size
    return min(size, size * last.waiting // max(whole.landed or 0, 1))


def _as_large_as_before(home: Home, contract_id: str) -> int:
    """Bytes that the last delivery holds, or the last whole one: the next one is taken to be as large as the larger of them."""
    last = next((batch for batch in batches_of(home.catalog, contract_id) if batch.landed is not None), None)
    before = {batch.seq for batch in (last, latest_whole(home.catalog, contract_id)) if batch is not None}
    return max((space_held(batch_folder(home.settings, contract_id, seq))[1] for seq in before), default=0)


def _refuse_overtaking(home: Home, contract_id: str, arrival: Arrival) -> None:
    """A delivery that has landed is to be accepted before rows are run again: a newer batch would supersede it."""
    newest = latest_batch(home.catalog, contract_id)
    if arrival.kind != "delivery" and newest is not None and newest.status == "landed":
        raise LeaseHeld(
            f"{newest.batch_id} has landed and is not accepted yet", hint=f"./hub sync {contract_id} ends that first; then try again"
        )


def _land(
    home: Home,
    held: Lease,
    batch: Batch,
    contract: Contract,
    key: str,
    extraction: Extraction | None,
    order: Order,
    note: Mapping[str, Any],
) -> dict[str, str]:
    """Write the batch's folder and close it as landed; returns the columns with their type."""
    started = time.monotonic()
    folder = batch_folder(home.settings, contract.id, batch.seq)
    draft = folder.with_name(f".draft-{batch.seq:08d}")
    draft.mkdir(parents=True)
    drifted: list[dict[str, Any]] = []
    if extraction is None:
        extraction, drifted = _opened(home, contract, batch, order)
    with Engine(home.settings) as engine:
        path = draft / "rows.parquet"
        _write_rows(engine, extraction, contract, path, key)
        manifest = _manifest(engine, batch, contract, extraction, path)
        empty = _without_cursor(engine, contract, path) if batch.kind == "delivery" else []
        manifest |= _write_deletes(engine, extraction, contract, draft / "deletes.parquet", key)
        if batch.kind == "delivery":
            manifest |= described_source(engine, contract, extraction, parquet([path]))
            drifted += landed_drift(engine, home, contract, manifest, parquet([path]))
    if not has_all(extraction.notes):
        manifest |= {"notes": [{"kind": item.kind, "message": item.message} for item in extraction.notes]}
    if note:
        manifest |= {"kind": batch.kind, "origin": batch.origin, "note": dict(note)}
    check_complete(contract.id, manifest)
    manifest["seal"] = seal(key, manifest, path)
    (draft / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1))
    _sync(path)
    draft.replace(folder)
    seconds = {"land": round(time.monotonic() - started, 3)}
    notes: list[dict[str, Any]] = [dict(note)] if note else []
    notes += notes_of(extraction.notes)
    counts: dict[str, Any] = {name: manifest[name] for name in ("read", "landed", "unreadable")}
    notes += moved_note(home, contract) if batch.kind == "delivery" and extraction.is_whole else []
    progress: dict[str, Any] = {"scope": manifest["scope"], "tracking": tracking_after(home, contract, extraction)}
    notes += [*drifted, *empty, *unreadable_notes(extraction.unreadable.stretches)]
    set_landed(home.catalog, held, batch.batch_id, **counts, notes=notes, seconds=seconds, **progress)
    return dict.fromkeys(_received(extraction), "text")


def _opened(home: Home, contract: Contract, batch: Batch, order: Order) -> tuple[Extraction, list[dict[str, Any]]]:
    """The source, also where columns of the contract are gone from it, as far as the contract lets the hub carry on; and notes of that.

    Then all of it is read: the few rows of a part say little of what a column is called now, and the others would keep what they had.
    """
    connections, orderer = load_connections(settings=home.settings), batch.actor if order.outside_window else None
    try:
        return extract(contract, connections, next_request(home, contract, batch, order), outside_window_by=orderer), []
    except ColumnsMissing as error:
        if order.period:
            raise
        missing = error
    spared, request = without_missing(contract, missing), next_request(home, contract, batch, replace(order, full=True))
    return adapted(home, contract, extract(spared, connections, request, outside_window_by=orderer), missing)


def check_columns(contract: Contract, extraction: Extraction) -> None:
    """Raise SourceError where the columns of a source cannot be landed, whatever its rows are: too many, or names that clash."""
    names = _received(extraction) if extraction.has_record_ids else extraction.schema.names
    _refuse_clashes(contract, names)
    columns = _received(extraction)
    if len(columns) > MOST_COLUMNS:
        is_unnamed = any(name.startswith(UNNAMED) for name in columns)
        raise SourceError(
            f"{contract.id}: the source has {len(columns):,} columns to land, the most is {MOST_COLUMNS:,}; the contract needs "
            f"{len(contract.source_columns)}",
            hint="columns without a name are mostly empty ones to the right of the table: ask the department to export the table alone"
            if is_unnamed
            else "where values stand in the place of names, ask the department for a record a row, and a column for the names",
        )


def _received(extraction: Extraction) -> list[str]:
    return [name for name in extraction.schema.names if name not in SYSTEM_COLUMNS]


def _refuse_clashes(contract: Contract, names: Sequence[str]) -> None:
    """The engine does not tell names apart by capitals, so one column would be landed as another; and some names are the hub's own."""
    counts = Counter(name.lower() for name in names)
    clashing = [name for name in names if counts[name.lower()] > 1 or (name.lower() in RESERVED_NAMES and name != "_position")]
    if clashing:
        raise SourceError(
            f"{contract.id}: columns of the source differ only in capitals, or have names that the hub uses itself: {shown(clashing)}",
            hint="list those that are not needed under ignore in the contract, or have the source name them otherwise",
        )


def _write_rows(engine: Engine, extraction: Extraction, contract: Contract, path: Path, key: str) -> None:
    """Stream the extraction through the engine into one Parquet file with record ids and row digests."""
    check_columns(contract, extraction)
    columns = _received(extraction)
    record, content = row_expressions(contract, columns)
    if extraction.has_record_ids:
        record = "_record_id::uuid"
    select = ", ".join(
        [
            *map(quote, columns),
            "_position",
            f"{record} AS _record_id",
            f"{content} AS _row_digest",
        ]
    )
    parameters = {} if extraction.has_record_ids else {"record_key": key, "dataset": contract.id}
    with engine.streamed("arrivals", extraction.schema, extraction.batches):
        engine.run(
            f"COPY (SELECT {select} FROM arrivals) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_group_rows(columns)})",
            parameters,
            doing=f"landing {contract.id}",
        )


def _group_rows(columns: Sequence[str]) -> int:
    """Rows of a row group. The writer holds several groups, more of them while the disk is slow; of a table of 900 columns the usual 122,880
    rows take seconds and gigabytes to sort into columns. Many small groups would cost those who read them.
    """
    vectors = _GROUP_CELLS // len(columns) // _VECTOR_ROWS
    return _VECTOR_ROWS * max(1, min(_GROUP_ROWS // _VECTOR_ROWS, vectors))


def _write_deletes(engine: Engine, extraction: Extraction, contract: Contract, path: Path, key: str) -> dict[str, Any]:
    """The record ids of what the source says is gone, in a file beside the rows, and what the manifest, which is sealed, says of them."""
    if not extraction.deleted:
        return {}
    named = pa.Table.from_batches(extraction.deleted)
    is_told = "_record_id" in named.column_names
    record = "_record_id::uuid" if is_told else row_expressions(contract, list(contract.record_key))[0]
    engine.register("deleted", named)
    copy = f"COPY (SELECT DISTINCT {record} AS _record_id FROM deleted) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    parameters = {} if is_told else {"record_key": key, "dataset": contract.id}
    engine.run(copy, parameters, doing=f"landing deletes of {contract.id}")
    gone, upper, lower = engine.row(f"SELECT count(*), {digest_sums('_record_id')} FROM {parquet([path])}", doing="adding up digests")
    _sync(path)
    return {"deletes": gone, "deletes_digest": f"{combine(upper, lower):032x}"}


def _manifest(engine: Engine, batch: Batch, contract: Contract, extraction: Extraction, path: Path) -> dict[str, object]:
    """The account of what landed: counts, digests, what the source said of it, versions, and the position of every unreadable row."""
    plan = plan_digest(contract, _received(extraction), {})
    parts = landed_parts(engine, path, plan)
    landed = sum(rows for rows, _ in parts.values())
    claim = extraction.claim
    # Where the source has left out columns, it is held against what landed in the others.
    compared = parts if claim is None or claim.plan == plan else landed_parts(engine, path, claim.plan)
    return {
        "batch_id": batch.batch_id,
        "contract_id": contract.id,
        "contract_version": batch.contract_version,
        "standard_version": batch.standard_version,
        "scope": WHOLE if extraction.is_whole else PART,
        "columns": _received(extraction),
        "read": landed + len(extraction.unreadable),
        "landed": landed,
        "unreadable": len(extraction.unreadable),
        "digest": f"{sum(total for _, total in parts.values()) % MODULUS:032x}",
        "partitions": written(parts),
        "source": None if claim is None else said(claim, compared, len(extraction.unreadable)),
        **({} if extraction.told is None else {TOLD: asdict(extraction.told)}),
        "files": [asdict(file) for file in extraction.files],
        "unreadable_rows": [_told(row) for row in extraction.unreadable.stretches],
    }


def _told(row: Unreadable) -> dict[str, object]:
    """An unreadable row; or the first of several with one reason, how many `rows` they are, and at each how manieth position (`step`)."""
    more = {"rows": row.rows, "step": row.step} if row.rows > 1 else {}
    return {"position": row.position, "reason": row.reason, **more}


def _without_cursor(engine: Engine, contract: Contract, path: Path) -> list[dict[str, object]]:
    """Rows that the cursor cannot place are read every time; many of them mean that it is the wrong column."""
    if contract.cursor is None:
        return []
    column = quote(contract.cursor.column)
    count = engine.value(f"SELECT count(*) FROM {parquet([path])} WHERE {column} IS NULL", doing="looking at the cursor")
    message = f"{count} {noun(count, 'row has', 'rows have')} nothing in the cursor column {contract.cursor.column}: read every time"
    return [{"kind": "cursor-empty", "message": message}] if count else []


def _remove_abandoned(home: Home, contract_id: str) -> None:
    """Remove what earlier runs of this dataset left half written; the lease says that no other is running."""
    parent = home.settings.landing / contract_id
    abandoned = [
        batch_folder(home.settings, contract_id, batch.seq)
        for batch in batches_of(home.catalog, contract_id)
        if batch.status == "abandoned"
    ]
    for leftover in [*parent.glob(".draft-*"), *abandoned]:
        shutil.rmtree(leftover, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
