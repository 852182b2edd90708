"""Publish: merge what changed into a base table and make it current, all or nothing.

(1) Files are written, named nowhere. (2) Serving rows are loaded in chunks, invisible. (3) One short transaction writes the publication
row and moves
the pointer that readers follow. (4) The lake follows from that row. A run that dies leaves leftovers of 1 and 2, which the next one
clears, or a lake that trails, which the next one brings up to date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from catalog.batches import Batch, deleted_between, get_batch, latest_change
from catalog.datasets import contract_at, contracts_in_force, dataset_numbers
from catalog.files import LakeFile
from core import lake
from core.clock import now
from core.digests import digest_sums, row_digest
from core.engine import Engine, parquet, quote
from core.errors import GateFailed
from core.faults import described
from core.leases import Lease, holding
from core.space import check_space
from core.steps import timed
from core.sums import add, combine
from pipeline.base import base_columns, base_state
from pipeline.home import Home, open_home
from pipeline.lineage import hub_table, traced
from pipeline.resolve import AFFECTED, RELINKED, XREF_COLUMNS, XREF_LOG, Pinned, resolve, xref_state, xref_table
from pipeline.standard import standard_in_force
from pipeline.state import engine_type, fold, outgrown, typed_fields
from registries import serving
from registries.attempts import STOPPED, record_attempt, standing_attempt
from registries.definition import RegistryDefinition, get_definition
from registries.identity import events_sql, load_events
from registries.publications import Input, Publication, all_files, commit, files_upto, inputs_of, latest
from registries.survivorship import merged, supplied
from registries.tables import lease
from registries.versions import ensure_table
from standards.model import Schema, Standards

DIFFERENCE = "difference"  # relation: the base rows that this publication changes, with _op
MERGED = "merged"
OLD = "old_rows"
LAST_DAY = "DATE '9999-12-31'"
WORST = 3  # datasets that a stopped publication names


@dataclass(frozen=True)
class Outcome:
    """What a call of `publish` did: the current publication, and whether it is a new one."""

    publication: Publication
    is_new: bool


def publish(registry: str, home: Home | None = None, *, accept_shrink: str = "") -> Outcome:
    """Publish everything accepted since the last publication of a registry; ends at once where there is nothing.

    Raises GateFailed where too many entities would disappear; the last publication then stays current, and the attempt is kept. A reason
    given as `accept_shrink` is the decision of a person that has seen the attempt which was stopped: no more than that may disappear.
    """
    home = home or open_home()
    definition = get_definition(registry)
    standards = standard_in_force(home)
    schema = standards.schemas[registry]
    with holding(home.serving, lease, f"registry/{registry}", home.settings.actor) as held:
        ensure_table(home.serving, schema)
        _recover(home, schema)
        before = latest(home.serving, registry)
        datasets, withheld = _pin(home, registry, definition, before)
        if not any(item.changed for item in datasets) and not _withheld_changed(home, registry, before, withheld):
            # The run before may have died between its commit and the lake's.
            follow(home, schema, before.number)
            return Outcome(before, False)
        try:
            check_space(home.settings, "lake")
            inputs = [hub_table("std", item.contract.id).counted(item.records) for item in datasets]
            with (
                traced(home.settings, f"publish.{registry}", inputs, [hub_table("base", registry)]) as run,
                Engine(home.settings) as engine,
            ):
                after = _Publishing(home, held, engine, definition, schema, standards, before, datasets, withheld, accept_shrink).run()
                run.outputs = [run.outputs[0].counted(after.inserted + after.updated + after.deleted, base_columns(schema))]
        except Exception as error:
            _keep_attempt(home, before, error)
            raise
        with timed({}, "follow"):
            follow(home, schema, after.number)
    return Outcome(after, True)


class _Shrink(GateFailed):
    """Too many entities would disappear."""

    def __init__(self, message: str, *, hint: str, counts: Mapping[str, int]) -> None:
        super().__init__(message, hint=hint)
        self.counts = counts


def _keep_attempt(home: Home, before: Publication, error: Exception) -> None:
    """Write down why there is no publication; what may pass by itself is tried again and says so then."""
    fault = described(error)
    if not fault.transient:
        record_attempt(home.serving, before, home.settings.actor, fault, error.counts if isinstance(error, _Shrink) else {})


def follow(home: Home, schema: Schema, number: int) -> None:
    """Bring the lake's Iceberg tables up to a publication."""
    for table, columns in ((schema.table, base_columns(schema)), (xref_table(schema.id), XREF_COLUMNS)):
        files = [(file.seq, file.path) for file in files_upto(home.serving, schema.id, table, number) if file.kind == "log"]
        lake.follow(home.settings, f"base.{table}", typed_fields(home.catalog, table, columns), files)


