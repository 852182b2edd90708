"""Resolve: which entity each changed record belongs to, and which entities a publication therefore has to look at again.

The link from record to canonical id is a log of its own (`xref_<registry>`): by identifier, and where somebody has judged, by that. A record
with neither has no link and waits for matching; one that is kept apart from the entity of its identifier has a line without a canonical
id, which says by which rule. Work is proportional to what changed: records that did not change are read only where they share an entity
with one that did, or a judgement touches them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from catalog.files import files_of
from contracts.model import Contract
from core.engine import Engine, literal, quote, uuid_literal
from core.keys import CANONICAL_KEY, load_key
from pipeline.home import Home
from pipeline.publication.conflicts import Source, find_conflicts, touch_members
from pipeline.publication.placing import (
    APART,
    EXAMINED,
    FACTS,
    JUDGED_APART_RULE,
    JUDGED_RULE,
    MOVED,
    OLD_LINKS,
    PLACED,
    TOUCHED,
    VETO_RULE,
    Known,
    apart_lines,
    place,
)
from pipeline.state import Sought, fold, log_columns, log_source, standardized_table, state
from registries.definition import RegistryDefinition
from registries.judgements import facts
from registries.matching import canonical_id, canonical_key
from registries.publications import files_upto
from registries.silent import silent_codes
from registries.survivorship import Contribution, keep_best
from standards.model import Schema, Standards

XREF_COLUMNS = {
    "_record_id": "UUID",
    "_publication": "INTEGER",
    "_op": "VARCHAR",
    "_dataset": "INTEGER",
    "_canonical_id": "UUID",  # null: kept apart
    "_rule": "VARCHAR",
    "_identity": "UUID",  # what the identifier alone would have made of it, where that is something else
}
XREF_LOG = "xref_log"  # table: this publication's changes of links
RELINKED = "relinked"  # table, after the first publication: changed records with their canonical ids before and after (`old`, `new`)
AFFECTED = "affected"  # table: _canonical_id of every entity with a changed record
# So few that changed are followed up by one thread: what is done for them is short and much, and a second thread would mostly ask for more.
_FEW_RECORDS = 65_536
# SQL for what a line's identifier alone makes of it: of a record that only this places, its canonical id.
OWN_IDENTITY = f"coalesce(_identity, CASE WHEN _rule <> '{JUDGED_RULE}' THEN _canonical_id END)"


@dataclass(frozen=True)
class Pinned:
    """One dataset as a publication sees it: its state after batch `seq`, and the batch the publication before had seen.

    `whole`: every record counts as changed (first time here, or new rules). `withdrawn`: it may not contribute any longer.
    """

    contract: Contract
    number: int
    seq: int
    previous_seq: int
    records: int
    whole: bool = False
    withdrawn: bool = False

    @property
    def changed(self) -> bool:
        """Whether the publication has to look at this dataset's records."""
        return self.whole or self.withdrawn or self.seq != self.previous_seq


def xref_table(registry: str) -> str:
    """Name of the registry's link table."""
    return f"xref_{registry}"


def xref_state(home: Home, registry: str, number: int) -> str:
    """SQL for the links as of one publication: `_record_id`, `_dataset`, `_canonical_id`, `_rule`."""
    return f"(SELECT _record_id, _dataset, _canonical_id, _rule FROM {xref_lines(home, registry, number)} WHERE _canonical_id IS NOT NULL)"


def xref_lines(home: Home, registry: str, number: int, only: Sought | None = None, where: str = "true") -> str:
    """SQL for all lines as of one publication, those of records that are kept apart included; with `only`, for these records, with `where`, for
    those of which it holds.
    """
    table = xref_table(registry)
    columns = {name: kind for name, kind in XREF_COLUMNS.items() if name not in ("_publication", "_op")}
    return fold(home, table, columns, files_upto(home.serving, registry, table, number), "_record_id", "_publication", only, where)


