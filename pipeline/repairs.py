"""Repairs: rows of quarantine that a department corrected and handed back.

A repair stands for the row it corrects: as long as the source sends that very row, the repaired one is judged and published in its place;
when the source sends another, that one counts. Landing always keeps what was received, both the source's row and the department's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.batches import Batch, get_batch
from catalog.datasets import contract_at
from catalog.files import files_of
from contracts.model import Contract
from core.engine import Engine, quote, uuid_literal
from pipeline.home import Home
from pipeline.landing import batch_folder, landed_rows, read_manifest
from pipeline.state import log_source, standardized_table

# One line for every row that was run again and every row of the source that it stands for: several where they had one key.
REPAIR_COLUMNS = {
    "_record_id": "UUID",
    "_batch_seq": "INTEGER",
    "_position": "BIGINT",
    "_row_digest": "UUID",
    "_source_digest": "UUID",
    "_accepted": "BOOLEAN",
}
REPAIR = "repair"  # kind of the note of a batch that says where repaired rows come from


@dataclass(frozen=True)
class Repair:
    """Where a repaired row comes from: the batch that took it in, the file, who handed it in, and when (UTC)."""

    batch_id: str
    file: str
    actor: str
    at: datetime


def source_digests(home: Home, batch: Batch) -> str:
    """SQL for the digests that the source's own rows have behind the rows of a batch: `_record_id`, `_position`, `_source_digest`."""
    if batch.kind == "delivery":
        return f"(SELECT _record_id, _position, _row_digest AS _source_digest FROM {landed_rows(home.settings, batch)})"
    files = [file for file in files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",)) if file.seq == batch.seq]
    return f"(SELECT _record_id, _position, _source_digest FROM {_source(home, batch.contract_id, files)})"


def repair_rows(home: Home, batch: Batch, accepted: str) -> str:
    """SQL for the lines that a batch of rows run again adds to the repairs; `accepted` is a relation with the `_position` of what passed."""
    assert batch.origin is not None
    origin = get_batch(home.catalog, batch.origin)
    # A row of the origin stands for its record: where several have one key, the one that was chosen stands for all of them.
    behind = f"(SELECT DISTINCT _record_id, _source_digest FROM {source_digests(home, origin)})"
    return (
        f"SELECT l._record_id, {batch.seq}::integer AS _batch_seq, l._position, l._row_digest, s._source_digest, "
        f"l._position IN (SELECT _position FROM {accepted}) AS _accepted "
        f"FROM {landed_rows(home.settings, batch)} l JOIN {behind} s USING (_record_id)"
    )


def delivered_rows(home: Home, batch: Batch) -> str:
    """SQL for the rows of a batch as they are judged: as received, a repaired one in the place of each that a repair stands for."""
    rows, standing = landed_rows(home.settings, batch), standing_repairs(home, batch)
    manifest = read_manifest(home.settings, batch)
    if standing is None or manifest is None:
        return rows
    repaired, known = _repaired_rows(home, batch.contract_id, _repairing(home, batch))
    columns = [quote(name) if name in known else f"NULL AS {quote(name)}" for name in manifest["columns"]]
    names = ", ".join([*columns, "r._record_id", "r._row_digest"])
    met = "s._record_id = l._record_id AND s._source_digest = l._row_digest"
    return (
        f"(SELECT * FROM {rows} l WHERE NOT EXISTS (SELECT 1 FROM {standing} s WHERE {met}) UNION ALL BY NAME "
        f"SELECT {names}, l._position FROM (SELECT _position, _record_id, _row_digest FROM {rows}) l JOIN {standing} s ON {met} "
        f"JOIN {repaired} r ON r._repair_seq = s._repair_seq AND r._repair_position = s._repair_position)"
    )


def standing_repairs(home: Home, batch: Batch) -> str | None:
    """SQL for the repairs that stand for rows of a delivery: `_record_id`, `_source_digest`, `_repair_seq`, `_repair_position`."""
    seqs = [item.seq for item in _repairing(home, batch)]
    if not seqs:
        return None
    files = [file for file in files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",)) if file.seq in seqs]
    return (
        f"(SELECT _record_id, _source_digest, _batch_seq AS _repair_seq, _position AS _repair_position "
        f"FROM {_source(home, batch.contract_id, files)} WHERE _accepted AND _source_digest <> _row_digest "
        "QUALIFY row_number() OVER (PARTITION BY _record_id, _source_digest ORDER BY _batch_seq DESC) = 1)"
    )


def count_repaired(home: Home, engine: Engine, batch: Batch) -> int:
    """How many rows of a delivery are rows that a repair stands for."""
    standing = standing_repairs(home, batch)
    if standing is None:
        return 0
    met = "s._record_id = l._record_id AND s._source_digest = l._row_digest"
    count: int = engine.value(
        f"SELECT count(*) FROM {landed_rows(home.settings, batch)} l JOIN {standing} s ON {met}", doing="counting repaired rows"
    )
    return count


def repair_of(home: Home, engine: Engine, batch: Batch, record_id: Any) -> Repair | None:
    """The repair that a record's row in a batch comes from; None where it is as the source sent it."""
    if batch.kind == "repair":
        return _described(batch)
    if batch.kind == "replay":
        assert batch.origin is not None
        return repair_of(home, engine, get_batch(home.catalog, batch.origin), record_id)
    standing = standing_repairs(home, batch)
    if standing is None or not batch_folder(home.settings, batch.contract_id, batch.seq).exists():
        return None
    found = engine.rows(
        f"SELECT s._repair_seq FROM {landed_rows(home.settings, batch)} l JOIN {standing} s "
        f"ON s._record_id = l._record_id AND s._source_digest = l._row_digest WHERE l._record_id = {uuid_literal(record_id)}",
        doing="looking for a repair",
    )
    # A row that was repaired and then run again without a change still comes from the file.
    return repair_of(home, engine, get_batch(home.catalog, f"{batch.contract_id}@{found[0][0]}"), record_id) if found else None


def _described(batch: Batch) -> Repair:
    note = next((item for item in batch.notes if item["kind"] == REPAIR), {})
    return Repair(batch.batch_id, str(note.get("file", "")), batch.actor, batch.started_at)


def _repairing(home: Home, batch: Batch) -> list[Batch]:
    """Batches whose repairs can stand for rows of a delivery: accepted before it, still in landing, and read by the same columns."""
    if batch.kind != "delivery":
        return []
    files = files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",), batch.seq - 1)
    found = [get_batch(home.catalog, f"{batch.contract_id}@{file.seq}") for file in files]
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version) if found else None
    return [
        item
        for item in found
        if contract is not None
        and _reads_alike(contract, contract_at(home.catalog, item.contract_id, item.contract_version))
        and batch_folder(home.settings, item.contract_id, item.seq).exists()
    ]


def _reads_alike(one: Contract, other: Contract) -> bool:
    """Whether rows have the same record ids and digests under two versions of a contract."""
    return (one.record_key, one.source_columns) == (other.record_key, other.source_columns)


def _repaired_rows(home: Home, contract_id: str, batches: Sequence[Batch]) -> tuple[str, set[str]]:
    """SQL for the landed rows of several repairs, and the source's columns that they have."""
    manifests: dict[int, Mapping[str, Any]] = {item.seq: read_manifest(home.settings, item) or {"columns": []} for item in batches}
    parts = [
        f"SELECT * EXCLUDE (_position), {item.seq}::integer AS _repair_seq, _position AS _repair_position "
        f"FROM {landed_rows(home.settings, item)}"
        for item in batches
    ]
    return f"({' UNION ALL BY NAME '.join(parts)})", {name for manifest in manifests.values() for name in manifest["columns"]}


def _source(home: Home, contract_id: str, files: Sequence[Any]) -> str:
    return log_source(home, f"{standardized_table(contract_id)}/repairs", REPAIR_COLUMNS, files)
