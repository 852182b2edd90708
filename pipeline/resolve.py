"""Resolve: which entity each changed record belongs to, and which entities a publication therefore has to look at again.

The link from record to canonical id is a log of its own (`xref_<registry>`); a record without a complete identity has no link and waits for
matching. Work is proportional to what changed: records that did not change are read only where they share an entity with one that did.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.files import files_of
from contracts.model import Contract
from core.engine import Engine, literal, quote
from core.keys import CANONICAL_KEY, load_key
from pipeline.home import Home
from pipeline.state import fold, log_columns, log_source, standardized_table, state
from registries.definition import RegistryDefinition
from registries.matching import canonical_id, canonical_key
from registries.publications import files_upto
from registries.survivorship import Contribution, keep_best
from standards.model import Schema, Standards

XREF_COLUMNS = {
    "_record_id": "UUID",
    "_publication": "INTEGER",
    "_op": "VARCHAR",
    "_dataset": "INTEGER",
    "_canonical_id": "UUID",
    "_rule": "VARCHAR",
}
XREF_LOG = "xref_log"  # table: this publication's changes of links
RELINKED = "relinked"  # table, after the first publication: changed records with their canonical ids before and after (`old`, `new`)
AFFECTED = "affected"  # table: _canonical_id of every entity with a changed record


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
    """SQL for the links as of one publication: `_record_id`, `_dataset`, `_canonical_id`."""
    table = xref_table(registry)
    columns = {name: kind for name, kind in XREF_COLUMNS.items() if name in ("_record_id", "_dataset", "_canonical_id")}
    return fold(home, table, columns, files_upto(home.serving, registry, table, number), "_record_id", "_publication")


def resolve(
    engine: Engine,
    home: Home,
    definition: RegistryDefinition,
    schema: Schema,
    standards: Standards,
    datasets: Sequence[Pinned],
    number: int,
) -> dict[str, Contribution]:
    """Link changed records, and return each dataset's contribution to the affected entities.

    Leaves `xref_log` (with `_publication` = `number`) and `affected` as tables of the engine.
    """
    elements = {item.contract.id: schema_elements(item.contract, schema, standards) for item in datasets}
    changed = [item for item in datasets if item.changed]
    key = {"canonical_key": canonical_key(definition, load_key(home.settings, CANONICAL_KEY))}
    for item in changed:
        _read_changes(engine, home, schema, standards, item, elements[item.contract.id], key)
    first = number == 1
    _log_links(engine, home, definition, changed, number, first)
    for item in datasets:
        _add_members(engine, home, standards, item, elements[item.contract.id], definition.id, number, first)
    return {
        item.contract.id: keep_best(
            engine,
            Contribution(
                item.contract.id, item.contract.department.id, item.number, tuple(elements[item.contract.id]), f"contribution_{item.number}"
            ),
        )
        for item in datasets
    }


def schema_elements(contract: Contract, schema: Schema, standards: Standards) -> list[str]:
    """The elements of one registry's schema that a dataset supplies."""
    columns = log_columns(contract, standards)
    return [use.element.id for use in schema.uses if use.element.id in columns]


def _read_changes(
    engine: Engine,
    home: Home,
    schema: Schema,
    standards: Standards,
    item: Pinned,
    elements: Sequence[str],
    key: Mapping[str, str],
) -> None:
    """Table `changed_<n>`: the newest row of every record that changed since the last publication, with its canonical id."""
    wanted = {name: kind for name, kind in log_columns(item.contract, standards).items() if name in elements or name == "_valid_from"}
    rows = " UNION ALL ".join(_changed_rows(home, item, wanted))
    identified = all(element in elements for element in schema.identity)
    link = f"CASE WHEN _live THEN {canonical_id(schema.identity)} END" if identified else "NULL::uuid"
    engine.run(
        f"CREATE TABLE changed_{item.number} AS SELECT *, {link} AS _canonical_id FROM ({rows})",
        key if identified else None,
        doing=f"linking {item.contract.id}",
    )


