"""Earlier codes: a record that shows no identifier, but a code from before it, is of the one published entity that has the same code.

Such a link is a judgement like a model's, so it is told in `why`, can be taken back, and yields to a person's word. Where several entities
have the code, a person decides. Nothing but the codes is read, and of the entities only where a record waits with one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.datasets import contracts_in_force
from core.engine import Engine, literal, quote
from pipeline.home import Home
from pipeline.publication.base import base_state
from pipeline.publication.unidentified import unidentified
from pipeline.resolve import OWN_IDENTITY
from pipeline.state import Sought, log_columns, standardized_table, state
from registries.definition import EarlierCode, RegistryDefinition
from standards.model import Schema, Standards

SHOWING = "code_showing"  # table: _record_id, _dataset, code of the records that wait and show an earlier code
# SQL for what has to show the code of a line of the links: its identifier, or, without one, the record itself.
CODE_KEY = f"coalesce({OWN_IDENTITY}, _record_id)"
CODED = "coded"  # table: _record_id of the records that codes have placed in this run, or put before a person
# Table: _record_id, _dataset, code, _canonical_id of each entity that has the same code, and whether it `is_alone` with it.
HAVING = "code_having"
# Table: _key, code: in these entities, each identifier of whose records one shows the code, or a record without one that does.
SHOWN = "code_shown"
MEMBERS = "code_members"  # table: _record_id, _key of all their records


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
        """Leave the tables `code_having` and `code_shown`; returns whether there is anything in them.

        Records in `coded` have been judged by another rule.
        """
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
            f"CREATE OR REPLACE TABLE {HAVING} AS SELECT s._record_id, s._dataset, code, _canonical_id, "
            f"count(*) OVER (PARTITION BY s._record_id) = 1 AS is_alone FROM {SHOWING} s JOIN ({self._entities(rule)}) USING (code)",
            doing="looking up earlier codes",
        )
        if not engine.value(f"SELECT count(*) FROM {HAVING}"):
            return False
        self._read_shown(engine, rule)
        return True

    def _read_shown(self, engine: Engine, rule: EarlierCode) -> None:
        """Of an entity with several identifiers not all need show the code, and a judgement holds as long as the one that it names does."""
        engine.run(
            f"CREATE OR REPLACE TABLE {MEMBERS} AS SELECT _record_id, {CODE_KEY} AS _key FROM {self.lines} "
            f"WHERE _canonical_id IN (SELECT _canonical_id FROM {HAVING})",
            doing="reading entities",
        )
        parts = ["SELECT NULL::uuid AS _record_id, NULL::varchar AS code WHERE false"]
        for contract_id, (_, contract) in sorted(contracts_in_force(self.home.catalog).items()):
            columns = log_columns(contract, self.standards)
            wanted = {name: columns[name] for name in _shown_in(rule) if name in columns}
            if wanted and contract.counts_in(self.schema.id):
                only = Sought(engine, f"SELECT _record_id FROM {MEMBERS}")
                rows = state(self.home, standardized_table(contract_id), {"_record_id": "UUID", **wanted}, only=only)
                parts.append(f"SELECT _record_id, unnest([{_codes(rule, wanted)}]) FROM {rows}")
        engine.run(
            f"CREATE OR REPLACE TABLE {SHOWN} AS SELECT DISTINCT _key, code FROM ({' UNION ALL '.join(parts)}) JOIN {MEMBERS} USING (_record_id) "
            "WHERE code IS NOT NULL",
            doing="reading earlier codes",
        )

    def _entities(self, rule: EarlierCode) -> str:
        """SQL for the entities with one of the codes: as a source gave it, or as it stands in their identifier."""
        rows = base_state(self.home, self.schema, self.number, ["_canonical_id", *_shown_in(rule)])
        return (
            f"SELECT DISTINCT _canonical_id, code FROM (SELECT _canonical_id, unnest([{_codes(rule, _shown_in(rule))}]) AS code FROM {rows}) "
            f"WHERE code IN (SELECT code FROM {SHOWING})"
        )


def _shown_in(rule: EarlierCode) -> list[str]:
    """The elements that show a code: its own, and the identifier that it is a part of."""
    return [rule.element, *([rule.part_of.element] if rule.part_of else [])]


def _codes(rule: EarlierCode, elements: Iterable[str]) -> str:
    """SQL for a list of the code as each of these elements shows it."""
    part = rule.part_of
    return ", ".join(
        f"substr({quote(name)}, {part.first}, {part.length})" if part and name == part.element else f"{quote(name)}::varchar"
        for name in elements
    )