def _recover(home: Home, schema: Schema) -> None:
    """Clear what a dead run left: invisible rows, unnamed files."""
    serving.clear_leftovers(home.serving, schema)
    listed = all_files(home.serving, schema.id)
    for table in (schema.table, xref_table(schema.id)):
        lake.remove_leftovers(home.settings.lake_dir / table, listed, home.settings.lake_dir)


def _pin(home: Home, registry: str, definition: RegistryDefinition, before: Publication) -> tuple[list[Pinned], list[Input]]:
    """Pin every dataset that feeds the registry to the last batch that changed it; what may not be shared is withheld whole.

    A new definition (ranks, identity rule) concerns every entity, so then every dataset counts as changed.
    """
    seen = inputs_of(home.serving, registry, before.number)
    rebuilt = before.number > 0 and before.definition_version != definition.version
    numbers = dataset_numbers(home.catalog)
    pinned: list[Pinned] = []
    withheld: list[Input] = []
    for contract_id, (_, contract) in contracts_in_force(home.catalog).items():
        batch = latest_change(home.catalog, contract_id)
        if batch is None or (registry not in contract.feeds and contract_id not in seen):
            continue
        before_it = seen.get(contract_id)
        linked_before = before_it is not None and not before_it.withheld
        may_not = contract.sharing.sharing_class == "none" or registry not in contract.feeds
        if may_not:
            withheld.append(Input(contract_id, batch.seq, batch.records or 0, 0, 0, batch.records or 0))
        if linked_before or not may_not:
            pinned.append(
                Pinned(
                    contract_at(home.catalog, contract_id, batch.contract_version),
                    numbers[contract_id],
                    batch.seq,
                    before_it.batch_seq if before_it is not None and linked_before else 0,
                    batch.records or 0,
                    whole=rebuilt or before_it is None or not linked_before or _rules_changed(home, before_it, batch),
                    withdrawn=may_not,
                )
            )
    return pinned, withheld


def _rules_changed(home: Home, before_it: Input, batch: Batch) -> bool:
    """Whether a dataset's contract or standard changed since a publication: then also records that did not come anew may say other things."""
    if before_it.batch_seq == batch.seq:
        return False
    then = get_batch(home.catalog, f"{batch.contract_id}@{before_it.batch_seq}")
    return (then.contract_version, then.standard_version) != (batch.contract_version, batch.standard_version)


def _withheld_changed(home: Home, registry: str, before: Publication, withheld: Sequence[Input]) -> bool:
    seen = inputs_of(home.serving, registry, before.number)
    return any(seen.get(item.contract_id) != item for item in withheld)


