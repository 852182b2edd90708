"""Which pairs are compared at all: those that agree on all columns of one rule of the model.

Two columns of equal value are joined by one key, whatever the rule; a column that holds a list gives one key per value. A value that a
great many records share would cost their square and tells nobody apart, so it is passed over, and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.engine import Engine, quote
from registries.linkage.model import LinkageModel


@dataclass(frozen=True)
class PassedOver:
    """Values of a blocking rule (by its place) that too many pairs share, and how many pairs that would have been."""

    rule: int
    values: int
    pairs: int


def keys_sql(engine: Engine, model: LinkageModel, relation: str, same: Sequence[str] = ()) -> str:
    """SQL for the keys of prepared records: `_row`, `rule`, `key`; every key has the columns of `same` in it."""
    rules = [(*same, *columns) for columns in model.blocking]
    keys = [" || chr(31) || ".join(f"c{place}" for place in range(len(columns))) for columns in rules]
    values = values_sql(engine, rules, relation)
    return " UNION ALL ".join(
        f"SELECT _row, {number} AS rule, {key} AS key FROM ({sql})" for number, (key, sql) in enumerate(zip(keys, values, strict=True))
    )


def values_sql(engine: Engine, rules: Sequence[Sequence[str]], relation: str) -> list[str]:
    """SQL for each rule's columns of prepared records as `_row`, `c0`, `c1` and so on, without those that lack one."""
    kinds = engine.columns(relation)
    return [_values(columns, kinds, relation) for columns in rules]


def _values(columns: Sequence[str], kinds: Mapping[str, str], relation: str) -> str:
    values = [f"unnest(list_distinct({quote(name)}))" if kinds[name].endswith("[]") else quote(name) for name in columns]
    named = ", ".join(f"{value}::VARCHAR AS c{place}" for place, value in enumerate(values))
    whole = " AND ".join(f"c{place} IS NOT NULL" for place in range(len(values)))
    return f"SELECT * FROM (SELECT _row, {named} FROM {relation}) WHERE {whole}"


def block(engine: Engine, model: LinkageModel, left: str, right: str, into: str, same: Sequence[str] = ()) -> list[PassedOver]:
    """Make the table `into` of different pairs to compare: `join_key_l`, `join_key_r` (rows of `left` and `right`) and `match_key`.

    With the same relation on both sides, each pair comes once, the smaller row first. Pairs differ in none of the columns of `same`.
    """
    within = left == right
    sides = {f"{into}_l": left} if within else {f"{into}_l": left, f"{into}_r": right}
    for name, relation in sides.items():
        engine.run(f"CREATE OR REPLACE TABLE {name} AS {keys_sql(engine, model, relation, same)}", doing="finding pairs to compare")
    first, second = (*sides, *sides)[:2]
    counted = "SELECT rule, key, count(*) AS n FROM {} GROUP BY ALL"
    size = "a.n * (a.n - 1) // 2" if within else "a.n * b.n"
    engine.run(
        f"CREATE OR REPLACE TABLE {into}_sizes AS SELECT rule, key, {size} AS pairs "
        f"FROM ({counted.format(first)}) a JOIN ({counted.format(second)}) b USING (rule, key)",
        doing="finding pairs to compare",
    )
    once = " AND l._row < r._row" if within else ""
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT l._row AS join_key_l, r._row AS join_key_r, min(rule)::VARCHAR AS match_key "
        f"FROM {first} l JOIN {second} r USING (rule, key) JOIN {into}_sizes USING (rule, key) "
        f"WHERE pairs <= {model.largest_block}{once} GROUP BY ALL ORDER BY ALL",
        doing="finding pairs to compare",
    )
    passed = engine.rows(
        f"SELECT rule, count(*), sum(pairs)::BIGINT FROM {into}_sizes WHERE pairs > {model.largest_block} GROUP BY rule ORDER BY rule",
        doing="finding pairs to compare",
    )
    for name in (*sides, f"{into}_sizes"):
        engine.run(f"DROP TABLE {name}")
    return [PassedOver(*row) for row in passed]
