"""Repaired rows as a department hands them back: each is matched to the row in quarantine that it repairs, or refused with the reason."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from catalog.batches import Batch, get_batch
from connectors.extraction import Extraction, Unreadable, text_schema
from contracts.model import Contract
from core.engine import Engine
from core.errors import RequestError
from pipeline.home import Home
from pipeline.landing import read_manifest
from pipeline.repair_file import BATCH, NOTE, PLACE, POSITION, RECORD, HandedRow, is_as_handed_out, read_handed_back, unescaped
from pipeline.repairs import delivered_rows, source_digests
from pipeline.waiting import pointers_of, waiting_pointers

RECORD_ID = "_record_id"
Raw = Mapping[str, str | None]


@dataclass(frozen=True)
class _Row:
    """A row that the batch set aside: as it was judged, and the digest of the source's own row behind it."""

    position: int
    record_id: UUID
    raw: Raw
    source_digest: UUID


@dataclass(frozen=True)
class Quarantined:
    """What a batch set aside, and which of it still waits: by record the digests of the source's rows that wait."""

    batch: Batch
    columns: tuple[str, ...]
    rows: Mapping[tuple[UUID, int], _Row]
    waits: Mapping[UUID, frozenset[UUID]]

    def is_waiting(self, row: _Row) -> bool:
        """Whether the source has sent nothing else since, and nobody has repaired it."""
        return row.source_digest in self.waits.get(row.record_id, frozenset())


def read_quarantined(home: Home, batch: Batch) -> Quarantined:
    """The rows that a batch set aside. Raises RequestError where there are none, or where its rows are no longer kept."""
    pointers, manifest = pointers_of(home, batch), read_manifest(home.settings, batch)
    if batch.status != "accepted" or pointers is None:
        raise RequestError(f"{batch.batch_id} has no rows in quarantine", hint="./hub status says which batch of a dataset has")
    if manifest is None:
        raise RequestError(
            f"the rows of {batch.batch_id} are no longer kept", hint="sync the dataset, and use the rows that are rejected then"
        )
    columns = tuple(manifest["columns"])
    with Engine(home.settings) as engine:
        found = engine.records(
            f"SELECT l.*, d._source_digest FROM {delivered_rows(home, batch)} l JOIN {pointers} q USING (_position) "
            f"JOIN (SELECT _record_id, _position, min(_source_digest) AS _source_digest FROM {source_digests(home, batch)} GROUP BY ALL) d "
            "ON d._position = l._position ORDER BY l._position",
            doing="reading quarantined rows",
        )
        rows = [_Row(row["_position"], row[RECORD_ID], {name: row[name] for name in columns}, row["_source_digest"]) for row in found]
        waits = _waits(home, engine, batch.contract_id)
    return Quarantined(batch, columns, {(row.record_id, row.position): row for row in rows}, waits)


def _waits(home: Home, engine: Engine, contract_id: str) -> dict[UUID, frozenset[UUID]]:
    pointers = waiting_pointers(home, contract_id)
    if pointers is None:
        return {}
    waits: dict[UUID, set[UUID]] = {}
    for (seq,) in engine.rows(f"SELECT DISTINCT _batch_seq FROM {pointers} ORDER BY 1", doing="reading quarantine"):
        behind = source_digests(home, get_batch(home.catalog, f"{contract_id}@{seq}"))
        query = f"SELECT q._record_id, d._source_digest FROM {pointers} q JOIN {behind} d USING (_position) WHERE q._batch_seq = {seq}"
        for record_id, digest in engine.rows(query, doing="reading quarantine"):
            waits.setdefault(record_id, set()).add(digest)
    return {record_id: frozenset(digests) for record_id, digests in waits.items()}


@dataclass(frozen=True)
class HandedBack:
    """A file that came back: what of it can be run again, what is refused, and what identifies the file."""

    extraction: Extraction
    rows: int
    file: str
    sha256: str


