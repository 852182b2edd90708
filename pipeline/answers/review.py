"""Review: two records side by side, as they are now, for whoever decides whether they are one entity.

Where they are read from is the same as for a publication: the standardized state of their datasets. A record that is gone is no pair any more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from catalog.datasets import contracts_in_force
from contracts.model import Contract
from core.engine import Engine
from core.errors import RequestError
from pipeline.answers.why import Moment, show
from pipeline.home import Home
from pipeline.resolve import schema_elements, xref_lines
from pipeline.state import Sought, log_columns, standardized_table, state
from registries.judgements import Side, checked_record_id
from registries.publications import latest
from standards.model import Schema, Standards


@dataclass(frozen=True)
class Reviewed:
    """One record: its elements of the registry, and the entity that it belongs to by the current publication, if to any, and why.

    `published` is what that entity is published with: a record without an identifier is compared with it, and one of its records only stands
    in for it. It is empty where both records are of one entity, as it would tell nothing.
    """

    side: Side
    contract: Contract
    values: Mapping[str, Any]
    canonical_id: str | None
    rule: str | None
    published: Mapping[str, Any] = field(default_factory=dict)


def read_sides(home: Home, schema: Schema, standards: Standards, sides: Sequence[Side]) -> list[Reviewed]:
    """The records that are still there, in the order asked for."""
    contracts = contracts_in_force(home.catalog)
    known = [side for side in sides if side.contract_id in contracts]
    # Of one publication, whatever is published meanwhile: the next may have the entity no more.
    number = latest(home.serving, schema.id).number
    with Engine(home.settings, threads=1) as engine:
        links = _links(engine, home, schema.id, known, number)
        found = []
        for side in known:
            contract = contracts[side.contract_id][1]
            values = _values(engine, home, contract, schema_elements(contract, schema, standards), standards, side)
            if values is not None:
                found.append(Reviewed(side, contract, values, *links.get(side.record_id, (None, None))))
    entities = Counter(item.canonical_id for item in found)
    return [_with_published(home, schema, item, number) if entities[item.canonical_id] == 1 else item for item in found]


def _with_published(home: Home, schema: Schema, item: Reviewed, number: int) -> Reviewed:
    if item.canonical_id is None:
        return item
    row = show(home, schema.id, item.canonical_id, Moment(known_at=number))
    return replace(item, published={element.id: row.get(element.id) for element in schema.elements})


def present(home: Home, sides: Sequence[Side]) -> set[str]:
    """The ids of the records that are still there; nothing else of them is read."""
    contracts, found = contracts_in_force(home.catalog), set()
    with Engine(home.settings, threads=1) as engine:
        for contract_id in sorted({side.contract_id for side in sides} & contracts.keys()):
            sought = Sought(engine, [UUID(side.record_id) for side in sides if side.contract_id == contract_id])
            rows = state(home, standardized_table(contract_id), {"_record_id": "UUID"}, only=sought)
            found |= {str(record) for (record,) in engine.rows(f"SELECT _record_id FROM {rows}", doing="looking for records")}
    return found


def _values(
    engine: Engine, home: Home, contract: Contract, elements: Sequence[str], standards: Standards, side: Side
) -> dict[str, Any] | None:
    columns = log_columns(contract, standards)
    wanted = {name: columns[name] for name in ("_record_id", "_valid_from", *elements)}
    rows = state(home, standardized_table(contract.id), wanted, only=Sought(engine, [UUID(side.record_id)]))
    found = engine.records(f"SELECT * FROM {rows}", doing="reading a record")
    return {name: value for name, value in found[0].items() if name != "_record_id"} if found else None


def _links(engine: Engine, home: Home, registry: str, sides: Sequence[Side], number: int) -> dict[str, tuple[str | None, str | None]]:
    if not number or not sides:
        return {}
    lines = xref_lines(home, registry, number, Sought(engine, [UUID(side.record_id) for side in sides]))
    found = engine.rows(f"SELECT _record_id, _canonical_id, _rule FROM {lines}", doing="reading links")
    return {str(record): (canonical and str(canonical), rule) for record, canonical, rule in found}


def find_side(home: Home, schema: Schema, record_id: str) -> Side:
    """The dataset of a record. Raises RequestError where no dataset of the registry has it, and where it is no record id."""
    record_id = checked_record_id(record_id)
    with Engine(home.settings, threads=1) as engine:
        for contract_id, (_, contract) in sorted(contracts_in_force(home.catalog).items()):
            if schema.id in contract.feeds:
                rows = state(home, standardized_table(contract_id), {"_record_id": "UUID"}, only=Sought(engine, [UUID(record_id)]))
                if engine.rows(f"SELECT 1 FROM {rows}"):
                    return Side(record_id, contract_id)
    raise RequestError(
        f"no dataset of {schema.id} has the record {record_id}",
        hint="./hub why shows the records of an entity; a pair that waits for one which has left goes with the next publication",
    )