def _changed_rows(home: Home, item: Pinned, wanted: Mapping[str, str]) -> Iterator[str]:
    """Live and deleted records that the last publication did not see as they are now."""
    table, names = standardized_table(item.contract.id), _names(wanted)
    if item.whole or item.withdrawn:
        live = state(home, table, {"_record_id": "UUID", **wanted}, item.seq)
        yield f"SELECT _record_id, {str(not item.withdrawn).lower()} AS _live, {names} FROM {live}"
    if item.previous_seq == 0:
        return
    new = [file for file in files_of(home.catalog, table, ("log",), item.seq) if file.seq > item.previous_seq]
    log = log_source(home, table, {"_record_id": "UUID", "_batch_seq": "INTEGER", "_op": "VARCHAR", **wanted}, new)
    newest = f"(SELECT _record_id, max(_batch_seq) AS _batch_seq FROM {log} GROUP BY _record_id)"
    only_deleted = "WHERE _op = 'delete'" if item.whole or item.withdrawn else ""
    yield f"SELECT _record_id, _op <> 'delete' AS _live, {names} FROM {log} JOIN {newest} USING (_record_id, _batch_seq) {only_deleted}"


def _names(columns: Mapping[str, str]) -> str:
    return ", ".join(map(quote, columns))


def _log_links(engine: Engine, home: Home, definition: RegistryDefinition, changed: Sequence[Pinned], number: int, first: bool) -> None:
    """Compare new links with the published ones; what differs is logged, and both old and new entities are affected."""
    links = " UNION ALL ".join(
        f"SELECT _record_id, _canonical_id, {item.number} AS _dataset FROM changed_{item.number}" for item in changed
    )
    links = links or "SELECT NULL::uuid AS _record_id, NULL::uuid AS _canonical_id, 0 AS _dataset WHERE false"
    rule = f"{definition.identity.id}/{definition.identity.version}"
    tail = f"{number} AS _publication, {literal(rule)} AS _rule"
    if first:
        engine.run(
            f"CREATE VIEW {XREF_LOG} AS SELECT _record_id, _dataset, _canonical_id, 'insert' AS _op, {tail} "
            f"FROM ({links}) WHERE _canonical_id IS NOT NULL",
            doing="linking records",
        )
        return
    engine.run(f"CREATE TABLE old_links AS SELECT * FROM {xref_state(home, definition.id, number - 1)}", doing="reading links")
    engine.run(
        f"CREATE TABLE {RELINKED} AS SELECT n._record_id, n._dataset, n._canonical_id AS new, o._canonical_id AS old "
        f"FROM ({links}) n LEFT JOIN old_links o ON o._record_id = n._record_id",
        doing="comparing links",
    )
    engine.run(
        f"CREATE VIEW {XREF_LOG} AS SELECT _record_id, _dataset, coalesce(new, old) AS _canonical_id, "
        f"CASE WHEN new IS NULL THEN 'delete' WHEN old IS NULL THEN 'insert' ELSE 'update' END AS _op, {tail} "
        f"FROM {RELINKED} WHERE new IS DISTINCT FROM old",
        doing="comparing links",
    )
    engine.run(
        f"CREATE TABLE {AFFECTED} AS SELECT new AS _canonical_id FROM {RELINKED} WHERE new IS NOT NULL "
        f"UNION SELECT old FROM {RELINKED} WHERE old IS NOT NULL",
        doing="finding affected entities",
    )


def _add_members(
    engine: Engine, home: Home, standards: Standards, item: Pinned, elements: Sequence[str], registry: str, number: int, first: bool
) -> None:
    """Relation `contribution_<n>`: changed records with a link, and unchanged ones of affected entities."""
    name = f"contribution_{item.number}"
    columns = ", ".join(map(quote, ["_canonical_id", "_record_id", "_valid_from", *elements]))
    parts = [f"SELECT {columns} FROM changed_{item.number} WHERE _canonical_id IS NOT NULL"] if item.changed else []
    if not first and not item.whole and not item.withdrawn:
        wanted = {
            c: kind for c, kind in log_columns(item.contract, standards).items() if c in elements or c in ("_valid_from", "_record_id")
        }
        rows = state(home, standardized_table(item.contract.id), wanted, item.seq)
        unchanged = f"AND _record_id NOT IN (SELECT _record_id FROM changed_{item.number})" if item.changed else ""
        parts.append(
            f"SELECT {columns} FROM {rows} JOIN (SELECT _record_id, _canonical_id FROM old_links WHERE _dataset = {item.number} "
            f"AND _canonical_id IN (SELECT _canonical_id FROM {AFFECTED}) {unchanged}) USING (_record_id)"
        )
    kind = "VIEW" if first else "TABLE"
    engine.run(f"CREATE {kind} {name} AS {' UNION ALL '.join(parts)}", doing=f"gathering {item.contract.id}")
