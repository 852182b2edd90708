"""Repaired rows as a department hands them back: each is matched to the row in quarantine that it repairs, or refused with the reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa

from catalog.batches import Batch, get_batch
from connectors.extraction import Extraction, Unreadable, text_schema
from contracts.model import Contract
from core.digests import record_id
from core.engine import Engine
from core.errors import RequestError
from core.keys import RECORD_KEY, load_key
from pipeline.handed_file import HandedFile, HandedRow
from pipeline.home import Home
from pipeline.landing import read_manifest
from pipeline.repair_file import BATCH, NOTE, PLACE, POSITION, RECORD, is_as_handed_out, unescaped
from pipeline.repairs import delivered_rows, source_digests
from pipeline.row_issues import concerned
from pipeline.state import Sought, standardized_table, state
from pipeline.waiting import pointers_of, waiting_pointers
from standards.loader import load_standards

RECORD_ID = "_record_id"
_WHICH = "./hub status says which batch of a dataset has"
Raw = Mapping[str, str | None]
Waits = Mapping[UUID, frozenset[UUID]]


@dataclass(frozen=True)
class _Row:
    """A row that the batch set aside: as it was judged, and the digest of the source's own row behind it."""

    position: int
    record_id: UUID
    raw: Raw
    source_digest: UUID
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Quarantined:
    """What a batch set aside, and which of it still waits: by record the digests of the source's rows that wait."""

    batch: Batch
    columns: tuple[str, ...]
    rows: Mapping[tuple[UUID, int], _Row]
    waits: Waits

    def is_waiting(self, row: _Row) -> bool:
        """Whether the source has sent nothing else since, and nobody has repaired it."""
        return row.source_digest in self.waits.get(row.record_id, frozenset())


def read_quarantined(home: Home, batch: Batch, waits: Waits) -> Quarantined:
    """The rows that a batch set aside; `waits` is what waits of the dataset.

    Raises RequestError where there are none, or where its rows are no longer kept.
    """
    pointers, manifest = pointers_of(home, batch), read_manifest(home.settings, batch)
    if batch.status != "accepted" or pointers is None:
        hint = "it was stopped, and none of it waits: run the dataset again" if batch.status == "stopped" else _WHICH
        raise RequestError(f"{batch.batch_id} has no rows in quarantine", hint=hint)
    if manifest is None:
        raise RequestError(
            f"the rows of {batch.batch_id} are no longer kept", hint="sync the dataset, and use the rows that are rejected then"
        )
    columns = tuple(manifest["columns"])
    with Engine(home.settings) as engine:
        found = engine.records(
            f"SELECT l.*, d._source_digest, q.rules FROM {delivered_rows(home, batch)} l JOIN {pointers} q USING (_position) "
            f"JOIN (SELECT _position, min(_source_digest) AS _source_digest FROM {source_digests(home, batch)} GROUP BY ALL) d "
            "ON d._position = l._position ORDER BY l._position",
            doing="reading quarantined rows",
        )
        rows = [_row(row, columns) for row in found]
    return Quarantined(batch, columns, {(row.record_id, row.position): row for row in rows}, waits)


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> _Row:
    raw = {name: row[name] for name in columns}
    return _Row(row["_position"], row[RECORD_ID], raw, row["_source_digest"], tuple(row["rules"].split(";")))


def waiting_digests(home: Home, contract_id: str) -> Waits:
    """What waits in quarantine of a dataset: by record the digests of the source's rows."""
    pointers = waiting_pointers(home, contract_id)
    if pointers is None:
        return {}
    waits: dict[UUID, set[UUID]] = {}
    with Engine(home.settings) as engine:
        for (seq,) in engine.rows(f"SELECT DISTINCT _batch_seq FROM {pointers} ORDER BY 1", doing="reading quarantine"):
            behind = source_digests(home, get_batch(home.catalog, f"{contract_id}@{seq}"))
            query = f"SELECT q._record_id, d._source_digest FROM {pointers} q JOIN {behind} d USING (_position) WHERE q._batch_seq = {seq}"
            for record, digest in engine.rows(query, doing="reading quarantine"):
                waits.setdefault(record, set()).add(digest)
    return {record: frozenset(digests) for record, digests in waits.items()}


@dataclass(frozen=True)
class HandedBack:
    """A file that came back: what of it can be run again, what is refused, and what identifies the file.

    `corrected` has the rows whose key was corrected by their number in the file: the position of the row repaired, and the new record id.
    """

    extraction: Extraction
    rows: int
    file: str
    sha256: str
    corrected: Mapping[int, tuple[int, UUID]]


