"""Repairs: rows of quarantine that a department corrected and handed back.

A repair stands for the row it corrects: as long as the source sends that very row, the repaired one is judged and published in its place;
when the source sends another, that one counts. Landing always keeps what was received, both the source's row and the department's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from catalog.batches import Batch, batch_at, get_batch
from catalog.datasets import contract_at
from catalog.files import files_of
from contracts.model import Contract
from core.digests import row_digest
from core.engine import Engine, quote, uuid_literal
from pipeline.home import Home
from pipeline.landing import batch_folder, landed_rows, read_manifest
from pipeline.state import LOG_COLUMNS, Sought, log_source, standardized_table, state

# One line for every row that was run again and every row of the source that it stands for: several where they had one key.
REPAIR_COLUMNS = {
    "_record_id": "UUID",  # of the source's row
    "_batch_seq": "INTEGER",
    "_position": "BIGINT",
    "_row_digest": "UUID",
    "_source_digest": "UUID",
    "_accepted": "BOOLEAN",
    "_repaired_id": "UUID",  # of the repaired row, where its key was corrected
}
BORROWED = "borrowed"  # table: what `find_borrowed` leaves
REPAIR = "repair"  # kind of the note of a batch that says where repaired rows come from
CORRECTED = "corrected_keys"  # in that note: positions of rows whose key was corrected, each with where the row waited: position, batch
_MET = "s._record_id = l._record_id AND s._source_digest = l._row_digest"  # a row `l` of the source, and the repair `s` that stands for it
_MENDED = "coalesce(s._repaired_id, s._record_id)"  # the record that it is as repaired


@dataclass(frozen=True)
class Repair:
    """Where a repaired row comes from: the batch that took it in, the file, who handed it in, and when (UTC)."""

    batch_id: str
    file: str
    actor: str
    at: datetime


def source_digests(home: Home, batch: Batch, reading: Contract | None = None) -> str:
    """SQL for the source's own rows behind the rows of a batch: `_record_id` and `_position` of the row, `_source_id` and `_source_digest`: the
    digest that a delivered row has as a contract reads it, or where that cannot be told or none is given, as it was read then.
    """
    if batch.kind == "delivery":
        digest = (reading and _digest_as_read(home, batch, reading)) or "l._row_digest"
        own, standing = landed_rows(home.settings, batch), standing_repairs(home, batch)
        row_id, join = "l._record_id", ""
        if standing is not None:
            row_id, join = "coalesce(s._repaired_id, l._record_id)", f"LEFT JOIN {standing} s ON {_MET}"
        columns = f"{row_id} AS _record_id, l._position, l._record_id AS _source_id, {digest} AS _source_digest"
        return f"(SELECT {columns} FROM {own} l {join})"
    files = [file for file in files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",)) if file.seq == batch.seq]
    columns = "coalesce(_repaired_id, _record_id) AS _record_id, _position, _record_id AS _source_id, _source_digest"
    return f"(SELECT {columns} FROM {_source(home, batch.contract_id, files)})"


def corrected_keys(batch: Batch) -> list[tuple[int, int, int]]:
    """The rows of a batch whose key was corrected: the position of each, and where the row that it repairs waited: number of the batch, position."""
    found = [(position, place, seq) for note in batch.notes for position, place, *seq in note.get(CORRECTED, ())]
    # Batches from before this was kept have the place in their origin.
    return [(position, seq[0] if seq else int(str(batch.origin).rpartition("@")[2]), place) for position, place, seq in found]


def repair_rows(home: Home, engine: Engine, batch: Batch, accepted: str, waiting: str) -> str:
    """SQL for the lines that a batch of rows run again adds to the repairs; `accepted` is a relation with the `_position` of what passed,
    `waiting` one of what waited before it.
    """
    rows = landed_rows(home.settings, batch)
    behind = _behind_waiting(home, engine, batch, rows, waiting)
    pairs = _own_pairs(home, batch, rows, behind, waiting) if batch.kind == "replay" else _pairs(batch, rows, behind, waiting)
    return (
        f"SELECT p._source_id AS _record_id, {batch.seq}::integer AS _batch_seq, l._position, l._row_digest, p._source_digest, "
        f"l._position IN (SELECT _position FROM {accepted}) AS _accepted, nullif(l._record_id, p._source_id) AS _repaired_id "
        f"FROM {rows} l JOIN ({pairs}) p USING (_position)"
    )


def _behind_waiting(home: Home, engine: Engine, batch: Batch, rows: str, waiting: str) -> str:
    """SQL for the source's rows behind those of the batches under which records of a batch wait by now, whichever batch it names: `_batch_seq`,
    and what `source_digests` has.
    """
    met = f"SELECT DISTINCT _batch_seq FROM {waiting} WHERE _record_id IN (SELECT _record_id FROM {rows})"
    seqs = {seq for (seq,) in engine.rows(met, doing="reading quarantine")} | {seq for _, seq, _ in corrected_keys(batch)}
    # Where no row of a file was taken, nothing is met.
    batches, reading = [batch_at(home.catalog, batch.contract_id, seq) for seq in sorted(seqs or {batch.seq})], _contract_of(home, batch)
    return f"({' UNION ALL '.join(f'SELECT {item.seq} AS _batch_seq, * FROM {source_digests(home, item, reading)}' for item in batches)})"


def _still(behind: str, waiting: str) -> str:
    """SQL for those of them that wait: a row that got a key of its own in the meantime is another's no more."""
    waits = f"FROM {behind} SEMI JOIN {waiting} USING (_record_id, _batch_seq, _position)"
    return f"(SELECT DISTINCT _record_id, _source_id, _source_digest {waits})"


