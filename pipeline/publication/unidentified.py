"""Unidentified: the records of a registry that have no whole identifier, dataset by dataset. They wait for whatever else places them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.datasets import contracts_in_force
from core.engine import quote
from pipeline.home import Home
from pipeline.state import Sought, log_columns, standardized_table, state
from standards.model import Schema, Standards


@dataclass(frozen=True)
class Unidentified:
    """Those of one dataset: SQL for `_record_id` and the `elements` asked for that it has."""

    contract_id: str
    elements: frozenset[str]
    rows: str


def unidentified(
    home: Home, schema: Schema, standards: Standards, elements: Sequence[str], only: Sought | None = None
) -> Iterator[Unidentified]:
    """The live records of each dataset that may be shared, as they were accepted last; with `only`, those whose ids a query gives."""
    for contract_id, (_, contract) in sorted(contracts_in_force(home.catalog).items()):
        if not contract.counts_in(schema.id):
            continue
        columns = log_columns(contract, standards)
        wanted = {name: columns[name] for name in (*schema.identity, *elements) if name in columns}
        identified = set(schema.identity) <= columns.keys()
        missing = " OR ".join(f"{quote(name)} IS NULL" for name in schema.identity) if identified else "true"
        rows = state(home, standardized_table(contract_id), {"_record_id": "UUID", **wanted}, only=only)
        yield Unidentified(contract_id, frozenset(wanted), f"SELECT * FROM {rows} WHERE {missing}")