def take_back(quarantined: Quarantined, contract: Contract, path: Path, others: frozenset[str] | None = frozenset()) -> HandedBack:
    """Match the rows of a file with those in quarantine. A row that fits none is `unreadable`, with its number in the file and the reason.

    Rows that say they are of `others` (batch ids) are left for those; with None, all that are not of this batch.
    """
    header, handed = read_handed_back(path)
    handed = [row for row in handed if _is_for(quarantined.batch.batch_id, row.values.get(BATCH, "").strip(), others)]
    notes = {name for name in header if name.endswith(NOTE) and name not in quarantined.columns}
    foreign = [name for name in header if name and name not in (*PLACE, *quarantined.columns, *notes)]
    missing = [name for name in quarantined.columns if name not in header]
    hint = "leave the header as it was handed out"
    if foreign:
        raise RequestError(f"{path.name} has columns that were not handed out: {', '.join(foreign)}", hint=hint)
    if missing:
        raise RequestError(f"{path.name} lacks the columns {', '.join(missing)}", hint=hint)
    often = Counter(row.values.get(RECORD, "").strip().lower() for row in handed)
    schema = text_schema((*quarantined.columns, RECORD_ID))
    extraction = Extraction(schema, iter(()), is_whole=False, has_record_ids=True)
    good: list[tuple[HandedRow, _Row]] = []
    for row in handed:
        origin, reason = _matched(quarantined, contract, row, often[row.values.get(RECORD, "").strip().lower()] > 1)
        if origin is None:
            extraction.unreadable.append(Unreadable(row.line, reason))
        else:
            good.append((row, origin))
    extraction.batches = iter([_batch(quarantined, good, schema)] if good else [])
    return HandedBack(extraction, len(handed), path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _is_for(batch_id: str, named: str, others: frozenset[str] | None) -> bool:
    return named == batch_id if others is None else named not in others


def _matched(quarantined: Quarantined, contract: Contract, row: HandedRow, is_double: bool) -> tuple[_Row | None, str]:
    """The row in quarantine that a row of the file repairs, or the reason why it repairs none."""
    batch, position, record_id = (row.values.get(name, "").strip() for name in PLACE)
    if batch != quarantined.batch.batch_id:
        return None, f"column {BATCH}: the row is not from {quarantined.batch.batch_id}"
    origin = quarantined.rows.get((_uuid(record_id), int(position))) if _uuid(record_id) and position.isdecimal() else None
    if origin is None:
        return None, f"columns {POSITION} and {RECORD}: the batch has set no such row aside"
    if is_double:
        return None, f"column {RECORD}: the record stands in the file more than once; keep the row that is right"
    if not quarantined.is_waiting(origin):
        return None, f"column {RECORD}: the row does not wait in quarantine any more: the source has sent another since, or it was repaired"
    if row.rounded:
        return None, _unusable(row.rounded)
    changed = [name for name in _key(contract) if _value(row, origin, name) != origin.raw[name]]
    if changed:
        return None, f"column {', '.join(changed)}: the key of the record was changed; a record with another key comes from the source"
    return origin, ""


def _unusable(columns: Sequence[str]) -> str:
    named = [name for name in columns if name]
    if not named:
        return "there are more cells than columns"
    return f"column {', '.join(named)}: the spreadsheet has rounded a long number; write it as text"


def _key(contract: Contract) -> Sequence[str]:
    return () if contract.whole_row_is_key else contract.record_key


def _value(row: HandedRow, origin: _Row, name: str) -> str | None:
    """The value of a cell. One that is as it was handed out is what it was, absent or empty."""
    text, before = row.values.get(name, ""), origin.raw[name]
    return before if is_as_handed_out(text, before) else unescaped(text) or None


def _uuid(text: str) -> Any:
    try:
        return UUID(text)
    except ValueError:
        return None


def _batch(quarantined: Quarantined, good: Sequence[tuple[HandedRow, _Row]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([_value(row, origin, name) for row, origin in good], pa.string()) for name in quarantined.columns]
    ids = pa.array([str(origin.record_id) for _, origin in good], pa.string())
    return pa.RecordBatch.from_arrays([*columns, ids, pa.array([row.line for row, _ in good], pa.int64())], schema=schema)


def as_they_were(quarantined: Quarantined) -> Extraction:
    """The rows of a batch that still wait, to be run again without a change; those that do not wait any more are left where they are."""
    schema = text_schema((*quarantined.columns, RECORD_ID))
    rows = [row for row in quarantined.rows.values() if quarantined.is_waiting(row)]

    def batches() -> Iterator[pa.RecordBatch]:
        columns = [pa.array([row.raw[name] for row in rows], pa.string()) for name in quarantined.columns]
        ids = pa.array([str(row.record_id) for row in rows], pa.string())
        yield pa.RecordBatch.from_arrays([*columns, ids, pa.array([row.position for row in rows], pa.int64())], schema=schema)

    return Extraction(schema, batches() if rows else iter(()), is_whole=False, has_record_ids=True)