def last_entities(engine: Engine, home: Home, registry: str, number: int, record_ids: Collection[str]) -> dict[str, str]:
    """The entity of each of some records as of a publication; of one that is gone, the one that it was of, as long as a log of links says it."""
    table = xref_table(registry)
    columns = {name: XREF_COLUMNS[name] for name in ("_record_id", "_publication", "_canonical_id")}
    lines = log_source(home, table, columns, files_upto(home.serving, registry, table, number))
    ids = ", ".join(map(uuid_literal, sorted(record_ids)))
    rows = engine.rows(
        f"SELECT _record_id::varchar, arg_max(_canonical_id, _publication)::varchar FROM {lines} WHERE _record_id IN ({ids}) GROUP BY 1",
        doing="reading links",
    )
    return {name: entity for name, entity in rows if entity is not None}


def resolve(
    engine: Engine,
    home: Home,
    definition: RegistryDefinition,
    schema: Schema,
    standards: Standards,
    datasets: Sequence[Pinned],
    number: int,
    known: Known,
    *,
    by_ranges: bool = False,
) -> dict[str, Contribution]:
    """Link changed records, and return each dataset's contribution to the affected entities.

    `known`: which facts about pairs of records count. `by_ranges`: contributions are read one range of canonical ids after the other.
    Leaves `xref_log` (with `_publication` = `number`) and `affected` as tables of the engine.
    """
    return _Resolving(engine, home, definition, schema, standards, datasets, number, known, by_ranges).run()


def schema_elements(contract: Contract, schema: Schema, standards: Standards) -> list[str]:
    """The elements of one registry's schema that a dataset supplies."""
    columns = log_columns(contract, standards)
    return [use.element.id for use in schema.uses if use.element.id in columns]


