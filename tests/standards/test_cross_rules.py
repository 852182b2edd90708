"""Rules over several elements of one record: each on records that keep it and records that break it."""

from collections import Counter

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.cross_rules import broken
from standards.loader import load_standards
from standards.model import Code, CrossRule
from standards.periods import in_force_for_good, periods
from tests.standards.cross_examples import cross_examples

STANDARDS = load_standards()
EXAMPLES = cross_examples()
BITS = 31  # of the column that holds the issues of a row; the first is the duplicate key
every_rule = pytest.mark.parametrize("rule", STANDARDS.cross_rules, ids=lambda rule: rule.id)
TEXTS = st.sampled_from(
    ["", "x", "1", "2", "4", "110103", "999999", "2011-01-01", "9999-12-31", "110101199003079980", "91330102MA2B1CD3XY"]
)


def judged(rule: CrossRule, records: list[list[str]]) -> list[bool | None]:
    table = ibis.table({"n": "int64", **dict.fromkeys(rule.needs, "string")}, name="t")
    names = ", ".join(f"nullif(r[{place}], '') AS {name}" for place, name in enumerate(rule.needs, start=1))
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t AS SELECT n, {names} FROM (SELECT unnest(?) AS r, unnest(range(?)) AS n)", [records, len(records)])
    query = ibis.to_sql(table.select("n", found=broken(rule, table)).order_by("n"), dialect="duckdb")
    return [found for _, found in connection.execute(query).fetchall()]


@every_rule
def test_every_rule_finds_what_breaks_it_and_nothing_else(rule: CrossRule) -> None:
    examples = EXAMPLES[rule.id]
    assert examples["keep"]
    assert examples["break"]
    assert judged(rule, examples["keep"]) == [False] * len(examples["keep"])
    assert judged(rule, examples["break"]) == [True] * len(examples["break"])


@every_rule
def test_every_rule_says_what_to_do(rule: CrossRule) -> None:
    assert rule.message.zh.endswith("。")
    assert rule.message.en.endswith(".")
    assert rule.dimension == STANDARDS.issue_types[rule.issue_type].dimension
    assert rule.severity == STANDARDS.issue_types[rule.issue_type].severity


def test_every_example_has_a_rule_and_the_rules_of_a_schema_fit_into_one_column() -> None:
    assert set(EXAMPLES) == {rule.id for rule in STANDARDS.cross_rules}
    assert max(Counter(rule.schema_id for rule in STANDARDS.cross_rules).values()) < BITS


@settings(max_examples=3, deadline=None, derandomize=True)
@given(records=st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=60, max_size=60))
def test_no_rule_is_undecided(records: list[list[str]]) -> None:
    for rule in STANDARDS.cross_rules:
        assert None not in judged(rule, records)


def test_a_division_is_in_force_in_the_years_of_its_entries() -> None:
    rule = next(rule for rule in STANDARDS.cross_rules if rule.id == "birth-division-in-force-at-birth")
    cases = [[code, f"{year}-07-01"] for code in list(periods())[::40] for year in range(1975, 2030, 7)]
    expected = [
        year >= "1981" and not any(entry.valid_from <= year <= (entry.valid_to or "9999") for entry in _hull(code))
        for code, year in ((code, day[:4]) for code, day in cases)
    ]
    assert judged(rule, cases) == expected
    assert set(in_force_for_good()) < set(periods())


def _hull(code: str) -> list[Code]:
    """The time from a code's first entry to its last."""
    entries = [entry for entry in STANDARDS.code_lists["division"].codes if entry.code == code]
    last = "" if any(not entry.valid_to for entry in entries) else max(entry.valid_to for entry in entries)
    return [entries[0].model_copy(update={"valid_from": min(entry.valid_from for entry in entries), "valid_to": last})]