@dataclass(frozen=True)
class _Repaired:
    """A row of the file with the row it repairs, and the id of the record that it is then: another one where the key was corrected."""

    row: HandedRow
    origin: _Row
    record_id: UUID

    @property
    def is_corrected(self) -> bool:
        return self.record_id != self.origin.record_id


def take_back(
    home: Home, quarantined: Quarantined, contract: Contract, file: HandedFile, others: frozenset[str] | None = frozenset()
) -> HandedBack:
    """Match the rows of a file with those in quarantine. A row that fits none is `unreadable`, with its number in the file and the reason.

    Rows that say they are of `others` (batch ids) are left for those; with None, all that are not of this batch.
    """
    handed = [row for row in file.rows if _is_for(quarantined.batch.batch_id, row.text(BATCH).strip(), others)]
    notes = {name for name in file.columns if name.endswith(NOTE) and name not in quarantined.columns}
    foreign = [name for name in file.columns if name and name not in (*PLACE, *quarantined.columns, *notes)]
    missing = [name for name in quarantined.columns if name not in file.columns]
    hint = "leave the header as it was handed out"
    if foreign:
        raise RequestError(f"{file.name} has columns that were not handed out: {', '.join(foreign)}", hint=hint)
    if missing:
        raise RequestError(f"{file.name} lacks the columns {', '.join(missing)}", hint=hint)
    schema = text_schema((*quarantined.columns, RECORD_ID))
    extraction = Extraction(schema, iter(()), is_whole=False, has_record_ids=True)
    found = {row.line: _matched(quarantined, contract, row) for row in handed}
    repaired = _identified(home, contract, [(row, found[row.line][0]) for row in handed])
    known = known_records(home, contract, [item.record_id for item in repaired.values() if item.is_corrected])
    refused = _refused(quarantined, handed, repaired, known)
    good = []
    for row in handed:
        if reason := found[row.line][1] or refused.get(row.line, ""):
            extraction.unreadable.append(Unreadable(row.line, reason))
        else:
            good.append(repaired[row.line])
    extraction.batches = iter([_batch(quarantined, good, schema)] if good else [])
    corrected = {item.row.line: (item.origin.position, item.record_id) for item in good if item.is_corrected}
    return HandedBack(extraction, len(handed), file.name, file.sha256, corrected)


def known_records(home: Home, contract: Contract, ids: Sequence[UUID]) -> set[UUID]:
    """Those of several record ids that the dataset holds."""
    if not ids:
        return set()
    with Engine(home.settings) as engine:
        held = state(home, standardized_table(contract.id), {RECORD_ID: "UUID"}, only=Sought(engine, ids))
        return {found for (found,) in engine.rows(f"SELECT {RECORD_ID} FROM {held}", doing="looking for records of the same key")}


def _refused(quarantined: Quarantined, handed: Sequence[HandedRow], repaired: Mapping[int, _Repaired], known: set[UUID]) -> dict[int, str]:
    """Why rows cannot be taken beside the others, by number in the file: their record is there already, or stands in the file twice."""
    exists = {
        line: f"column {POSITION}: a record with the corrected key exists already; correct the key again, or mend it in the source"
        for line, item in repaired.items()
        if item.is_corrected and (item.record_id in known or item.record_id in quarantined.waits)
    }
    places = Counter(_place(row) for row in handed)
    records = Counter(item.record_id for line, item in repaired.items() if line not in exists)
    double = {
        line: f"column {RECORD}: the record stands in the file more than once; keep the row that is right"
        for line, item in repaired.items()
        if records[item.record_id] > 1 or places[_place(item.row)] > 1
    }
    return {**exists, **double}


def _place(row: HandedRow) -> tuple[str, ...]:
    return tuple(text.lower() for text in row.place)


def _is_for(batch_id: str, named: str, others: frozenset[str] | None) -> bool:
    return named == batch_id if others is None else named not in others


