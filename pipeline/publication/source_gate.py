"""The gate on what sources say: one that suddenly claims that everybody's name is empty, or the same, is stopped before it wins survivorship.

Looked at is what changed since the last publication, by source and element, also where a source has given its records other keys: how many
values were emptied, how many became others, and how many became one and the same; each as a share of the records that the source had. Limits
are data of the registry. A source of which fewer records changed than any limit allows costs nothing. What a new version of the standard makes
of the same rows is no word of a source: it was shown to whoever adopted it (`./hub standards diff --impact`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalog.batches import batch_at, changed_between
from catalog.datasets import contract_at
from core.engine import Engine, quote
from core.errors import GateFailed
from core.percent import limit_percent, part_of
from pipeline.home import Home
from pipeline.publication.placing import EXAMINED, OLD_LINKS
from pipeline.resolve import Pinned, schema_elements
from pipeline.state import log_columns, standardized_table, state
from registries.definition import SourceLimits
from standards.model import Schema, Standards

EMPTIED, CHANGED, SAME, UNIFORM = "emptied", "changed", "same", "uniform"
SHOWN = 5  # findings that a message names


@dataclass(frozen=True)
class Finding:
    """More of a source's values changed at once than the limit allows: `emptied`, `changed` to others, or to one and the `same`; or its new
    records are `uniform`."""

    contract_id: str
    element: str
    kind: str
    rows: int
    records: int
    limit: float

    def __str__(self) -> str:
        return f"{self.contract_id} {self.element} {self.kind} in {self.rows} of {self.records} records (limit {limit_percent(self.limit)})"


class SourceChanged(GateFailed):
    """A source says other things of too many entities at once; `findings` say of which elements."""

    def __init__(self, registry: str, findings: Sequence[Finding], *, unseen: bool, beside: str = "") -> None:
        told = "; ".join(map(str, findings[:SHOWN])) + (f"; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else "")
        more = "; --accept-change goes no further than a stopped attempt has shown: look at this one, then decide" if unseen else ""
        super().__init__(
            f"publication of {registry} stopped: {told}{more}",
            hint="the last publication stays current; ask the department, and mend the dataset; if it is right: ./hub publish "
            f'{registry} --accept-change "why it is right"{beside}',
        )
        self.findings = [asdict(item) for item in findings]


def is_covered(findings: Sequence[Finding], seen: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a stopped attempt has shown all of this already, and as much of each."""
    shown = {(item["contract_id"], item["element"], item["kind"]): item["rows"] for item in seen}
    return all(item.rows <= shown.get((item.contract_id, item.element, item.kind), -1) for item in findings)


def too_much_changed(
    engine: Engine, home: Home, limits: SourceLimits, schema: Schema, standards: Standards, datasets: Sequence[Pinned]
) -> list[Finding]:
    """What goes beyond the limits, most rows first. The changed rows of each dataset are in the engine as `changed_<n>`."""
    found = [
        finding
        for item in datasets
        if item.changed and item.previous_seq and not item.withdrawn
        for finding in _of_dataset(engine, home, limits, schema, standards, item)
    ]
    newcomers = _newcomers(engine)
    found += [
        finding
        for item in datasets
        if item.seq != item.previous_seq and not item.withdrawn and newcomers.get(item.number, 0) >= limits.least_records
        for finding in _of_newcomers(engine, limits, schema_elements(item.contract, schema, standards), item, newcomers[item.number])
    ]
    return sorted(found, key=lambda item: (-item.rows, item.contract_id, item.element, item.kind))


