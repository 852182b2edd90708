"""Survivorship: which source's value a base row carries, element by element.

First, each source speaks with one record per entity: the newest, then the most complete, then the smallest record id, which is a total
order. Then each element takes the value of the highest-ranked source that has one. Nothing depends on the order of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    relation = contribution.relation
    outdone, best = f"{relation}_outdone", f"{relation}_best"
    often = f"SELECT _canonical_id FROM {relation} GROUP BY _canonical_id HAVING count(*) > 1"
    place = f"row_number() OVER (PARTITION BY _canonical_id ORDER BY {best_records_order(contribution.elements)})"
    engine.run(
        f"CREATE OR REPLACE TABLE {outdone} AS SELECT _record_id FROM (SELECT _record_id, {place} AS place FROM {relation} "
        f"WHERE _canonical_id IN ({often})) WHERE place > 1",
        doing="choosing one record per source and entity",
    )
    if not engine.value(f"SELECT count(*) FROM {outdone}"):
        return contribution
    engine.run(f"CREATE OR REPLACE VIEW {best} AS SELECT * FROM {relation} ANTI JOIN {outdone} USING (_record_id)")
    return replace(contribution, relation=best)


def supplied(elements: Sequence[str], contributions: Sequence[Contribution]) -> list[str]:
    """Of the elements, in their order, those that any contribution has."""
    having = {name for item in contributions for name in item.elements}
    return [name for name in elements if name in having]


def merged(definition: RegistryDefinition, elements: Sequence[str], contributions: Sequence[Contribution]) -> str:
    """SQL for the base rows: `_canonical_id`, `_valid_from`, each element, and `_from_<element>`, the number of the dataset it came from.

    Only elements that are supplied (`supplied`) can be merged.
    """
    if not contributions:
        return "SELECT NULL::UUID AS _canonical_id, NULL::DATE AS _valid_from WHERE false"
    alias = {item.contract_id: f"s{position}" for position, item in enumerate(contributions)}
    columns = [c for element in elements for c in _chosen(definition, element, contributions, alias)]
    dates = [f"{name}._valid_from" for name in alias.values()]
    valid_from = f"greatest({', '.join(dates)})" if len(dates) > 1 else dates[0]
    first, *others = (f"{item.relation} {alias[item.contract_id]}" for item in contributions)
    # Joins in full need no list of all entities first, which halves what merging costs.
    joins = " ".join(f"FULL JOIN {other} USING (_canonical_id)" for other in others)
    return f"SELECT _canonical_id, {valid_from} AS _valid_from, {', '.join(columns)} FROM {first} {joins}"


def _chosen(definition: RegistryDefinition, element: str, contributions: Sequence[Contribution], alias: dict[str, str]) -> tuple[str, str]:
    order = ranked(definition, element, contributions)
    name, origin = quote(element), quote(f"_from_{element}")
    values = ", ".join(f"{alias[item.contract_id]}.{name}" for item in order)
    cases = " ".join(f"WHEN {alias[item.contract_id]}.{name} IS NOT NULL THEN {item.number}" for item in order)
    return f"coalesce({values}) AS {name}", f"CASE {cases} END::INTEGER AS {origin}"