def _own_pairs(home: Home, batch: Batch, rows: str, behind: str, waiting: str) -> str:
    """SQL for the source's rows that each row run again as it was stands for: those behind itself."""
    assert batch.origin is not None
    origin = source_digests(home, get_batch(home.catalog, batch.origin), _contract_of(home, batch))
    return (
        f"SELECT l._position, s._source_id, s._source_digest FROM {rows} l JOIN {origin} s USING (_record_id, _position) "
        f"SEMI JOIN {_still(behind, waiting)} w USING (_record_id, _source_id, _source_digest)"
    )


def _pairs(batch: Batch, rows: str, behind: str, waiting: str) -> str:
    """SQL for the source's rows that each row of a file stands for."""
    places = ", ".join(map(str, corrected_keys(batch))) or "(NULL::bigint, NULL::integer, NULL::bigint)"
    # Where several rows have one key, the one that was chosen stands for all of them, except for those that got a key of their own.
    return (
        f"WITH behind AS {behind}, corrected (line, seq, place) AS (VALUES {places}), "
        "own AS (SELECT c.line, b._source_id, b._source_digest FROM corrected c JOIN behind b ON b._batch_seq = c.seq AND b._position = c.place) "
        f"SELECT l._position, s._source_id, s._source_digest FROM {rows} l JOIN {_still('behind', waiting)} s USING (_record_id) "
        "WHERE l._position NOT IN (SELECT line FROM own) AND (s._source_id, s._source_digest) NOT IN (SELECT (_source_id, _source_digest) FROM own) "
        "UNION ALL SELECT * FROM own"
    )


def delivered_rows(home: Home, batch: Batch) -> str:
    """SQL for the rows of a batch as they are judged: as received, a repaired one in the place of each that a repair stands for."""
    rows, standing = landed_rows(home.settings, batch), standing_repairs(home, batch)
    manifest = read_manifest(home.settings, batch)
    if standing is None or manifest is None:
        return rows
    repaired, known = _repaired_rows(home, _repairing(home, batch))
    columns = [quote(name) if name in known else f"NULL AS {quote(name)}" for name in manifest["columns"]]
    names = ", ".join([*columns, "r._record_id", "r._row_digest"])
    return (
        f"(SELECT * FROM {rows} l WHERE NOT EXISTS (SELECT 1 FROM {standing} s WHERE {_MET}) UNION ALL BY NAME "
        f"SELECT {names}, l._position FROM (SELECT _position, _record_id, _row_digest FROM {rows}) l JOIN {standing} s ON {_MET} "
        f"JOIN {repaired} r ON r._repair_seq = s._repair_seq AND r._repair_position = s._repair_position)"
    )