@dataclass(frozen=True)
class _Publishing:
    """One run of a publication, step by step."""

    home: Home
    lease: Lease
    engine: Engine
    definition: RegistryDefinition
    schema: Schema
    standards: Standards
    before: Publication
    datasets: Sequence[Pinned]
    withheld: Sequence[Input]
    accept_shrink: str = ""

    def run(self) -> Publication:
        seconds: dict[str, float] = {}
        with timed(seconds, "resolve"):
            contributions = resolve(self.engine, self.home, self.definition, self.schema, self.standards, self.datasets, self.number)
        with timed(seconds, "merge"):
            elements = supplied([element.id for element in self.schema.elements], list(contributions.values()))
            base = self._merge(merged(self.definition, elements, list(contributions.values())), elements)
        counts, identities = self._count(), self._identity_events()
        accepted = self._gate(counts)
        with timed(seconds, "write"):
            files = [base, *self._write_others(base)]
        with timed(seconds, "serve"):
            self._load(elements)
            load_events(self.home.serving, self.schema.id, self.number, identities)
        inputs = self._inputs()
        after = replace(self._publication(counts, inputs, seconds), shrink_accepted=accepted, identity_events=len(identities))
        commit(self.home.serving, self.lease, after, inputs, files)
        return after

    @property
    def number(self) -> int:
        return self.before.number + 1

    def _merge(self, rows: str, elements: Sequence[str]) -> LakeFile:
        """Write the changes of the base table as a file of the lake, and leave them as the relation `difference`.

        Rows that come out as they were, from the same sources, are left alone.
        """
        digest = row_digest_sql(self.schema, elements)
        self.engine.run(f"CREATE VIEW {MERGED} AS SELECT *, {digest} AS _row_digest FROM ({rows})", doing="merging")
        if self.number == 1:
            base = self._write_base(elements, f"SELECT *, 'insert' AS _op FROM {MERGED}", "_canonical_id")
            # Read back where they are asked for: to keep all rows of a table in memory costs several times as much.
            path = self.home.settings.lake_dir / base.path
            self.engine.run(f"CREATE VIEW {DIFFERENCE} AS SELECT *, NULL::uuid AS _old_digest FROM {parquet([path])}", doing="merging")
            return base
        self._compare(elements)
        return self._write_base(elements, f"SELECT * FROM {DIFFERENCE}", None)

    def _compare(self, elements: Sequence[str]) -> None:
        """Table `difference`: new, changed and vanished base rows."""
        affected = f"(SELECT _canonical_id FROM {AFFECTED})"
        origins = [f"_from_{element}" for element in elements]
        old = base_state(self.home, self.schema, self.before.number, ["_canonical_id", "_row_digest", *origins])
        new_origins, old_origins = (", ".join(f"{side}.{quote(name)}" for name in origins) for side in "mo")
        self.engine.run(f"CREATE TABLE {OLD} AS SELECT * FROM {old} WHERE _canonical_id IN {affected}", doing="reading the base table")
        self.engine.run(
            f"CREATE TABLE {DIFFERENCE} AS SELECT m.* REPLACE (coalesce(m._canonical_id, o._canonical_id) AS _canonical_id), "
            "CASE WHEN o._canonical_id IS NULL THEN 'insert' WHEN m._canonical_id IS NULL THEN 'delete' ELSE 'update' END AS _op, "
            f"o._row_digest AS _old_digest FROM {MERGED} m FULL JOIN {OLD} o ON o._canonical_id = m._canonical_id "
            f"WHERE m._row_digest IS DISTINCT FROM o._row_digest OR row({new_origins}) IS DISTINCT FROM row({old_origins}) "
            "ORDER BY _canonical_id",
            doing="comparing with the base table",
        )

    def _count(self) -> dict[str, int]:
        counts = {"insert": 0, "update": 0, "delete": 0} | dict(self.engine.rows(f"SELECT _op, count(*) FROM {DIFFERENCE} GROUP BY _op"))
        return {"inserted": counts["insert"], "updated": counts["update"], "deleted": counts["delete"]}

    def _identity_events(self) -> list[tuple[str, str, str]]:
        """Old id, new id and kind of every merge, split and re-key."""
        if self.number == 1:
            return []
        return [(old, new, kind) for old, new, kind in self.engine.rows(events_sql(RELINKED, DIFFERENCE))]

    def _gate(self, counts: dict[str, int]) -> str | None:
        """Why a shrink beyond the limit may pass, if there is one. Raises GateFailed where nobody has decided that it may."""
        limit, gone, before = self.definition.largest_shrink, counts["deleted"], self.before.entities
        if not before or gone <= limit * before:
            return None
        seen = standing_attempt(self.home.serving, self.before, STOPPED)
        if self.accept_shrink and seen is not None and gone <= (seen.deleted or 0):
            return self.accept_shrink
        unseen = (
            "; --accept-shrink goes no further than a stopped attempt has shown: look at this one, then decide"
            if self.accept_shrink
            else ""
        )
        raise _Shrink(
            f"publication of {self.schema.id} stopped: {gone} of {before} entities would disappear (limit {limit:.0%}){unseen}",
            hint=f"the last publication stays current; {self._where_gone()}; if that is right: ./hub publish "
            f'{self.schema.id} --accept-shrink "why it is right"',
            counts=counts,
        )

    def _where_gone(self) -> str:
        """The datasets whose records are gone since the publication before, most first."""
        gone = {
            item.contract.id: item.records
            if item.withdrawn
            else deleted_between(self.home.catalog, item.contract.id, item.previous_seq, item.seq)
            for item in self.datasets
        }
        worst = sorted((name for name in gone if gone[name]), key=lambda name: (-gone[name], name))[:WORST]
        if not worst:
            return "no dataset lost records, so look at what has changed in them"
        return f"records are gone from {', '.join(f'{name} ({gone[name]})' for name in worst)}"

    def _write_base(self, elements: Sequence[str], rows: str, key: str | None) -> LakeFile:
        """A column that no dataset supplies is not written: who reads the file by field ids finds it empty."""
        unsupplied = {
            name for element in self.schema.elements if element.id not in elements for name in (element.id, f"_from_{element.id}")
        }
        columns = {name: kind for name, kind in base_columns(self.schema).items() if name not in unsupplied}
        valid_to = f"CASE WHEN _op <> 'delete' THEN {LAST_DAY} END AS _valid_to"
        return self._write(self.schema.table, "log", columns, f"SELECT *, {self.number} AS _publication, {valid_to} FROM ({rows})", key)

    def _write_others(self, base: LakeFile) -> list[LakeFile]:
        """The changes of the links, and compacted states where logs have outgrown them."""
        xref = self._write(xref_table(self.schema.id), "log", XREF_COLUMNS, f"SELECT * FROM {XREF_LOG}", "_record_id")
        return [xref, *self._compact(base, base_columns(self.schema), "_canonical_id"), *self._compact(xref, XREF_COLUMNS, "_record_id")]

    def _compact(self, log: LakeFile, columns: dict[str, str], key: str) -> list[LakeFile]:
        files = files_upto(self.home.serving, self.schema.id, log.table_name, self.before.number)
        if not outgrown(files, log):
            return []
        rows = fold(self.home, log.table_name, columns, [*files, log], key, "_publication")
        return [self._write(log.table_name, "compact", columns, f"SELECT * FROM {rows}", key)]

    def _write(self, table: str, kind: str, columns: dict[str, str], sql: str, key: str | None) -> LakeFile:
        fields = {name: number for name, (number, _) in typed_fields(self.home.catalog, table, columns).items()}
        written = lake.write(
            self.engine, self.home.settings, sql, f"{table}/{kind}-{self.number:08d}.parquet", fields, [key] if key else []
        )
        return LakeFile(written.path, table, kind, self.number, written.rows)

    def _load(self, elements: Sequence[str]) -> None:
        """Load the serving database: close what is superseded, add what is new; nobody sees either yet."""
        gone = self.engine.rows(f"SELECT _canonical_id::varchar FROM {DIFFERENCE} WHERE _op <> 'insert' ORDER BY 1")
        serving.close_rows(self.home.serving, self.schema, self.number, [row[0] for row in gone])
        sqlite = self.home.serving.dialect.name == "sqlite"
        serving.load_rows(self.home.serving, self.schema, self._serving_rows(elements, dates_as_text=sqlite))

    def _serving_rows(self, elements: Sequence[str], *, dates_as_text: bool) -> Iterator[pa.RecordBatch]:
        def column(name: str, kind: str) -> str:
            return f"{quote(name)}::varchar AS {quote(name)}" if dates_as_text and kind == "DATE" else quote(name)

        values = [column(element.id, engine_type(element)) for element in self.schema.elements if element.id in elements]
        last = f"{LAST_DAY}::varchar" if dates_as_text else LAST_DAY
        sql = (
            f"SELECT _canonical_id::varchar AS _canonical_id, {self.number}::integer AS _publication_from, NULL::integer AS _publication_to, "
            f"{', '.join([column('_valid_from', 'DATE'), f'{last} AS _valid_to', *values])} FROM {DIFFERENCE} WHERE _op <> 'delete'"
        )
        return self.engine.batches(sql, serving.CHUNK, doing="loading the serving database")

    def _inputs(self) -> list[Input]:
        linked = dict(self.engine.rows(f"SELECT _dataset, count(*) FROM ({self._links()}) GROUP BY _dataset"))
        inputs = []
        for item in self.datasets:
            if not item.withdrawn:
                count = linked.get(item.number, 0)
                inputs.append(Input(item.contract.id, item.seq, item.records, count, item.records - count, 0))
        return [*inputs, *self.withheld]

    def _links(self) -> str:
        """Links after this publication: those before it with its changes on top."""
        if self.number == 1:
            return f"SELECT _dataset FROM {XREF_LOG}"
        return (
            f"SELECT _dataset FROM {xref_state(self.home, self.schema.id, self.before.number)} "
            f"WHERE _record_id NOT IN (SELECT _record_id FROM {XREF_LOG}) UNION ALL SELECT _dataset FROM {XREF_LOG} WHERE _op <> 'delete'"
        )

    def _publication(self, counts: dict[str, int], inputs: Sequence[Input], seconds: dict[str, float]) -> Publication:
        return replace(
            self.before,
            number=self.number,
            published_at=now(),
            actor=self.home.settings.actor,
            standard_version=self.standards.version,
            definition_version=self.definition.version,
            records=sum(item.records for item in inputs),
            linked=sum(item.linked for item in inputs),
            unlinked=sum(item.unlinked for item in inputs),
            withheld=sum(item.withheld for item in inputs),
            entities=self.before.entities + counts["inserted"] - counts["deleted"],
            digest=self._digest(),
            seconds=seconds,
            inserted=counts["inserted"],
            updated=counts["updated"],
            deleted=counts["deleted"],
            not_replayable_since=None,
        )

    def _digest(self) -> str:
        """The table's digest: that of the publication before, plus the new rows, minus those they replace."""
        plus = combine(*self.engine.row(f"SELECT {digest_sums('_row_digest')} FROM {DIFFERENCE} WHERE _row_digest IS NOT NULL"))
        minus = combine(*self.engine.row(f"SELECT {digest_sums('_old_digest')} FROM {DIFFERENCE} WHERE _old_digest IS NOT NULL"))
        return add(self.before.digest, plus - minus)


def row_digest_sql(schema: Schema, elements: Sequence[str]) -> str:
    """SQL for a base row's digest: canonical id, validity and all elements of the schema as text, of which `elements` are supplied.

    Where a value came from is not part of it.
    """
    texts = [f"{quote(element.id)}::varchar" if element.id in elements else None for element in schema.elements]
    return row_digest(["_canonical_id::varchar", "_valid_from::varchar", *texts])
