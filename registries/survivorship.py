"""Survivorship: which source's value a base row carries, element by element.

First, each source speaks with one record per entity: the newest, then the most complete, then the smallest record id, which is a total
order. Then each element takes the value of the highest-ranked source that has one. Nothing depends on the order of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.engine import Engine, quote
from registries.definition import RegistryDefinition


@dataclass(frozen=True)
class Contribution:
    """What one dataset has to say: a relation with `_canonical_id`, `_record_id`, `_valid_from` and its elements."""

    contract_id: str
    department: str
    number: int
    elements: tuple[str, ...]
    relation: str


def ranked(definition: RegistryDefinition, element: str, contributions: Sequence[Contribution]) -> list[Contribution]:
    """The contributions that have an element, best first."""
    having = [item for item in contributions if element in item.elements]
    return sorted(having, key=lambda item: (definition.rank(element, item.department), item.contract_id))


def best_records_order(elements: Sequence[str]) -> str:
    """SQL order of the records of one source for one entity, best first."""
    filled = " + ".join(f"({quote(element)} IS NOT NULL)::integer" for element in elements)
    return f"_valid_from DESC NULLS LAST, {filled} DESC, _record_id"


def keep_best(engine: Engine, contribution: Contribution) -> Contribution:
    """Reduce a contribution to one record per entity; a no-op where that holds already."""
    relation, best = contribution.relation, f"{contribution.relation}_best"
    engine.run(
        f"CREATE OR REPLACE TABLE {relation}_often AS SELECT _canonical_id FROM {relation} GROUP BY _canonical_id HAVING count(*) > 1",
        doing="looking for several records of one entity",
    )
    if not engine.value(f"SELECT count(*) FROM {relation}_often"):
        return contribution
    often = f"(SELECT _canonical_id FROM {relation}_often)"
    engine.run(
        f"CREATE OR REPLACE VIEW {best} AS SELECT * FROM {relation} WHERE _canonical_id NOT IN {often} UNION ALL "
        f"SELECT * FROM {relation} WHERE _canonical_id IN {often} "
        f"QUALIFY row_number() OVER (PARTITION BY _canonical_id ORDER BY {best_records_order(contribution.elements)}) = 1",
        doing="choosing one record per source and entity",
    )
    return Contribution(contribution.contract_id, contribution.department, contribution.number, contribution.elements, best)


def merged(definition: RegistryDefinition, elements: Sequence[str], types: dict[str, str], contributions: Sequence[Contribution]) -> str:
    """SQL for the base rows: `_canonical_id`, `_valid_from`, each element, and `_from_<element>`, the number of the dataset it came from."""
    if not contributions:
        nothing = ", ".join(f"NULL::{types[name]} AS {quote(name)}, NULL::INTEGER AS {quote(f'_from_{name}')}" for name in elements)
        return f"SELECT NULL::UUID AS _canonical_id, NULL::DATE AS _valid_from, {nothing} WHERE false"
    alias = {item.contract_id: f"s{position}" for position, item in enumerate(contributions)}
    columns = [c for element in elements for c in _chosen(definition, element, types[element], contributions, alias)]
    dates = ", ".join(f"{name}._valid_from" for name in alias.values())
    spine = " UNION ".join(f"SELECT _canonical_id FROM {item.relation}" for item in contributions)
    joins = " ".join(
        f"LEFT JOIN {item.relation} {alias[item.contract_id]} ON {alias[item.contract_id]}._canonical_id = spine._canonical_id"
        for item in contributions
    )
    valid_from = f"greatest({dates})" if len(alias) > 1 else dates
    return f"SELECT spine._canonical_id, {valid_from} AS _valid_from, {', '.join(columns)} FROM ({spine}) spine {joins}"


def _chosen(
    definition: RegistryDefinition, element: str, kind: str, contributions: Sequence[Contribution], alias: dict[str, str]
) -> tuple[str, str]:
    order = ranked(definition, element, contributions)
    name, origin = quote(element), quote(f"_from_{element}")
    if not order:
        return f"NULL::{kind} AS {name}", f"NULL::INTEGER AS {origin}"
    values = ", ".join(f"{alias[item.contract_id]}.{name}" for item in order)
    cases = " ".join(f"WHEN {alias[item.contract_id]}.{name} IS NOT NULL THEN {item.number}" for item in order)
    return f"coalesce({values}) AS {name}", f"CASE {cases} END::INTEGER AS {origin}"