@dataclass(frozen=True)
class _Resolving:
    """One run, step by step. Table `changed_<n>` of a dataset has the records to look at, `linked_<n>` their links."""

    engine: Engine
    home: Home
    definition: RegistryDefinition
    schema: Schema
    standards: Standards
    datasets: Sequence[Pinned]
    number: int
    known: Known
    by_ranges: bool
    _made: set[str] = field(default_factory=set)

    def run(self) -> dict[str, Contribution]:
        for item in self.datasets:
            if item.changed:
                self._read(item, " UNION ALL ".join(self._changed_rows(item)))
        looked = {item.number for item in self.datasets if item.changed}
        self._examine(looked)
        if not self._needs_all_links and self.engine.value(f"SELECT count(*) FROM {EXAMINED}") <= _FEW_RECORDS:
            self.engine.use_one_thread()
        if self.known.upto:
            self._read_facts()
        self._read_links()
        looked |= self._take_apart(looked)
        is_placed = self._place(looked)
        if is_placed:
            looked |= self._read_touched()
        for item in self.datasets:
            if item.number in looked:
                self.engine.run(f"CREATE VIEW linked_{item.number} AS {self._links(item, is_placed)}")
        self._log_links(sorted(looked))
        for item in self.datasets:
            self._add_members(item, item.number in looked)
        silent = silent_codes(self.standards)
        return {item.contract.id: keep_best(self.engine, self._contribution(item), silent) for item in self.datasets}

    @property
    def first(self) -> bool:
        return self.number == 1

    @property
    def _needs_all_links(self) -> bool:
        """Whether so many records have changed that to read the links of some is no less than to read all."""
        return any(item.whole or item.withdrawn for item in self.datasets)

    @property
    def _own_rule(self) -> str:
        """The name of the rule by which records are linked whose entity is that of their identifier."""
        return f"{self.definition.identity.id}/{self.definition.identity.version}"

    @property
    def _key(self) -> dict[str, str]:
        return {"canonical_key": canonical_key(self.definition, load_key(self.home.settings, CANONICAL_KEY))}

    def _elements(self, item: Pinned) -> list[str]:
        return schema_elements(item.contract, self.schema, self.standards)

    def _columns(self, item: Pinned) -> dict[str, str]:
        elements = self._elements(item)
        return {
            name: kind for name, kind in log_columns(item.contract, self.standards).items() if name in elements or name == "_valid_from"
        }

    def _read(self, item: Pinned, rows: str) -> None:
        """Add records to look at to table `changed_<n>`: the newest row of each, with what its identifier makes of it."""
        elements = self._elements(item)
        identified = all(element in elements for element in self.schema.identity)
        identity = f"CASE WHEN _live THEN {canonical_id(self.schema.identity)} END" if identified else "NULL::uuid"
        name = f"changed_{item.number}"
        target = f"INSERT INTO {name}" if name in self._made else f"CREATE TABLE {name} AS"
        self._made.add(name)
        # Rows in order of what they are asked by: so each range is read where it lies, and not with all the others.
        order = " ORDER BY _identity" if identified and self.by_ranges else ""
        self.engine.run(
            f"{target} SELECT *, {identity} AS _identity FROM ({rows}){order}",
            self._key if identified else None,
            doing=f"linking {item.contract.id}",
        )

    def _changed_rows(self, item: Pinned) -> Iterator[str]:
        """Live and deleted records that the last publication did not see as they are now."""
        wanted = self._columns(item)
        table, names = standardized_table(item.contract.id), _names(wanted)
        if item.whole or item.withdrawn:
            live = state(self.home, table, {"_record_id": "UUID", **wanted}, item.seq)
            yield f"SELECT _record_id, {str(not item.withdrawn).lower()} AS _live, {names} FROM {live}"
        if item.previous_seq == 0:
            return
        new = [file for file in files_of(self.home.catalog, table, ("log",), item.seq) if file.seq > item.previous_seq]
        log = log_source(self.home, table, {"_record_id": "UUID", "_batch_seq": "INTEGER", "_op": "VARCHAR", **wanted}, new)
        newest = f"(SELECT _record_id, max(_batch_seq) AS _batch_seq FROM {log} GROUP BY _record_id)"
        rows = f"{log} JOIN {newest} USING (_record_id, _batch_seq)" if len(new) > 1 else log  # no log has a record twice
        only_deleted = "WHERE _op = 'delete'" if item.whole or item.withdrawn else ""
        yield f"SELECT _record_id, _op <> 'delete' AS _live, {names} FROM {rows} {only_deleted}"

    def _read_links(self) -> None:
        """Table `old_links`, empty before the first publication. Of a registry of millions only what changed records can have to do with is
        read, and what has ever been judged.
        """
        self.engine.run(f"CREATE TABLE {OLD_LINKS} (_record_id UUID, _dataset INTEGER, _canonical_id UUID, _rule VARCHAR, _identity UUID)")
        if self._needs_all_links:
            self._add_links()
            return
        judged = f"SELECT left_record::uuid FROM {FACTS} UNION ALL SELECT right_record::uuid FROM {FACTS}"
        self._add_links(Sought(self.engine, f"SELECT _record_id FROM {EXAMINED}" + (f" UNION ALL {judged}" if self.known.upto else "")))
        identities = " UNION ".join(f"SELECT _identity FROM {name} WHERE _identity IS NOT NULL" for name in (EXAMINED, OLD_LINKS))
        for condition in (f"{OWN_IDENTITY} IN ({identities})", *apart_lines(self._own_rule, self.known.apart)):
            self._add_links(where=condition)

    def _read_facts(self) -> None:
        """View `facts`: what is judged."""
        self.engine.register(FACTS, facts(self.home.serving, self.definition.id, self.known.upto, self.known.renewed))

    def _add_links(self, only: Sought | None = None, where: str = "true") -> None:
        """Add those that are not there yet of the links of the publication before: of some records, or of all for which a condition holds."""
        if self.first:
            return
        lines = xref_lines(self.home, self.definition.id, self.number - 1, only, where)
        self.engine.run(
            f"INSERT INTO {OLD_LINKS} SELECT _record_id, _dataset, _canonical_id, _rule, {OWN_IDENTITY} FROM {lines} "
            f"WHERE _record_id NOT IN (SELECT _record_id FROM {OLD_LINKS})",
            doing="reading links",
        )

    def _examine(self, looked: Iterable[int]) -> None:
        rows = [f"SELECT _record_id, {number} AS _dataset, _live, _identity FROM changed_{number}" for number in sorted(looked)]
        nothing = "SELECT NULL::uuid AS _record_id, 0 AS _dataset, false AS _live, NULL::uuid AS _identity WHERE false"
        self.engine.run(f"CREATE OR REPLACE VIEW {EXAMINED} AS {' UNION ALL '.join(rows or [nothing])}")

    def _take_apart(self, looked: Iterable[int]) -> set[int]:
        """Find conflicts under the identifiers of changed records; returns the datasets of which more had to be read."""
        rule = self.definition.conflict
        if rule is None:
            self.engine.run(f"CREATE TABLE {APART} (_record_id UUID, _identity UUID, _rule VARCHAR)")
            return set()
        more: set[int] = set()
        if not self.first:
            touch_members(self.engine)
            more = self._read_touched()
            self._examine({*looked, *more})
        sources = [
            Source(item.number, self._rank(item), f"changed_{item.number}", frozenset(self._elements(item)))
            for item in self.datasets
            if item.number in {*looked, *more} and not item.withdrawn
        ]
        find_conflicts(self.engine, rule, sources, silent_codes(self.standards))
        return more

    def _rank(self, item: Pinned) -> int:
        return self.definition.rank("default", item.contract.department.id)

    def _place(self, looked: Iterable[int]) -> bool:
        """Work out what judgements and conflicts say; returns whether any record is placed otherwise than by its identifier."""
        if not self.known.upto and not self.engine.value(f"SELECT count(*) FROM {APART}"):
            return False
        self._examine(looked)
        if not self.known.upto:
            self._read_facts()
        part = {item.contract.id: (None if item.withdrawn else item.number, self._rank(item)) for item in self.datasets}
        place(self.engine, self.known, part, self._key)
        return True

    def _read_touched(self) -> set[int]:
        """Read unchanged records that have to be looked at again; returns the datasets that had any."""
        found = {row[0] for row in self.engine.rows(f"SELECT DISTINCT _dataset FROM {TOUCHED}")}
        for item in self.datasets:
            if item.number in found:
                rows = self._records(item, f"SELECT _record_id FROM {TOUCHED} WHERE _dataset = {item.number}")
                self._read(item, f"SELECT _record_id, true AS _live, {_names(self._columns(item))} FROM {rows}")
        return {item.number for item in self.datasets if item.number in found}

    def _records(self, item: Pinned, only: str) -> str:
        """SQL for a dataset's records as this publication sees them: those whose ids a query gives."""
        return state(
            self.home,
            standardized_table(item.contract.id),
            {"_record_id": "UUID", **self._columns(item)},
            item.seq,
            Sought(self.engine, only),
        )

    def _links(self, item: Pinned, is_placed: bool) -> str:
        rule = literal(self._own_rule)
        if not is_placed:
            return f"SELECT *, _identity AS _canonical_id, {rule} AS _rule FROM changed_{item.number}"
        found = "CASE WHEN p._record_id IS NOT NULL THEN p._canonical_id ELSE coalesce(m._canonical_id, c._identity) END"
        judged = f"WHEN _apart <> '{VETO_RULE}' THEN '{JUDGED_APART_RULE}' WHEN _canonical_id = _identity THEN {rule} ELSE '{JUDGED_RULE}'"
        # A deleted record has no place. Said as a condition of its own in the join, that would have each record held against every place.
        live = "CASE WHEN c._live THEN c._record_id END"
        return (
            f"SELECT *, CASE WHEN _canonical_id IS NULL THEN _apart {judged} END AS _rule "
            f"FROM (SELECT c.*, {found} AS _canonical_id, p._rule AS _apart FROM changed_{item.number} c "
            f"LEFT JOIN {PLACED} p ON p._record_id = {live} LEFT JOIN {MOVED} m ON m._identity = c._identity)"
        )

    def _log_links(self, looked: Sequence[int]) -> None:
        """Compare new links with the published ones; what differs is logged, and both old and new entities are affected."""
        links = " UNION ALL ".join(f"SELECT _record_id, {n} AS _dataset, _canonical_id, _identity, _rule FROM linked_{n}" for n in looked)
        links = (
            links
            or "SELECT NULL::uuid AS _record_id, 0 AS _dataset, NULL::uuid AS _canonical_id, NULL::uuid AS _identity, '' AS _rule LIMIT 0"
        )
        own = f"{self.number} AS _publication, nullif(_identity, _canonical_id) AS _identity"
        if self.first:
            self.engine.run(
                f"CREATE VIEW {XREF_LOG} AS SELECT _record_id, _dataset, _canonical_id, 'insert' AS _op, _rule, {own} "
                f"FROM ({links}) WHERE _canonical_id IS NOT NULL OR _identity IS NOT NULL",
                doing="linking records",
            )
            return
        self.engine.run(
            f"CREATE TABLE {RELINKED} AS SELECT n._record_id, n._dataset, n._canonical_id AS new, o._canonical_id AS old, n._identity, n._rule, "
            "n._canonical_id IS NOT NULL OR n._identity IS NOT NULL AS is_kept, o._record_id IS NOT NULL AS was_kept, "
            "n._identity IS DISTINCT FROM o._identity OR n._canonical_id IS DISTINCT FROM o._canonical_id "
            f"OR ((n._canonical_id IS NULL OR '{JUDGED_APART_RULE}' IN (n._rule, o._rule)) AND n._rule IS DISTINCT FROM o._rule) AS is_other "
            f"FROM ({links}) n LEFT JOIN {OLD_LINKS} o ON o._record_id = n._record_id",
            doing="comparing links",
        )
        self.engine.run(
            f"CREATE VIEW {XREF_LOG} AS SELECT _record_id, _dataset, CASE WHEN is_kept THEN new ELSE old END AS _canonical_id, "
            "CASE WHEN NOT is_kept THEN 'delete' WHEN was_kept THEN 'update' ELSE 'insert' END AS _op, _rule, "
            f"{self.number} AS _publication, nullif(_identity, new) AS _identity FROM {RELINKED} WHERE is_other",
            doing="comparing links",
        )
        self.engine.run(
            f"CREATE TABLE {AFFECTED} AS SELECT new AS _canonical_id FROM {RELINKED} WHERE new IS NOT NULL "
            f"UNION SELECT old FROM {RELINKED} WHERE old IS NOT NULL",
            doing="finding affected entities",
        )
        # Whom a judgement has brought into them may have another identifier.
        if self.known.upto and not self._needs_all_links:
            self._add_links(where=f"_canonical_id IN (SELECT _canonical_id FROM {AFFECTED})")

    def _add_members(self, item: Pinned, is_looked: bool) -> None:
        """Relation `contribution_<n>`: records that were looked at and have a link, and unchanged ones of affected entities."""
        name, n = f"contribution_{item.number}", item.number
        columns = _names(["_canonical_id", "_record_id", "_valid_from", *self._elements(item)])
        parts = [f"SELECT {columns} FROM linked_{n} WHERE _canonical_id IS NOT NULL"] if is_looked else []
        if not self.first and not item.whole and not item.withdrawn:
            unchanged = f"AND _record_id NOT IN (SELECT _record_id FROM changed_{n})" if is_looked else ""
            members = (
                f"SELECT _record_id, _canonical_id FROM {OLD_LINKS} WHERE _dataset = {n} "
                f"AND _canonical_id IN (SELECT _canonical_id FROM {AFFECTED}) {unchanged}"
            )
            if not parts or self.engine.rows(f"{members} LIMIT 1"):  # reading the state of a dataset is what costs
                rows = self._records(item, f"SELECT _record_id FROM ({members})")
                parts.append(f"SELECT {columns} FROM {rows} JOIN ({members}) USING (_record_id)")
        kind = "VIEW" if self.first else "TABLE"
        self.engine.run(f"CREATE {kind} {name} AS {' UNION ALL '.join(parts)}", doing=f"gathering {item.contract.id}")

    def _contribution(self, item: Pinned) -> Contribution:
        contract = item.contract
        return Contribution(contract.id, contract.department.id, item.number, tuple(self._elements(item)), f"contribution_{item.number}")


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(quote, columns))
