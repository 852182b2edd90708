"""Prepared columns: what the comparisons of a model look at, made once for a record and not for every pair.

Each different value of an element is cut once, by its recipe, into columns named `<element>_<part>`:
`person_name` key, family, given, pinyin · `organization_name` key, place, core, trade, form, branch · `address` key and the parts of an
address. A value of a part that says nothing is null, so that two records without a number do not agree on their number.
"""

from collections.abc import Callable, Mapping, Sequence

import ibis

from core.engine import Engine, literal, quote
from core.portable import to_sql
from registries.linkage.characters import make_macros
from registries.linkage.model import LinkageModel, Recipe
from registries.linkage.pinyin import syllables
from standards import address_parts
from standards.comparable import address_key, organization_key, person_key
from standards.not_names import surnames
from standards.patterns import HAN, one_of

CARRIED = ("_dataset", "_record_id")
_VALUES = ibis.table({"value": "string"}, name="_values")


def prepare(engine: Engine, model: LinkageModel, relation: str, into: str, carried: Sequence[str] = CARRIED) -> None:
    """Make the table `into`: `_row`, the `carried` columns, the model's elements as texts, their parts and the model's columns.

    An element that the relation does not have is null. `_row` numbers the records in the order of the carried columns, from 1.
    """
    make_macros(engine)
    kept = ", ".join(carried)
    having = {name for name, *_ in engine.rows(f"DESCRIBE {relation}")}
    wanted = [f"{quote(name)}::VARCHAR" if name in having else "NULL::VARCHAR" for name in model.elements]
    elements = ", ".join(f"{column} AS {quote(name)}" for column, name in zip(wanted, model.elements, strict=True))
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT row_number() OVER (ORDER BY {kept}) AS _row, {kept}, {elements} FROM {relation}",
        doing="preparing records for linkage",
    )
    joins, parts = [], []
    for position, (element, recipe) in enumerate(model.prepared.items()):
        table = f"{into}_parts_{position}"
        columns = _cut(engine, recipe, f"SELECT DISTINCT {quote(element)} AS value FROM {into} WHERE {quote(element)} IS NOT NULL", table)
        joins.append(f"LEFT JOIN {table} ON {table}.value = r.{quote(element)}")
        parts += [f"nullif({table}.{quote(name)}, '') AS {quote(f'{element}_{name}')}" for name in columns]
    own = ", ".join(f"{sql} AS {quote(name)}" for name, sql in model.columns.items())
    cut = f"SELECT {', '.join(['r.*', *parts])} FROM {into} r {' '.join(joins)}"
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT *{', ' + own if own else ''} FROM ({cut}) ORDER BY _row",
        doing="preparing records for linkage",
    )
    engine.connection.unregister("_readings")
    for position in range(len(model.prepared)):
        engine.run(f"DROP TABLE {into}_parts_{position}")


def _cut(engine: Engine, recipe: Recipe, values: str, into: str) -> list[str]:
    """Make a table of different values and their parts; returns the names of the parts."""
    engine.run(f"CREATE OR REPLACE TABLE _values AS {values}", doing="preparing records for linkage")
    columns = _RECIPES[recipe](engine)
    parts = ", ".join(f"{sql} AS {quote(name)}" for name, sql in columns.items())
    engine.run(f"CREATE OR REPLACE TABLE {into} AS SELECT value, {parts} FROM _values", doing="preparing records for linkage")
    engine.run("DROP TABLE _values")
    return list(columns)


def _with(engine: Engine, expression: ibis.Expr) -> None:
    engine.run(f"CREATE OR REPLACE TABLE _values AS {to_sql(expression)}", doing="preparing records for linkage")


def _person_name(engine: Engine) -> Mapping[str, str]:
    _with(engine, _VALUES.mutate(key=person_key(_VALUES.value)))
    engine.run(
        f"CREATE OR REPLACE TABLE _values AS SELECT v.*, s.syllables FROM _values v LEFT JOIN ({syllables(engine, '_values', 'key')}) s USING (key)"
    )
    double = literal(f"^{one_of(name for name in surnames() if len(name) > 1)}[{HAN}]")
    single = literal(f"^[{HAN}]{{2,4}}$")
    family = f"CASE WHEN regexp_matches(key, {double}) THEN key[:2] WHEN regexp_matches(key, {single}) THEN key[:1] END"
    return {
        "key": "key",
        "family": family,
        "given": f"key[length({family}) + 1:]",
        "pinyin": "syllables",
    }


def _organization_name(engine: Engine) -> Mapping[str, str]:
    _with(engine, _VALUES.mutate(key=organization_key(_VALUES.value)))
    return {"key": "key"}


def _address(engine: Engine) -> Mapping[str, str]:
    _with(engine, _VALUES.mutate(key=address_key(_VALUES.value), found=address_parts.cut(_VALUES.value)))
    found = ibis.table({"value": "string", "key": "string", "found": "string"}, name="_values")
    _with(engine, found.mutate(**{name: address_parts.part(found.found, name) for name in address_parts.PARTS}).drop("found"))
    return {name: quote(name) for name in ("key", *address_parts.PARTS)}


_RECIPES: Mapping[Recipe, Callable[[Engine], Mapping[str, str]]] = {
    "person_name": _person_name,
    "organization_name": _organization_name,
    "address": _address,
}