def _of_dataset(engine: Engine, home: Home, limits: SourceLimits, schema: Schema, standards: Standards, item: Pinned) -> Iterator[Finding]:
    then = batch_at(home.catalog, item.contract.id, item.previous_seq)
    records = then.records or 0
    if records < limits.least_records or _changed(home, item) <= part_of(records, limits.smallest):
        return
    before = contract_at(home.catalog, item.contract.id, then.contract_version)
    # What a contract maps anew, or no longer, has been decided by whoever registered it.
    elements = [name for name in schema_elements(item.contract, schema, standards) if name in schema_elements(before, schema, standards)]
    columns = {name: kind for name, kind in log_columns(before, standards).items() if name in (*elements, "_record_id", "_row_digest")}
    old = state(home, standardized_table(before.id), columns, then.seq)
    source, live = f"changed_{item.number}", "n._live"
    if then.standard_version != batch_at(home.catalog, item.contract.id, item.seq).standard_version:
        # Only of rows that the source itself sends otherwise than before.
        now = state(home, standardized_table(item.contract.id), {"_record_id": "UUID", "_row_digest": "UUID"}, item.seq)
        source, live = f"(SELECT * FROM {source} JOIN {now} USING (_record_id))", f"{live} AND n._row_digest <> o._row_digest"
    pairs = ", ".join(f"n.{quote(name)} AS {quote(f'new_{name}')}, o.{quote(name)} AS {quote(f'old_{name}')}" for name in elements)
    pair = f"changes_{item.number}"
    engine.run(
        f"CREATE TABLE {pair} AS SELECT {pairs} FROM {source} n JOIN ({_earlier_records(item)}) e ON e._new = n._record_id "
        f"JOIN {old} o ON o._record_id = e._old WHERE {live}",
        doing=f"comparing what {item.contract.id} says",
    )
    for element in elements:
        limit = limits.of(element)
        for kind, rows in _changes(engine, pair, element).items():
            if rows > part_of(records, limit[kind]):
                yield Finding(item.contract.id, element, kind, rows, records, limit[kind])


def _newcomers(engine: Engine) -> dict[int, int]:
    """By dataset, how many records had no part in the publication before."""
    rows = f"SELECT _dataset FROM {EXAMINED} ANTI JOIN {OLD_LINKS} USING (_record_id) WHERE _live"
    return dict(engine.rows(f"SELECT _dataset, count(*) FROM ({rows}) GROUP BY _dataset", doing="counting new records"))


def _of_newcomers(engine: Engine, limits: SourceLimits, elements: Sequence[str], item: Pinned, records: int) -> Iterator[Finding]:
    """Where too many of the records of a dataset that had no part in the publication before have one value."""
    rows = f"(SELECT * FROM changed_{item.number} ANTI JOIN {OLD_LINKS} USING (_record_id) WHERE _live)"
    looked = {name: limits.of(name)[UNIFORM] for name in elements if UNIFORM in limits.of(name)}
    for element, limit in looked.items():
        name = quote(element)
        often = engine.value(
            f"SELECT coalesce(max(rows), 0) FROM (SELECT count(*) AS rows FROM {rows} WHERE {name} IS NOT NULL GROUP BY {name})",
            doing=f"comparing what {item.contract.id} says",
        )
        if often > part_of(records, limit):
            yield Finding(item.contract.id, element, UNIFORM, often, records, limit)


def _earlier_records(item: Pinned) -> str:
    """SQL for which record of the publication before a changed one is held against, `_new` and `_old`: the same; where a source has given its
    records other keys, the one in whose place it has come under the same identifier.
    """
    changed = f"changed_{item.number}"
    gone = f"SELECT _record_id AS _old, _identity FROM {OLD_LINKS} WHERE _record_id IN (SELECT _record_id FROM {changed} WHERE NOT _live)"
    come = f"SELECT _record_id AS _new, _identity FROM {changed} WHERE _live AND _record_id NOT IN (SELECT _record_id FROM {OLD_LINKS})"
    return (
        f"SELECT _record_id AS _new, _record_id AS _old FROM {changed} UNION ALL "
        f"SELECT _new, min(_old) FROM ({come}) JOIN ({gone}) USING (_identity) GROUP BY _new"
    )


def _changed(home: Home, item: Pinned) -> int:
    return changed_between(home.catalog, item.contract.id, item.previous_seq, item.seq)


def _changes(engine: Engine, pair: str, element: str) -> dict[str, int]:
    new, old = quote(f"new_{element}"), quote(f"old_{element}")
    emptied, changed = engine.row(
        f"SELECT count(*) FILTER (WHERE {new} IS NULL AND {old} IS NOT NULL), count(*) FILTER (WHERE {new} <> {old}) FROM {pair}"
    )
    became = f"SELECT count(*) AS rows FROM {pair} WHERE {new} IS NOT NULL AND {new} IS DISTINCT FROM {old} GROUP BY {new}"
    same = engine.value(f"SELECT coalesce(max(rows), 0) FROM ({became})")
    return {EMPTIED: emptied, CHANGED: changed, SAME: same}