def standing_repairs(home: Home, batch: Batch) -> str | None:
    """SQL for the repairs that stand for rows of a delivery: `_record_id`, `_source_digest`, `_repaired_id`, `_repair_seq`,
    `_repair_position`. One that corrected a key stands until the source itself sends a record with that key.
    """
    seqs = [item.seq for item in _repairing(home, batch)]
    if not seqs:
        return None
    files = [file for file in files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",)) if file.seq in seqs]
    last = (
        f"(SELECT _record_id, _source_digest, _repaired_id, _batch_seq AS _repair_seq, _position AS _repair_position "
        f"FROM {_source(home, batch.contract_id, files)} WHERE _accepted AND _source_digest <> _row_digest "
        "QUALIFY row_number() OVER (PARTITION BY _record_id, _source_digest ORDER BY _batch_seq DESC) = 1)"
    )
    sent = f"(SELECT _record_id FROM {landed_rows(home.settings, batch)})"
    return f"(SELECT * FROM {last} WHERE _repaired_id IS NULL OR _repaired_id NOT IN {sent})"


def repaired_records(home: Home, contract_id: str) -> str | None:
    """SQL for the records that were ever repaired; None where none was."""
    files = files_of(home.catalog, standardized_table(contract_id), ("repairs",))
    return f"(SELECT _record_id FROM {_source(home, contract_id, files)})" if files else None


def has_corrected_keys(home: Home, contract_id: str) -> bool:
    """Whether a repair has ever corrected a key, so that what becomes of one record depends on which others the source sends beside it."""
    files = files_of(home.catalog, standardized_table(contract_id), ("repairs",))
    return any(corrected_keys(batch_at(home.catalog, contract_id, file.seq)) for file in files)


def find_borrowed(engine: Engine, home: Home, batch: Batch, waiting: str) -> None:
    """Leave table BORROWED: records that are accepted, or among those `waiting`, only because a repair gave a row of the source their key
    (`_repaired_id`), and that row's id (`_record_id`); and table `given_keys`: these, and all that ever were accepted so."""
    table = standardized_table(batch.contract_id)
    repairs = _source(home, batch.contract_id, files_of(home.catalog, table, ("repairs",)))
    still = "w._record_id = r._repaired_id AND w._batch_seq = r._batch_seq AND w._position = r._position"
    engine.run(f"CREATE TABLE {BORROWED} AS SELECT r._record_id, r._repaired_id FROM {repairs} r SEMI JOIN {waiting} w ON {still}")
    given = f"SELECT _record_id, _repaired_id FROM {repairs} WHERE _accepted AND _repaired_id IS NOT NULL UNION ALL FROM {BORROWED}"
    engine.run(f"CREATE TABLE given_keys AS {given}", doing="reading repairs")
    sought = Sought(engine, "SELECT DISTINCT _repaired_id FROM given_keys")
    lines = state(home, table, {name: LOG_COLUMNS[name] for name in ("_record_id", "_batch_seq", "_position")}, only=sought)
    engine.run(f"CREATE TABLE given_lines AS SELECT * FROM {lines}", doing="reading the accepted state")
    for (seq,) in engine.rows("SELECT DISTINCT _batch_seq FROM given_lines ORDER BY 1"):
        origin = batch_at(home.catalog, batch.contract_id, seq)
        if batch_folder(home.settings, batch.contract_id, seq).exists():
            behind = f"SELECT _position FROM {source_digests(home, origin)} WHERE _source_id <> _record_id"
            mine = f"SELECT _record_id FROM given_lines WHERE _batch_seq = {seq} AND _position IN ({behind})"
            engine.run(f"INSERT INTO {BORROWED} SELECT * FROM given_keys WHERE _repaired_id IN ({mine})", doing="reading repairs")


def count_unsettled(engine: Engine, own: str, named: str | None) -> int:
    """How many records with a key that a repair once gave a row a part brings as the source's own, or names as gone, without a word of that
    row: whether it waits again, or is again what the repair made of it, only all of the source tells. `own` are the rows as it sent them.
    """
    sent = f"SELECT _record_id FROM {own}"
    gone = f"SELECT _record_id FROM {named}" if named else "SELECT NULL::uuid WHERE false"
    count: int = engine.value(
        f"SELECT count(DISTINCT _repaired_id) FROM given_keys WHERE _record_id NOT IN ({sent} UNION ALL {gone}) "
        f"AND (_repaired_id IN ({gone}) OR _repaired_id IN (SELECT _repaired_id FROM {BORROWED} WHERE _repaired_id IN ({sent})))",
        doing="reading repairs",
    )
    return count


def with_repaired(own: str, named: str | None) -> str:
    """SQL for the ids of records that a part says are gone: those it names, and those that a repair made of rows that it names or sends anew.
    `own` are the rows as the source sent them. What a repair still makes of one of them is among the rows that are compared, and so not gone.
    """
    sources = [f"SELECT _record_id FROM {rows}" for rows in (own, named) if rows]
    made = f"SELECT _repaired_id AS _record_id FROM {BORROWED} WHERE _record_id IN ({' UNION ALL '.join(sources)})"
    return f"({' UNION ALL '.join([made, *sources[1:]])})"


def count_repaired(home: Home, engine: Engine, batch: Batch) -> int:
    """How many rows of a delivery are rows that a repair stands for."""
    standing = standing_repairs(home, batch)
    if standing is None:
        return 0
    count: int = engine.value(
        f"SELECT count(*) FROM {landed_rows(home.settings, batch)} l JOIN {standing} s ON {_MET}", doing="counting repaired rows"
    )
    return count


def count_lapsed(home: Home, engine: Engine, batch: Batch, rows: str) -> int:
    """How many rows of a relation are records that were repaired while the contract read other columns: whether the source still sends what was
    repaired then, nobody can tell.
    """
    if batch.kind != "delivery":
        return 0
    files = files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",), batch.seq - 1)
    versions = {file.seq: batch_at(home.catalog, batch.contract_id, file.seq).contract_version for file in files}
    contracts = {version: contract_at(home.catalog, batch.contract_id, version) for version in {batch.contract_version, *versions.values()}}
    other = [seq for seq, version in versions.items() if not _reads_alike(contracts[batch.contract_version], contracts[version])]
    if not other:
        return 0
    # By its newest repair: a record may have been repaired again since.
    repaired = (
        f"SELECT _record_id, _batch_seq FROM {_source(home, batch.contract_id, files)} WHERE _accepted AND _source_digest <> _row_digest "
        "QUALIFY row_number() OVER (PARTITION BY _record_id ORDER BY _batch_seq DESC) = 1"
    )
    sought = f"SELECT _record_id FROM ({repaired}) WHERE _batch_seq IN ({', '.join(map(str, other))})"
    count: int = engine.value(f"SELECT count(*) FROM {rows} WHERE _record_id IN ({sought})", doing="counting repairs of other columns")
    return count


def repairs_of(home: Home, engine: Engine, batch: Batch, record_ids: Sequence[UUID]) -> dict[UUID, Repair]:
    """The repairs that rows of records in a batch come from; without those that are as the source sent them."""
    if batch.kind == "repair":
        return dict.fromkeys(record_ids, _described(batch))
    if batch.kind == "replay":
        assert batch.origin is not None
        return repairs_of(home, engine, get_batch(home.catalog, batch.origin), record_ids)
    if not batch_folder(home.settings, batch.contract_id, batch.seq).exists():
        return {}
    standing = standing_repairs(home, batch)
    if standing is None:
        return {}
    found = engine.rows(
        f"SELECT {_MENDED}, s._repair_seq FROM {landed_rows(home.settings, batch)} l JOIN {standing} s ON {_MET} "
        f"WHERE {_MENDED} IN ({', '.join(map(uuid_literal, record_ids))})",
        doing="looking for a repair",
    )
    # A row that was repaired and then run again without a change still comes from the file.
    by_batch = {seq: [record_id for record_id, of in found if of == seq] for seq in {seq for _, seq in found}}
    repairs = [repairs_of(home, engine, batch_at(home.catalog, batch.contract_id, seq), mine) for seq, mine in by_batch.items()]
    return {record_id: repair for some in repairs for record_id, repair in some.items()}


def _described(batch: Batch) -> Repair:
    note = next((item for item in batch.notes if item["kind"] == REPAIR), {})
    return Repair(batch.batch_id, str(note.get("file", "")), batch.actor, batch.started_at)


def _repairing(home: Home, batch: Batch) -> list[Batch]:
    """Batches whose repairs can stand for rows of a delivery: accepted before it, still in landing, and read by the same columns."""
    if batch.kind != "delivery":
        return []
    files = files_of(home.catalog, standardized_table(batch.contract_id), ("repairs",), batch.seq - 1)
    found = [batch_at(home.catalog, batch.contract_id, file.seq) for file in files]
    contract = _contract_of(home, batch) if found else None
    return [
        item
        for item in found
        if contract is not None
        and _reads_alike(contract, _contract_of(home, item))
        and batch_folder(home.settings, item.contract_id, item.seq).exists()
    ]


def _digest_as_read(home: Home, batch: Batch, contract: Contract) -> str | None:
    """SQL for the digest that a row `l` of a delivery has as a contract reads it; None where it cannot be told, since the contract reads what was
    not read then, or makes other records of it.
    """
    own = _contract_of(home, batch)
    if _reads_alike(own, contract):
        return "l._row_digest"
    manifest, is_same_record = read_manifest(home.settings, batch), own.record_key == contract.record_key and not own.whole_row_is_key
    if manifest is None or not is_same_record or not set(contract.source_columns) <= set(manifest["columns"]):
        return None
    return row_digest([f"l.{quote(name)}" for name in contract.source_columns])


def _contract_of(home: Home, batch: Batch) -> Contract:
    return contract_at(home.catalog, batch.contract_id, batch.contract_version)


def _reads_alike(one: Contract, other: Contract) -> bool:
    """Whether rows have the same record ids and digests under two versions of a contract."""
    return (one.record_key, one.source_columns) == (other.record_key, other.source_columns)


def _repaired_rows(home: Home, batches: Sequence[Batch]) -> tuple[str, set[str]]:
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
