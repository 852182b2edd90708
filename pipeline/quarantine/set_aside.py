"""What batches have set aside, and which of it still waits: for whoever runs it again. The engine holds it; only what is asked for is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pyarrow as pa

from catalog.batches import Batch, batch_at
from connectors.extraction import Extraction, text_schema
from core.engine import Engine, quote
from core.errors import RequestError
from pipeline.home import Home
from pipeline.landing import read_manifest
from pipeline.quarantine.repairs import delivered_rows, source_digests
from pipeline.quarantine.waiting import pointers_of, waiting_pointers

RECORD_ID = "_record_id"
WAITING = "waiting"  # table: _record_id, _batch_seq, _position of the rows of a dataset that wait
WAITS = "waits"  # table: the same, and _source_digest of the source's own rows behind each


@dataclass(frozen=True)
class SetAside:
    """What a batch set aside: the columns of its rows, and SQL that reads them.

    `rows` has the columns, `_position`, `_record_id`, `rules`, and `_waits`: where the row waits by now (number of the batch, position), and
    whether what waits there stands for other rows of the source, too. It is null where the source has sent another since, or it was repaired.
    """

    batch: Batch
    columns: tuple[str, ...]
    rows: str


@dataclass(frozen=True)
class SetAsideRow:
    """A row that a batch set aside, as it was judged."""

    position: int
    record_id: UUID
    raw: Mapping[str, str | None]
    rules: tuple[str, ...]
    waits: tuple[int, int] | None  # number of the batch, position
    is_shared: bool  # what waits there stands for other rows, too


def find_waiting(home: Home, engine: Engine, contract_id: str) -> list[Batch]:
    """Leave what waits of a dataset as tables of the engine; returns the batches that it waits under."""
    engine.run(f"CREATE TABLE {WAITING} (_record_id UUID, _batch_seq INTEGER, _position BIGINT)", doing="reading quarantine")
    engine.run(f"CREATE TABLE {WAITS} AS SELECT *, NULL::uuid AS _source_digest FROM {WAITING}", doing="reading quarantine")
    pointers = waiting_pointers(home, contract_id)
    if pointers is None:
        return []
    engine.run(f"INSERT INTO {WAITING} SELECT _record_id, _batch_seq, _position FROM {pointers}", doing="reading quarantine")
    seqs = engine.rows(f"SELECT DISTINCT _batch_seq FROM {WAITING} ORDER BY 1", doing="reading quarantine")
    found = [batch_at(home.catalog, contract_id, seq) for (seq,) in seqs]
    for batch in found:
        behind = f"JOIN {source_digests(home, batch)} d USING (_position) WHERE q._batch_seq = {batch.seq}"
        engine.run(f"INSERT INTO {WAITS} SELECT DISTINCT q.*, d._source_digest FROM {WAITING} q {behind}", doing="reading quarantine")
    return found


def find_set_aside(home: Home, batch: Batch) -> SetAside:
    """What a batch set aside, for an engine that knows what waits. Raises RequestError where there is nothing, or where it is no longer kept."""
    pointers, manifest = pointers_of(home, batch), read_manifest(home.settings, batch)
    if batch.status != "accepted" or pointers is None:
        which = f"./hub quarantine {batch.contract_id} --rows 20 lists rows that wait, each with its batch"
        hint = "it was stopped, and none of it waits: run the dataset again" if batch.status == "stopped" else which
        raise RequestError(f"{batch.batch_id} has no rows in quarantine", hint=hint)
    if manifest is None:
        raise RequestError(
            f"the rows of {batch.batch_id} are no longer kept", hint="sync the dataset, and use the rows that are rejected then"
        )
    columns = tuple(manifest["columns"])
    # Rows that were run again keep their position. A row may stand for several of the source, and wait while one of these does.
    place = "(w._batch_seq, w._position)"
    waits = f"(SELECT *, count(*) OVER (PARTITION BY _batch_seq, _position) AS _stands_for FROM {WAITS})"
    behind = (
        f"(SELECT d._record_id, d._position, (arg_min({place}, (w._position <> d._position, {place})), "
        "max(w._stands_for) > count(DISTINCT _source_digest)) AS _waits "
        f"FROM {source_digests(home, batch)} d JOIN {waits} w USING (_record_id, _source_digest) GROUP BY d._record_id, d._position)"
    )
    rows = (
        f"(SELECT {_named(columns)}, l._position, l._record_id, q.rules, w._waits FROM {delivered_rows(home, batch)} l "
        f"JOIN {pointers} q USING (_position) LEFT JOIN {behind} w ON w._record_id = l._record_id AND w._position = l._position)"
    )
    return SetAside(batch, columns, rows)


def _named(columns: Sequence[str]) -> str:
    return ", ".join(f"l.{quote(name)}" for name in columns)


def rows_at(engine: Engine, found: SetAside, positions: Sequence[int]) -> dict[tuple[UUID, int], SetAsideRow]:
    """The rows at some positions, by record and position."""
    engine.register("asked", pa.table({"_position": pa.array(sorted(set(positions)), pa.int64())}))
    rows = engine.records(f"SELECT * FROM {found.rows} WHERE _position IN (SELECT _position FROM asked)", doing="reading quarantined rows")
    return {(row[RECORD_ID], row["_position"]): _row(row, found.columns) for row in rows}


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> SetAsideRow:
    raw = {name: row[name] for name in columns}
    waits, is_shared = row["_waits"] or (None, False)
    return SetAsideRow(row["_position"], row[RECORD_ID], raw, tuple(row["rules"].split(";")), waits, is_shared)


def waiting_records(engine: Engine, ids: Sequence[UUID]) -> set[UUID]:
    """Those of several record ids of which a row waits."""
    engine.register("asked", pa.table({RECORD_ID: pa.array(sorted(map(str, ids)), pa.string())}))
    query = f"SELECT DISTINCT _record_id FROM {WAITS} WHERE _record_id IN (SELECT _record_id::uuid FROM asked)"
    return {found for (found,) in engine.rows(query, doing="reading quarantine")}


def waiting_there(found: SetAside) -> SetAside:
    """Of a batch, only what waits under it and no other: rows that were run again wait under the batch that did so, too."""
    same = f"w._record_id = f._record_id AND w._position = f._position AND w._batch_seq = {found.batch.seq}"
    return replace(found, rows=f"(SELECT f.* FROM {found.rows} f SEMI JOIN {WAITING} w ON {same})")


def count_waiting(engine: Engine, found: SetAside) -> int:
    """How many rows of a batch still wait."""
    number: int = engine.value(f"SELECT count(*) FROM {found.rows} WHERE _waits IS NOT NULL", doing="reading quarantine")
    return number


def as_they_were(engine: Engine, found: SetAside) -> Extraction:
    """The rows of a batch that still wait, to be run again without a change; those that do not wait any more are left where they are."""
    schema = text_schema((*found.columns, RECORD_ID))

    def batches() -> Iterator[pa.RecordBatch]:
        names = ", ".join(map(quote, found.columns))
        waiting = f"FROM {found.rows} WHERE _waits IS NOT NULL ORDER BY _position"
        query = f"SELECT {names}, _record_id::varchar AS _record_id, _position {waiting}"
        for batch in engine.batches(query, doing="reading quarantined rows"):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return Extraction(schema, batches(), is_whole=False, has_record_ids=True)
