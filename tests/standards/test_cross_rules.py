"""Rules over several elements of one record: each on records that keep it and records that break it."""

from collections import Counter
from itertools import product

import duckdb
import ibis
import pytest

from standards import cross_rules
from standards.cross_rules import broken
from standards.faults import CODE_IN_FORCE
from standards.loader import FOLDER, load_standards
from standards.model import Code, CodeTitle, CrossRule
from standards.periods import first_day, in_force_for_good, periods, periods_by_head
from tests.standards.cross_examples import cross_examples

STANDARDS = load_standards()
EXAMPLES = cross_examples()
BITS = 31  # of the column that holds the issues of a row; the first is the duplicate key
every_rule = pytest.mark.parametrize("rule", STANDARDS.cross_rules, ids=lambda rule: rule.id)
TEXTS = ("", "x", "1", "2", "4", "110103", "999999", "2011-01-01", "9999-12-31", "110101199003079980", "91330102MA2B1CD3XY")


def judged(rule: CrossRule, records: list[list[str]]) -> list[bool | None]:
    table = ibis.table({"n": "int64", **dict.fromkeys(rule.needs, "string")}, name="t")
    names = ", ".join(f"nullif(r[{place}], '') AS {name}" for place, name in enumerate(rule.needs, start=1))
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE t AS SELECT n, {names} FROM (SELECT unnest(?) AS r, unnest(range(?)) AS n)", [records, len(records)])
    query = ibis.to_sql(table.select("n", found=broken(rule, table)).order_by("n"), dialect="duckdb")
    return [found for _, found in connection.execute(query).fetchall()]


@pytest.mark.slow
@every_rule
def test_every_rule_finds_what_breaks_it_and_nothing_else(rule: CrossRule) -> None:
    examples = EXAMPLES[rule.id]
    assert examples["keep"]
    assert examples["break"]
    expected = [False] * len(examples["keep"]) + [True] * len(examples["break"])
    assert judged(rule, [*examples["keep"], *examples["break"]]) == expected


@every_rule
def test_every_rule_says_what_to_do(rule: CrossRule) -> None:
    assert rule.message.zh.endswith("。")
    assert rule.message.en.endswith(".")
    assert rule.dimension == STANDARDS.issue_types[rule.issue_type].dimension
    assert rule.severity == STANDARDS.issue_types[rule.issue_type].severity


def test_every_example_has_a_rule_and_the_rules_of_a_schema_fit_into_one_column() -> None:
    assert set(EXAMPLES) == {rule.id for rule in STANDARDS.cross_rules}
    assert max(Counter(rule.schema_id for rule in STANDARDS.cross_rules).values()) < BITS


@pytest.mark.slow
@every_rule
def test_no_rule_is_undecided(rule: CrossRule) -> None:
    assert None not in judged(rule, [list(record) for record in product(TEXTS, repeat=len(rule.needs))])


@pytest.mark.slow
def test_a_division_is_in_force_in_the_years_of_its_entries() -> None:
    rule = next(rule for rule in STANDARDS.cross_rules if rule.id == "birth-division-in-force-at-birth")
    cases = [[code, f"{year}-07-01"] for code in list(periods("division"))[::40] for year in range(1975, 2030, 7)]
    expected = [
        year >= "1981" and not any(entry.valid_from <= year <= (entry.valid_to or "9999") for entry in _hull(code))
        for code, year in ((code, day[:4]) for code, day in cases)
    ]
    assert judged(rule, cases) == expected
    assert set(in_force_for_good("division")) < set(periods("division"))


def _hull(code: str) -> list[Code]:
    """The time from a code's first entry to its last."""
    entries = [entry for entry in STANDARDS.code_lists["division"].codes if entry.code == code]
    last = "" if any(not entry.valid_to for entry in entries) else max(entry.valid_to for entry in entries)
    return [entries[0].model_copy(update={"valid_from": min(entry.valid_from for entry in entries), "valid_to": last})]


DATED = (
    *(
        Code(code=code, title=CodeTitle(zh="甲"), valid_from=begin, valid_to=end)
        for code, begin, end in (("A", "", ""), ("AB", "2000", ""))
    ),
    *(
        Code(code="B", title=CodeTitle(zh="乙"), valid_from=begin, valid_to=end)
        for begin, end in (("2001-03-15", "2010-06-01"), ("2010-06-01", "2014"))
    ),
)


def test_a_code_of_any_list_with_dates_is_in_force_from_its_first_day_to_the_day_before_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """ISO days are exact; a year counts as a whole. The list is put in the place of another one."""
    made = STANDARDS.code_lists["marital_status"].model_copy(update={"codes": DATED})
    standards = STANDARDS.model_copy(update={"code_lists": {**STANDARDS.code_lists, "marital_status": made}})
    monkeypatch.setattr("standards.loader._substitutes", {FOLDER: standards})
    rule = STANDARDS.cross_rules[0].model_copy(update={"needs": ("marital_status_code", "birth_date"), "expression": "is_not_in_force"})
    cases = {
        ("B", "2001-03-14"): True,
        ("B", "2001-03-15"): False,
        ("B", "2014-12-31"): False,
        ("B", "2015-01-01"): True,
        ("AB", "2000-01-01"): False,
        ("A", "2000-01-01"): False,
        ("AB", "1999-12-31"): False,  # before the first day of the list
        ("C", "2020-01-01"): False,  # not of the list: another rule's matter
        ("B", ""): False,
        ("B", "2015"): False,
    }
    for cached in (periods, first_day, periods_by_head, cross_rules._for_good):
        cached.cache_clear()
    try:
        assert judged(rule, [list(case) for case in cases]) == list(cases.values())
    finally:
        for cached in (periods, first_day, periods_by_head, cross_rules._for_good):
            cached.cache_clear()


def test_every_element_that_keeps_codes_of_their_time_is_held_against_a_day() -> None:
    rules = {(rule.schema_id, rule.needs[0]) for rule in STANDARDS.cross_rules if rule.expression in CODE_IN_FORCE}
    kept = {(schema.id, item.id) for schema in STANDARDS.schemas.values() for item in schema.elements if item.type == "historic_division"}
    assert rules == kept
