"""The suite against the row-level verdict: they agree on every kind of fault, and no check can be changed without being noticed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest

from core.engine import Engine
from core.errors import HubError
from pipeline.changes import CANDIDATES
from pipeline.plan import ROW, Plan, make_plan
from pipeline.standardize import STANDARDIZED, standardize
from pipeline.validate import KEY, IssueCount, VerdictsDiffer, compare_verdicts, count_issues, make_suite
from quality.duckdb_dialect import shared_engine
from quality.render import TARGETS
from quality.run import CheckResult, SuiteFailed, run_suite
from quality.suites import expectation, has_mark
from standards.checks import Check
from standards.value_types import issue_kinds
from tests.factories import hub_in
from tests.golden.files import AGAIN, FOLDER, golden_files
from tests.quality.faulty import STANDARDS, TODAY, contract, rows_with_faults


@dataclass(frozen=True)
class Examined:
    """A standardized batch with faults, its suite and both verdicts."""

    engine: Engine
    plan: Plan
    suite: list[Check]
    conditions: dict[str, str]
    issues: list[IssueCount]
    results: list[CheckResult]


def schemas(*kept: str) -> list[Any]:
    """The schemas, of which those that are not kept are long: two large ones take as long as all others."""
    return [pytest.param(name, marks=() if name in kept else pytest.mark.long) for name in STANDARDS.schemas]


@pytest.fixture(scope="module", params=schemas("population", "geography", "credit"))
def examined(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    schema_id = request.param
    rows = rows_with_faults(schema_id)
    columns: dict[str, Any] = {name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]}
    with Engine(hub_in(tmp_path_factory.mktemp(schema_id)).settings) as engine:
        engine.register("raw_rows", pa.table(columns | {"_position": pa.array(range(2, 2 + len(rows)))}))
        # The last two rows have one key.
        engine.run(
            f"CREATE TABLE {CANDIDATES} AS SELECT *, md5(least(_position, {len(rows)})::varchar)::uuid AS _record_id, "
            f"md5('d' || _position)::uuid AS _row_digest, false AS _known, _position >= {len(rows)} AS _conflict FROM raw_rows"
        )
        plan = make_plan(contract(schema_id), STANDARDS)
        standardize(engine, plan, TODAY)
        suite, conditions = make_suite(plan, STANDARDS)
        yield Examined(
            engine, plan, suite, conditions, count_issues(engine, plan, STANDARDS), run_suite(engine, STANDARDIZED, suite, conditions)
        )


def test_every_issue_an_element_can_have_occurs(examined: Examined) -> None:
    """Otherwise the agreement below would say nothing about it."""
    found = {(issue.element, issue.issue_type) for issue in examined.issues}
    possible = {(item.element.id, name) for item in examined.plan.elements for name in issue_kinds(item.element)}
    possible |= {(item.element.id, "missing") for item in examined.plan.elements if item.use.required}
    possible |= {(ROW, rule.issue_type) for rule in examined.plan.rules} | {(KEY, "duplicate-key")}
    assert possible - found == set()


def test_the_suite_counts_what_the_rows_say(examined: Examined) -> None:
    compare_verdicts(examined.results, examined.issues)
    suite: dict[tuple[str, str], int] = {}
    for result in examined.results:
        suite[result.check.element, result.check.issue_type] = (
            suite.get((result.check.element, result.check.issue_type), 0) + result.unexpected
        )
    rows = {(issue.element, issue.issue_type): issue.rows for issue in examined.issues if issue.severity != "repaired"}
    assert {key: count for key, count in suite.items() if count} == rows


def mutated(check: Check) -> Check:
    """The check, changed as a slip of the pen would change it."""
    match check.kind:
        case "regex":
            return replace(check, argument=f"^(?:{check.argument}|.*)$")
        case "in_set":
            return replace(check, argument=tuple(check.argument)[1:] if isinstance(check.argument, tuple) else None)  # type: ignore[arg-type]
        case "length":
            return replace(check, argument=(0, 10_000))
        case "between":
            return replace(check, argument=("0001-01-01", "9999-12-31"))
        case _:
            return check


INVERTED = {"not_null", "unique", "shared"}


def test_each_check_changed_by_itself_is_noticed(examined: Examined) -> None:
    """All changed checks run in one suite; each one's count has then to differ from what the rows say."""
    changed = [mutated(check) for check in examined.suite if check.kind not in INVERTED]
    conditions = {check.id: f"NOT ({examined.conditions[check.id]})" for check in examined.suite if check.kind == "shared"}
    shared = [check for check in examined.suite if check.kind == "shared"]
    results = run_suite(examined.engine, STANDARDIZED, [*changed, *shared], conditions)
    assert len(results) == len(examined.suite) - sum(check.kind in ("not_null", "unique") for check in examined.suite)
    unnoticed = [result.check.id for result in results if not _is_noticed(examined, result)]
    assert unnoticed == []


def _is_noticed(examined: Examined, result: CheckResult) -> bool:
    original = next(item.check for item in examined.results if item.check.id == result.check.id)
    others = [item for item in examined.results if item.check.id != result.check.id]
    try:
        compare_verdicts([*others, replace(result, check=original)], examined.issues)
    except VerdictsDiffer as error:
        return original.issue_type in error.message
    return False


