"""Earlier codes: a record that shows no identifier, but a code from before it, is of the one published entity that has the same code.

Such a link is a judgement like a model's, so it is told in `why`, can be taken back, and yields to a person's word. Where several entities
have the code, a person decides. Nothing but the codes is read, and of the entities only where a record waits with one.
"""

from dataclasses import dataclass

from core.engine import Engine, literal, quote
from pipeline.home import Home
from pipeline.publication.base import base_state
from pipeline.publication.unidentified import unidentified
from registries.definition import EarlierCode, RegistryDefinition
from standards.model import Schema, Standards

SHOWING = "code_showing"  # table: _record_id, _dataset, code of the records that wait and show an earlier code
CODED = "coded"  # table: _record_id of the records that codes have placed in this run, or put before a person
# Table: _record_id, _dataset, _canonical_id of each entity that has the same code, and whether it `is_alone` with it.
HAVING = "code_having"


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
        """Leave the table `code_having`; returns whether there is anything in it. Records in `coded` have been judged by another rule."""
        parts = [
            f"SELECT _record_id, {literal(item.contract_id)} AS _dataset, {quote(rule.element)}::varchar AS code FROM ({item.rows})"
            for item in unidentified(self.home, self.schema, self.standards, [rule.element])
            if rule.element in item.elements
        ]
        if not parts:
            return False
        engine.run(
            f"CREATE OR REPLACE TABLE {SHOWING} AS SELECT * FROM ({' UNION ALL '.join(parts)}) WHERE code IS NOT NULL "
            f"AND _record_id NOT IN (SELECT _record_id FROM {CODED})",
            doing="reading earlier codes",
        )
        engine.run(f"DELETE FROM {SHOWING} WHERE _record_id IN (SELECT _record_id FROM {self.lines})", doing="reading earlier codes")
        if not engine.value(f"SELECT count(*) FROM {SHOWING}"):
            return False
        engine.run(
            f"CREATE OR REPLACE TABLE {HAVING} AS SELECT s._record_id, s._dataset, _canonical_id, "
            f"count(*) OVER (PARTITION BY s._record_id) = 1 AS is_alone FROM {SHOWING} s JOIN ({self._entities(rule)}) USING (code)",
            doing="looking up earlier codes",
        )
        return bool(engine.value(f"SELECT count(*) FROM {HAVING}"))

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
