"""Merging: what the pinned inputs of a publication make of a base table, as far as its files. Nothing here is visible to anybody.

The same lines publish and replay: a replay differs in the folder that it writes to, and in publishing nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

import pyarrow as pa

from catalog.files import LakeFile
from core import lake
from core.digests import digest_sums
from core.engine import Engine, parquet, quote
from core.settings import Settings
from core.steps import timed
from core.sums import add, combine
from pipeline.home import Home
from pipeline.publication.base import base_columns, base_digest, base_state
from pipeline.publication.pins import Pins
from pipeline.publication.placing import FREED, LEFT_OUT, OLD_LINKS, Known
from pipeline.resolve import AFFECTED, RELINKED, XREF_COLUMNS, XREF_LOG, resolve, xref_table
from pipeline.state import Sought, engine_type, fold, outgrown, typed_fields
from registries.definition import RegistryDefinition
from registries.further_values import COLUMN
from registries.identity import events_sql
from registries.publications import Input, Publication, files_upto, inputs_of
from registries.serving import CHUNK
from registries.silent import silent_codes
from registries.survivorship import Contribution, merged, provinces_of, supplied
from standards.model import Schema, Standards

DIFFERENCE = "difference"  # relation: the base rows that this publication changes, with _op
OLD = "old_rows"
LAST_DAY = "DATE '9999-12-31'"
# How many records one pass over the joined sources may have for each megabyte of the engine's memory. It holds tables of hashes of all sources but
# one, and the sorted rows, of which the engine can write little to the disk; more records are gone through by ranges of their ids.
RECORDS_PER_MB = 1200


@dataclass(frozen=True)
class Merging:
    """One run, step by step: `merge`, then whatever is asked about the difference, then `write_others`.

    `output` says where files are written: the settings of the installation, or those of a work folder.
    """

    home: Home
    engine: Engine
    definition: RegistryDefinition
    schema: Schema
    standards: Standards
    before: Publication
    pins: Pins
    output: Settings

    @property
    def number(self) -> int:
        """Of the publication that this becomes."""
        return self.before.number + 1

    @cached_property
    def _contributions(self) -> list[Contribution]:
        """What each dataset has to say, the largest one first: all others are held in tables of hashes while it is gone through."""
        is_anew = self.number == 1 or self.pins.rebuilt
        seen = None if is_anew else self.before.judgements
        known = Known(self.pins.judged, seen, self.before.contradictions, self.before.apart, self.pins.renewed)
        found = resolve(
            self.engine,
            self.home,
            self.definition,
            self.schema,
            self.standards,
            self.pins.datasets,
            self.number,
            known,
            by_ranges=self._passes > 1,
        )
        records = {item.contract.id: item.records for item in self.pins.datasets}
        return sorted(found.values(), key=lambda item: records[item.contract_id] * len(item.elements), reverse=True)

    @cached_property
    def _elements(self) -> list[str]:
        """The elements that any dataset supplies, in the order of the schema."""
        return supplied([element.id for element in self.schema.elements], self._contributions)

    def resolve(self, seconds: dict[str, float]) -> None:
        """Link changed records; what each dataset changed is in the engine after it."""
        with timed(seconds, "resolve"):
            _ = self._contributions

    def merge(self, seconds: dict[str, float]) -> LakeFile:
        """Write the changes of the base table as a file of the lake, and leave them as the relation `difference`.

        Rows that come out as they were, from the same sources, are left alone.
        """
        self.resolve(seconds)
        with timed(seconds, "merge"):
            return self._write_all() if self.number == 1 else self._write_changes()

    def _merged(self, contributions: Sequence[Contribution]) -> str:
        """SQL for the base rows of contributions, with their digests."""
        rows = merged(self.definition, self._elements, contributions, provinces_of(self.standards), silent_codes(self.standards))
        digest = base_digest(self.home, self.definition, self.standards, self.number, self._elements)
        return f"SELECT *, {digest} AS _row_digest FROM ({rows})"

    @cached_property
    def _passes(self) -> int:
        """In how many ranges of ids the table and its links are written: a publication that follows another writes what changed, at once."""
        if self.number > 1:
            return 1
        return max(1, ceil(sum(item.records for item in self.pins.datasets) / (RECORDS_PER_MB * self.engine.memory_limit_mb)))

    def _write_all(self) -> LakeFile:
        def rows(ids: str | None) -> str:
            contributions = [limited(item, ids) for item in self._contributions] if ids else self._contributions
            return f"SELECT *, 'insert' AS _op, {self.number} AS _publication, {LAST_DAY} AS _valid_to FROM ({self._merged(contributions)})"

        with self.engine.joined_as_written():
            base = self._write_by_ranges(self.schema.table, self._columns, rows, "_canonical_id")
        # Read back where they are asked for: to keep all rows of a table in memory costs several times as much.
        path = self.output.lake_dir / base.path
        self.engine.run(f"CREATE VIEW {DIFFERENCE} AS SELECT *, NULL::uuid AS _old_digest FROM {parquet([path])}", doing="merging")
        return base

    def _write_changes(self) -> LakeFile:
        self._compare(self._merged(self._contributions))
        valid_to = f"CASE WHEN _op <> 'delete' THEN {LAST_DAY} END AS _valid_to"
        rows = f"SELECT *, {self.number} AS _publication, {valid_to} FROM {DIFFERENCE}"
        return self._write(self.schema.table, "log", self._columns, rows, None)

    def _compare(self, rows: str) -> None:
        """Table `difference`: of the base rows that a query gives those that are new or changed, and those that have vanished."""
        affected = Sought(self.engine, f"SELECT _canonical_id FROM {AFFECTED}")
        origins = [f"_from_{element}" for element in self._elements]
        old = base_state(self.home, self.schema, self.before.number, ["_canonical_id", "_row_digest", *origins], affected)
        new_origins, old_origins = (", ".join(f"{side}.{quote(name)}" for name in origins) for side in "mo")
        self.engine.run(f"CREATE TABLE {OLD} AS SELECT * FROM {old}", doing="reading the base table")
        self.engine.run(
            f"CREATE TABLE {DIFFERENCE} AS SELECT m.* REPLACE (coalesce(m._canonical_id, o._canonical_id) AS _canonical_id), "
            "CASE WHEN o._canonical_id IS NULL THEN 'insert' WHEN m._canonical_id IS NULL THEN 'delete' ELSE 'update' END AS _op, "
            f"o._row_digest AS _old_digest FROM ({rows}) m FULL JOIN {OLD} o ON o._canonical_id = m._canonical_id "
            f"WHERE m._row_digest IS DISTINCT FROM o._row_digest OR row({new_origins}) IS DISTINCT FROM row({old_origins}) "
            "ORDER BY _canonical_id",
            doing="comparing with the base table",
        )

    def counts(self) -> dict[str, int]:
        """Base rows `inserted`, `updated` and `deleted`."""
        counts = {"insert": 0, "update": 0, "delete": 0} | dict(self.engine.rows(f"SELECT _op, count(*) FROM {DIFFERENCE} GROUP BY _op"))
        return {"inserted": counts["insert"], "updated": counts["update"], "deleted": counts["delete"]}

    def identity_events(self) -> list[tuple[str, str, str]]:
        """Old id, new id and kind of every merge, split and re-key."""
        if self.number == 1:
            return []
        return [(old, new, kind) for old, new, kind in self.engine.rows(events_sql(RELINKED, DIFFERENCE))]

    @property
    def _columns(self) -> dict[str, str]:
        """Those of the base table that are written. One that no dataset supplies is not: who reads the file by field ids finds it empty."""
        unsupplied = {
            name for element in self.schema.elements if element.id not in self._elements for name in (element.id, f"_from_{element.id}")
        }
        if not self.definition.several:
            unsupplied.add(COLUMN)
        return {name: kind for name, kind in base_columns(self.schema).items() if name not in unsupplied}

    def write_others(self, base: LakeFile) -> list[LakeFile]:
        """The changes of the links, and compacted states where logs have outgrown them."""

        def links(ids: str | None) -> str:
            return f"SELECT * FROM {XREF_LOG} WHERE {ids or 'true'}"

        xref = self._write_by_ranges(xref_table(self.schema.id), XREF_COLUMNS, links, "_record_id")
        return [xref, *self._compact(base, base_columns(self.schema), "_canonical_id"), *self._compact(xref, XREF_COLUMNS, "_record_id")]

    def _compact(self, log: LakeFile, columns: dict[str, str], key: str) -> list[LakeFile]:
        files = files_upto(self.home.serving, self.schema.id, log.table_name, self.before.number)
        if not outgrown(files, log):
            return []
        mine = replace(log, path=str(self.output.lake_dir / log.path))
        rows = fold(self.home, log.table_name, columns, [*files, mine], key, "_publication")
        return [self._write(log.table_name, "compact", columns, f"SELECT * FROM {rows}", key)]

    def _write_by_ranges(self, table: str, columns: dict[str, str], rows: Callable[[str | None], str], key: str) -> LakeFile:
        """Write the log in the order of its key: at once, or one range of ids after the other; the files of these are then put into one."""
        if self._passes == 1:
            return self._write(table, "log", columns, rows(None), key)
        ranges = enumerate(id_ranges(key, self._passes))
        parts = [self.output.lake_dir / self._write(table, f"part-{place:03d}", columns, rows(ids), key).path for place, ids in ranges]
        whole = self._write(table, "log", columns, f"SELECT * FROM {parquet(parts)}", None)
        for part in parts:
            part.unlink()
        return whole

    def _write(self, table: str, kind: str, columns: dict[str, str], sql: str, key: str | None) -> LakeFile:
        fields = {name: number for name, (number, _) in typed_fields(self.home.catalog, table, columns).items()}
        written = lake.write(self.engine, self.output, sql, f"{table}/{kind}-{self.number:08d}.parquet", fields, [key] if key else [])
        return LakeFile(written.path, table, kind, self.number, written.rows)

    def gone(self) -> list[str]:
        """Canonical ids whose rows are superseded or deleted."""
        return [row[0] for row in self.engine.rows(f"SELECT _canonical_id::varchar FROM {DIFFERENCE} WHERE _op <> 'insert' ORDER BY 1")]

    def serving_rows(self, *, dates_as_text: bool) -> Iterator[pa.RecordBatch]:
        """New versions for the serving database."""

        def column(name: str, kind: str) -> str:
            return f"{quote(name)}::varchar AS {quote(name)}" if dates_as_text and kind == "DATE" else quote(name)

        values = [column(element.id, engine_type(element)) for element in self.schema.elements if element.id in self._elements]
        values += [COLUMN] if self.definition.several else []
        last = f"{LAST_DAY}::varchar" if dates_as_text else LAST_DAY
        sql = (
            f"SELECT _canonical_id::varchar AS _canonical_id, {self.number}::integer AS _publication_from, "
            f"{', '.join([column('_valid_from', 'DATE'), f'{last} AS _valid_to', *values])} FROM {DIFFERENCE} WHERE _op <> 'delete'"
        )
        return self.engine.batches(sql, CHUNK, doing="loading the serving database")

    def inputs(self) -> list[Input]:
        """Every dataset with its records: linked, unlinked or withheld."""
        inputs, before = [], inputs_of(self.home.serving, self.schema.id, self.before.number)
        for item in self.pins.datasets:
            if not item.withdrawn:
                linked = before[item.contract.id].linked if item.contract.id in before else 0
                count = linked + self._more_linked.get(item.number, (0, 0))[0]
                inputs.append(Input(item.contract.id, item.seq, item.records, count, item.records - count, 0))
        return [*inputs, *self.pins.withheld]

    def apart(self) -> int:
        """How many records have an identifier, but are kept apart from its entity."""
        return self.before.apart + sum(apart for _, apart in self._more_linked.values())

    def contradictions(self) -> int:
        """How many judgements contradict others and were left out."""
        if not self.pins.judged:
            return 0
        left_out: int = self.engine.value(f"SELECT count(*) FROM {LEFT_OUT}")
        freed: int = self.engine.value(f"SELECT count(*) FROM {FREED}")
        return left_out + (0 if self.pins.rebuilt else self.before.contradictions - freed)

    @cached_property
    def _more_linked(self) -> dict[int, tuple[int, int]]:
        """By dataset, how many more of its records have an entity than before this publication, and how many more are apart. What there was before
        is known: to count it would be to read the links of all records. The ledger does (`pipeline.ledger`).
        """
        counts = "count(_canonical_id) AS linked, count(*) - count(_canonical_id) AS apart"
        rows = self.engine.rows(
            "SELECT _dataset, sum(linked)::bigint, sum(apart)::bigint FROM ("
            "SELECT _dataset, -linked AS linked, -apart AS apart FROM "
            f"(SELECT _dataset, {counts} FROM {OLD_LINKS} WHERE _record_id IN (SELECT _record_id FROM {XREF_LOG}) GROUP BY _dataset) "
            f"UNION ALL SELECT _dataset, {counts} FROM {XREF_LOG} WHERE _op <> 'delete' GROUP BY _dataset) GROUP BY _dataset",
            doing="counting links",
        )
        return {dataset: (linked, apart) for dataset, linked, apart in rows}

    def digest(self) -> str:
        """The table's digest: that of the publication before, plus the new rows, minus those they replace."""
        plus = combine(*self.engine.row(f"SELECT {digest_sums('_row_digest')} FROM {DIFFERENCE} WHERE _row_digest IS NOT NULL"))
        minus = combine(*self.engine.row(f"SELECT {digest_sums('_old_digest')} FROM {DIFFERENCE} WHERE _old_digest IS NOT NULL"))
        return add(self.before.digest, plus - minus)


def id_ranges(key: str, count: int) -> list[str]:
    """Conditions on a column of ids that part all of them, in their order, into so many ranges of like size: ids are digests."""
    bounds = [f"'{place * 2**16 // count:04x}0000-0000-0000-0000-000000000000'::uuid" for place in range(1, count)]
    lower, upper = [None, *bounds], [*bounds, None]
    return [
        " AND ".join([*([f"{key} >= {low}"] if low else []), *([f"{key} < {high}"] if high else [])])
        for low, high in zip(lower, upper, strict=True)
    ]


def limited(contribution: Contribution, ids: str) -> Contribution:
    """What a contribution says of some entities."""

    def within(relation: str) -> str:
        return f"(SELECT * FROM {relation} WHERE {ids})"

    outdone = within(contribution.outdone) if contribution.outdone else None
    return replace(contribution, relation=within(contribution.relation), outdone=outdone)
