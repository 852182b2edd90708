"""Prepared columns: what the comparisons of a model look at, made once for a record and not for every pair.

Each different value of an element is cut once, by its recipe, into columns named `<element>_<part>`:
`person_name` key, family, given, pinyin · `organization_name` key, bare, place, core, trade, form, branch · `address` key and the parts of an
address. A value of a part that says nothing is null, so that two records without a number do not agree on their number.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager

import ibis

from core.engine import Engine, literal, quote
from core.portable import to_sql
from registries.linkage import organization_names
from registries.linkage.characters import make_macros
from registries.linkage.model import LinkageModel, Recipe
from registries.linkage.pinyin import syllables
from standards import address_parts
from standards.comparable import address_key, organization_key, person_key, with_one_form
from standards.in_force import while_in_force
from standards.not_names import surnames
from standards.patterns import HAN, one_of

CARRIED = ("_dataset", "_record_id")
_VALUES = ibis.table({"value": "string"}, name="_values")


def prepare(engine: Engine, model: LinkageModel, relation: str, into: str, carried: Sequence[str] = CARRIED) -> None:
    """Make the table `into`: `_row`, the `carried` columns, the model's elements as texts, their parts and the model's columns.

    What the relation does not have is null. `_row` numbers the records in the order of the carried columns, from 1, unless they have a number.
    """
    having = engine.columns(relation)
    order = ", ".join(name for name in carried if name in having)
    number = "_row" if "_row" in having else f"row_number() OVER (ORDER BY {order})"
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT {number} AS _row, {_given(model, having, carried)} FROM {relation}",
        doing="preparing records for linkage",
    )
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS {_with_parts(engine, model, into, into)} ORDER BY _row", doing="preparing records for linkage"
    )
    _forget_parts(engine, model, into)


@contextmanager
def prepared_view(engine: Engine, model: LinkageModel, relation: str, into: str) -> Iterator[None]:
    """The same as a view, while the block runs: of a great many records only different values and their parts are held. `_row` is their id."""
    having = engine.columns(relation)
    given = f"{into}_given"
    engine.run(f"CREATE VIEW {given} AS SELECT _record_id AS _row, {_given(model, having, ())} FROM {relation}")
    engine.run(f"CREATE VIEW {into} AS {_with_parts(engine, model, given, into)}")
    yield
    for view in (into, given):
        engine.run(f"DROP VIEW {view}")
    _forget_parts(engine, model, into)


def _given(model: LinkageModel, having: Container[str], carried: Sequence[str]) -> str:
    kept = [name if name in having else f"NULL::VARCHAR AS {name}" for name in carried]
    return ", ".join([*kept, *(f"{quote(name) if name in having else 'NULL'}::VARCHAR AS {quote(name)}" for name in model.elements)])


def _with_parts(engine: Engine, model: LinkageModel, relation: str, into: str) -> str:
    """SQL for a relation with the parts of its elements, which are left as tables, and with the model's columns."""
    make_macros(engine)
    joins, parts = [], []
    for table, element, recipe in _parts_tables(model, into):
        columns = _cut(
            engine, recipe, f"SELECT DISTINCT {quote(element)} AS value FROM {relation} WHERE {quote(element)} IS NOT NULL", table
        )
        joins.append(f"LEFT JOIN {table} ON {table}.value = r.{quote(element)}")
        parts += [f"nullif({table}.{quote(name)}, '') AS {quote(f'{element}_{name}')}" for name in columns]
    own = "".join(f", {sql} AS {quote(name)}" for name, sql in model.columns.items())
    return f"SELECT *{own} FROM (SELECT {', '.join(['r.*', *parts])} FROM {relation} r {' '.join(joins)})"


def _parts_tables(model: LinkageModel, into: str) -> list[tuple[str, str, Recipe]]:
    return [(f"{into}_parts_{place}", element, recipe) for place, (element, recipe) in enumerate(model.prepared.items())]


def _forget_parts(engine: Engine, model: LinkageModel, into: str) -> None:
    engine.connection.unregister("_readings")
    for table, *_ in _parts_tables(model, into):
        engine.run(f"DROP TABLE {table}")


def _cut(engine: Engine, recipe: Recipe, values: str, into: str) -> list[str]:
    """Make a table of different values and their parts; returns the names of the parts."""
    _made(engine, values)
    columns = _RECIPES[recipe](engine)
    parts = ", ".join(f"{sql} AS {quote(name)}" for name, sql in columns.items())
    engine.run(f"CREATE OR REPLACE TABLE {into} AS SELECT value, {parts} FROM _values", doing="preparing records for linkage")
    engine.run("DROP TABLE _values")
    return list(columns)


def _made(engine: Engine, sql: str) -> None:
    engine.run(f"CREATE OR REPLACE TABLE _values AS {sql}", doing="preparing records for linkage")


def _person_name(engine: Engine) -> Mapping[str, str]:
    _made(engine, _person_keys())
    _made(engine, f"SELECT v.*, s.syllables FROM _values v LEFT JOIN ({syllables(engine, '_values', 'key')}) s USING (key)")
    double = literal(f"^{one_of(name for name in surnames() if len(name) > 1)}[{HAN}]")
    single = literal(f"^[{HAN}]{{2,4}}$")
    family = f"CASE WHEN regexp_matches(key, {double}) THEN key[:2] WHEN regexp_matches(key, {single}) THEN key[:1] END"
    return {"key": "key", "family": family, "given": f"key[length({family}) + 1:]", "pinyin": "syllables"}


def _organization_name(engine: Engine) -> Mapping[str, str]:
    _made(engine, _organization_keys())
    _made(engine, organization_names.parts_sql("_values", "one_form"))
    return {name: name for name in ("key", *organization_names.PARTS)}


def _address(engine: Engine) -> Mapping[str, str]:
    _made(engine, _address_cut())
    _made(engine, _address_parts())
    return {name: quote(name) for name in ("key", *address_parts.PARTS)}


# Rendering an expression costs more than running it over a batch of records without an identifier.
@while_in_force
def _person_keys() -> str:
    return to_sql(_VALUES.mutate(key=person_key(_VALUES.value)))


@while_in_force
def _organization_keys() -> str:
    return to_sql(_VALUES.mutate(key=organization_key(_VALUES.value), one_form=with_one_form(_VALUES.value, "organization")))


@while_in_force
def _address_cut() -> str:
    return to_sql(_VALUES.mutate(key=address_key(_VALUES.value), found=address_parts.cut(_VALUES.value)))


@while_in_force
def _address_parts() -> str:
    found = ibis.table({"value": "string", "key": "string", "found": "string"}, name="_values")
    return to_sql(found.mutate(**{name: address_parts.part(found.found, name) for name in address_parts.PARTS}).drop("found"))


_RECIPES: Mapping[Recipe, Callable[[Engine], Mapping[str, str]]] = {
    "person_name": _person_name,
    "organization_name": _organization_name,
    "address": _address,
}