def _matched(quarantined: Quarantined, contract: Contract, row: HandedRow) -> tuple[_Row | None, str]:
    """The row in quarantine that a row of the file repairs, or the reason why it repairs none."""
    batch, position, record = row.place
    if batch != quarantined.batch.batch_id:
        return None, f"column {BATCH}: the row is not from {quarantined.batch.batch_id}"
    origin = quarantined.rows.get((_uuid(record), int(position))) if _uuid(record) and position.isdecimal() else None
    if origin is None:
        return None, f"columns {POSITION} and {RECORD}: the batch has set no such row aside"
    if not quarantined.is_waiting(origin):
        return None, f"column {RECORD}: the row does not wait in quarantine any more: the source has sent another since, or it was repaired"
    if row.unusable:
        return None, _unusable(row.unusable)
    changed = _changed_key(contract, row, origin)
    if changed and not _is_key_wrong(contract, origin):
        return None, f"column {', '.join(changed)}: the key of the record was changed; a record with another key comes from the source"
    emptied = [name for name in changed if not (_value(row, origin, name) or "").strip()]
    if emptied:
        return None, f"column {', '.join(emptied)}: the key of the record was removed; write the right one, or leave the row out"
    return origin, ""


def _changed_key(contract: Contract, row: HandedRow, origin: _Row) -> list[str]:
    return [name for name in _key(contract) if _value(row, origin, name) != origin.raw[name]]


def _is_key_wrong(contract: Contract, origin: _Row) -> bool:
    """Whether a rule that the row breaks is about its key: then the key may be corrected."""
    standards = load_standards()
    broken = (rule.partition(":") for rule in origin.rules)
    columns = {column for element, _, issue in broken for column, _ in concerned(contract, element, issue, standards)}
    return bool(columns & set(_key(contract)))


def _identified(home: Home, contract: Contract, rows: Sequence[tuple[HandedRow, _Row | None]]) -> dict[int, _Repaired]:
    """The rows that repair one, by number in the file, each with the id of its record; where the key was corrected, worked out from the key."""
    found = [(row, origin) for row, origin in rows if origin is not None]
    ids = _new_ids(home, contract, [(row, origin) for row, origin in found if _changed_key(contract, row, origin)])
    return {row.line: _Repaired(row, origin, ids.get(row.line, origin.record_id)) for row, origin in found}


def _new_ids(home: Home, contract: Contract, rows: Sequence[tuple[HandedRow, _Row]]) -> dict[int, UUID]:
    if not rows:
        return {}
    keys = {name: pa.array([_value(row, origin, name) for row, origin in rows], pa.string()) for name in _key(contract)}
    bound = {"record_key": load_key(home.settings, RECORD_KEY), "dataset": contract.id}
    with Engine(home.settings) as engine:
        engine.register("corrected", pa.table({**keys, "_position": pa.array([row.line for row, _ in rows], pa.int64())}))
        query = f"SELECT _position, {record_id(_key(contract))} FROM corrected"
        return dict(engine.rows(query, bound, doing="working out record ids"))


def _unusable(reasons: Mapping[str, str]) -> str:
    """Why cells of a row cannot be used, each reason with its columns; "" stands for cells that no column has."""
    told = {why: [name for name, other in reasons.items() if other == why and name] for why in dict.fromkeys(reasons.values())}
    return "; ".join(f"column {', '.join(names)}: {why}" if names else why for why, names in told.items())


def _key(contract: Contract) -> Sequence[str]:
    return () if contract.whole_row_is_key else contract.record_key


def _value(row: HandedRow, origin: _Row, name: str) -> str | None:
    """The value of a cell. One that is as it was handed out is what it was, absent or empty."""
    text, before = row.text(name), origin.raw[name]
    return before if is_as_handed_out(text, before) else unescaped(text) or None


def _uuid(text: str) -> Any:
    try:
        return UUID(text)
    except ValueError:
        return None


def _batch(quarantined: Quarantined, good: Sequence[_Repaired], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([_value(item.row, item.origin, name) for item in good], pa.string()) for name in quarantined.columns]
    ids = pa.array([str(item.record_id) for item in good], pa.string())
    return pa.RecordBatch.from_arrays([*columns, ids, pa.array([item.row.line for item in good], pa.int64())], schema=schema)


def as_they_were(quarantined: Quarantined) -> Extraction:
    """The rows of a batch that still wait, to be run again without a change; those that do not wait any more are left where they are."""
    schema = text_schema((*quarantined.columns, RECORD_ID))
    rows = [row for row in quarantined.rows.values() if quarantined.is_waiting(row)]

    def batches() -> Iterator[pa.RecordBatch]:
        columns = [pa.array([row.raw[name] for row in rows], pa.string()) for name in quarantined.columns]
        ids = pa.array([str(row.record_id) for row in rows], pa.string())
        yield pa.RecordBatch.from_arrays([*columns, ids, pa.array([row.position for row in rows], pa.int64())], schema=schema)

    return Extraction(schema, batches() if rows else iter(()), is_whole=False, has_record_ids=True)
