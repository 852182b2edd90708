"""Earlier codes: a record that shows no identifier, but a code from before it, is of the one published entity that has the same code.

Such a link is a judgement like a model's, so it is told in `why`, can be taken back, and yields to a person's word. Where several entities
have the code, a person decides. Nothing but the codes is read, and of the entities only where a record waits with one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.datasets import contracts_in_force
from core.engine import Engine, literal, quote
from pipeline.base import base_state
from pipeline.home import Home
from pipeline.state import log_columns, standardized_table, state
from registries.definition import EarlierCode, RegistryDefinition
from standards.model import Schema, Standards

SHOWING = "code_showing"  # table: _record_id, _dataset, code of the records that wait and show an earlier code
HAVING = (
    "code_having"  # table: _record_id, _dataset, _canonical_id of each entity that has the same code, and whether it `is_alone` with it
)


@dataclass(frozen=True)
class Codes:
    """One rule over one publication; `lines` is SQL for its links."""

    home: Home
    definition: RegistryDefinition
    schema: Schema
    standards: Standards
    number: int
    lines: str

    def find(self, engine: Engine, rule: EarlierCode) -> bool:
        """Leave the table `code_having`; returns whether there is anything in it."""
        parts = list(self._showing(rule))
        if not parts:
            return False
        engine.run(f"CREATE OR REPLACE TABLE {SHOWING} AS {' UNION ALL '.join(parts)}", doing="reading earlier codes")
        engine.run(f"DELETE FROM {SHOWING} WHERE _record_id IN (SELECT _record_id FROM {self.lines})", doing="reading earlier codes")
        if not engine.value(f"SELECT count(*) FROM {SHOWING}"):
            return False
        engine.run(
            f"CREATE OR REPLACE TABLE {HAVING} AS SELECT s._record_id, s._dataset, _canonical_id, "
            f"count(*) OVER (PARTITION BY s._record_id) = 1 AS is_alone FROM {SHOWING} s JOIN ({self._entities(rule)}) USING (code)",
            doing="looking up earlier codes",
        )
        return bool(engine.value(f"SELECT count(*) FROM {HAVING}"))

    def _showing(self, rule: EarlierCode) -> Sequence[str]:
        """For each dataset that has the code: SQL for its records without a whole identifier."""
        parts = []
        for contract_id, (_, contract) in sorted(contracts_in_force(self.home.catalog).items()):
            columns = log_columns(contract, self.standards)
            if self.schema.id not in contract.feeds or contract.sharing.sharing_class == "none" or rule.element not in columns:
                continue
            wanted = {name: columns[name] for name in (*self.schema.identity, rule.element) if name in columns}
            lacking = " OR ".join(f"{quote(name)} IS NULL" for name in self.schema.identity if name in wanted) or "true"
            if not set(self.schema.identity) <= wanted.keys():
                lacking = "true"
            rows = state(self.home, standardized_table(contract_id), {"_record_id": "UUID", **wanted})
            code = quote(rule.element)
            parts.append(
                f"SELECT _record_id, {literal(contract_id)} AS _dataset, {code}::varchar AS code FROM {rows} WHERE {code} IS NOT NULL AND ({lacking})"
            )
        return parts

    def _entities(self, rule: EarlierCode) -> str:
        """SQL for the entities with one of the codes: as a source gave it, or as it stands in their identifier."""
        held = [rule.part_of.element] if rule.part_of else []
        rows = base_state(self.home, self.schema, self.number, ["_canonical_id", rule.element, *held])
        codes = [f"{quote(rule.element)}::varchar"]
        if rule.part_of:
            codes.append(f"substr({quote(rule.part_of.element)}, {rule.part_of.first}, {rule.part_of.length})")
        return (
            f"SELECT DISTINCT _canonical_id, code FROM (SELECT _canonical_id, unnest([{', '.join(codes)}]) AS code FROM {rows}) "
            f"WHERE code IN (SELECT code FROM {SHOWING})"
        )