def test_a_check_on_null_or_key_that_is_pointed_elsewhere_is_noticed(examined: Examined) -> None:
    # A column in which nothing is missing and nothing stands twice.
    other = "_position"
    checks = {check.id: check for check in examined.suite if check.kind in ("not_null", "unique")}
    elsewhere = run_suite(examined.engine, STANDARDIZED, [replace(check, element=other) for check in checks.values()], {})
    assert [result.check.id for result in elsewhere] == list(checks)
    for result in elsewhere:
        others = [item for item in examined.results if item.check.id != result.check.id]
        with pytest.raises(VerdictsDiffer):
            compare_verdicts([*others, replace(result, check=checks[result.check.id])], examined.issues)


def test_a_check_that_is_left_out_is_noticed(examined: Examined) -> None:
    """A rule that only the rows know is not in the suite's account: its count has to be asked for all the same."""
    asked = {(result.check.element, result.check.issue_type) for result in examined.results}
    assert {(issue.element, issue.issue_type) for issue in examined.issues if issue.severity != "repaired"} <= asked


def test_an_expectation_that_cannot_be_evaluated_stops_the_run(examined: Examined) -> None:
    own = next(check for check in examined.suite if not has_mark(check))
    for check in (examined.suite[0], own):
        broken = replace(check, element="no_such_column", id="broken")
        with pytest.raises(SuiteFailed, match="broken") as raised:
            run_suite(examined.engine, STANDARDIZED, [broken], {})
        assert isinstance(raised.value, HubError)


def test_repeated_values_are_those_that_the_own_kind_of_expectation_finds(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = next(result for result in examined.results if result.check.kind == "unique")
    for module in ("quality.run", "quality.suites"):
        monkeypatch.setattr(f"{module}.has_mark", lambda _check: False)
    (own,) = run_suite(examined.engine, STANDARDIZED, [replace(marked.check, id="own-kind")], {})
    assert (own.evaluated, own.unexpected) == (marked.evaluated, marked.unexpected)
    assert marked.unexpected == 2


def test_a_rule_on_values_looks_at_the_rows_that_have_one(examined: Examined) -> None:
    columns = examined.engine.columns(STANDARDIZED)
    for result in examined.results:
        counted = "*" if result.check.kind == "not_null" or result.check.element not in columns else f'"{result.check.element}"'
        assert result.evaluated == examined.engine.value(f"SELECT count({counted}) FROM {STANDARDIZED}"), result.check.id
        assert result.unexpected <= result.evaluated


def test_results_hold_counts_and_no_values(examined: Examined) -> None:
    values = {value for row in rows_with_faults(examined.plan.contract.feeds[0]) for value in row.values() if value and len(value) > 6}
    text = repr([(result.check.id, result.evaluated, result.unexpected) for result in examined.results])
    assert not [value for value in values if value in text]


def test_no_rows_are_no_findings(examined: Examined) -> None:
    examined.engine.run(f"CREATE OR REPLACE TEMP TABLE nothing AS SELECT * FROM {STANDARDIZED} WHERE false")
    assert {result.unexpected for result in run_suite(examined.engine, "nothing", examined.suite, examined.conditions)} == {0}


def test_every_check_carries_its_rule(examined: Examined) -> None:
    for check in examined.suite:
        meta = expectation(check, "false").meta
        assert meta == {"check": check.id, "issue_type": check.issue_type, "dimension": check.dimension, "severity": check.severity}


@pytest.mark.parametrize("examined", schemas("geography", "credit"), indirect=True)
def test_the_rendered_suite_counts_the_same_without_the_hub(examined: Examined) -> None:
    """`standards render gx` is run by Great Expectations alone, on a table of standard values."""
    schema = STANDARDS.schemas[examined.plan.contract.feeds[0]]
    rendered = json.loads(TARGETS["gx"].render([schema], STANDARDS)[f"{schema.table}.gx.json"])
    import great_expectations

    with shared_engine(examined.engine) as address:
        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        table = context.data_sources.add_sql("engine", connection_string=address).add_table_asset("batch", table_name=STANDARDIZED)
        batch = table.add_batch_definition_whole_table("whole").get_batch()
        found = batch.validate(
            great_expectations.ExpectationSuite(**rendered), result_format={"result_format": "BASIC", "partial_unexpected_count": 0}
        )
    rows = {(issue.element, issue.issue_type): issue.rows for issue in examined.issues if issue.severity != "repaired"}
    counted: dict[tuple[str, str], int] = {}
    for result in found.results:
        meta, counts = result.expectation_config.meta, result.result
        element = ROW if "." not in meta["check"] else meta["check"].split(".")[0]
        count = int(counts.get("unexpected_count", counts.get("observed_value", 0)))
        counted[element, meta["issue_type"]] = counted.get((element, meta["issue_type"]), 0) + count
    assert {key: count for key, count in counted.items() if count} == {key: count for key, count in rows.items() if key[0] != KEY}


def test_every_rendered_suite_is_its_golden_file() -> None:
    for name, text in golden_files(("gx",)).items():
        assert text == (FOLDER / name).read_text(encoding="utf-8"), AGAIN
