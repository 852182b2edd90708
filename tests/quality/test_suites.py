"""The suite against the row-level verdict: they agree on every kind of fault, and no check can be changed without being noticed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest

from contracts.model import Contract
from core.engine import Engine
from core.errors import HubError
from pipeline.changes import CANDIDATES
from pipeline.standardize import ROW, STANDARDIZED, Plan, make_plan, standardize
from pipeline.validate import KEY, IssueCount, VerdictsDiffer, compare_verdicts, count_issues, make_suite
from quality.run import CheckResult, SuiteFailed, run_suite
from quality.suites import expectation
from standards.checks import Check
from standards.loader import load_standards
from standards.model import DataElement
from standards.value_types import issue_kinds
from tests.factories import REGION, certificate_identifier, credit_code, hub_in, resident_id, wrong_check
from tests.standards.identifiers import make_resident_id, make_uscc

STANDARDS = load_standards()
TODAY = "2025-06-30"
GOOD: dict[str, str] = {
    "resident_id": resident_id(1),
    "unified_social_credit_code": credit_code(1),
    "certificate_issuer_code": credit_code(2),
    "certificate_holder_code": resident_id(2),
    "certificate_identifier": certificate_identifier(1),
    "certificate_number": "A123456",
    "household_division_code": "110101",
    "phone_number": "13800000001",
    "organization_phone_number": "010-12345678",
}
BY_TYPE = {
    "person_name": "李伟",
    "organization_name": "北京春风贸易有限公司",
    "address": "北京市东城区景山前街4号",
    "date": "2001-02-03",
    "text": "正常文字",
}
LONG = 500


def good(element: DataElement) -> str:
    """A right value of an element."""
    if element.type == "code":
        return STANDARDS.code_lists[element.code_list or ""].current[0]
    return GOOD.get(element.id) or BY_TYPE[element.type]


def faults(element: DataElement) -> list[str]:
    """Raw values that between them have every issue the element can have."""
    by_type = {
        "resident_id": [
            wrong_check(resident_id(1)),
            make_resident_id(REGION + "19990230001"),
            make_resident_id(REGION + "20990203001"),
            make_resident_id("99110119990203001"[:17]),
            make_resident_id("00000019990203001"),
            "1101**********1234",
            "11010119990203",
            "不是号码",
        ],
        "uscc": [
            wrong_check(credit_code(1)),
            _wrong_inner(),
            make_uscc("91000000", "MA000001"),
            make_uscc("9A110101", "MA000001"),
            "9111**********123X",
            "911101",
            "不是代码",
        ],
        "holder_code": [wrong_check(resident_id(1)), wrong_check(credit_code(1)), "1101**********1234", "110101", "不是代码"],
        "certificate_identifier": [wrong_check(certificate_identifier(1)), "1.2.156.9", "x" * LONG],
        "certificate_number": ["锟斤拷锟斤拷", "编号?!", "A" * LONG],
        "date": ["2001-02-30", "01/02/03", "2999-01-01", "1700-01-01", "不是日期"],
        "division": ["999999", "11", "不是区划"],
        "code": ["不是代码", "XYZ"],
        "person_name": ["李**", "李先生", "锟斤拷", "李", "李" * LONG, "李9"],
        "organization_name": ["北京**公司", "锟斤拷公司", "公", "公司" * LONG, "公司<b>"],
        "address": ["北京市东城区", "北京市****号", "锟斤拷锟斤拷锟斤拷", "街1号", "街" * LONG],
        "phone": ["138****0001", "123", "1" * 40],
        "text": ["锟斤拷锟斤拷", "字", "字" * 3 * LONG],
    }
    return by_type[element.type]


def _wrong_inner() -> str:
    """A credit code whose own check character is right although that of the organization code within it is not."""
    from tests.standards.identifiers import USCC

    code = credit_code(1)
    body = code[:16] + ("1" if code[16] != "1" else "2")
    return body + USCC[(31 - sum(USCC.index(c) * 3**place for place, c in enumerate(body)) % 31) % 31]


CROSS = {
    "population": [{"birth_date": "1960-01-01"}, {"sex_code": "9"}, {"death_date": "1899-01-01"}],
    "legal_entity": [{"cancelled_date": "1900-01-01"}, {"approved_date": "1900-01-01"}],
    "certificate": [
        {"certificate_valid_to_date": "1900-01-01"},
        {"certificate_holder_type_code": "001", "certificate_holder_code": resident_id(3)},
        {"certificate_holder_type_code": "111", "certificate_holder_code": credit_code(3)},
    ],
}


def rows_with_faults(schema_id: str) -> list[dict[str, str | None]]:
    """For each element: right, missing, and each way to be wrong; then pairs of values that do not go together."""
    elements = STANDARDS.schemas[schema_id].elements
    right: dict[str, str | None] = {element.id: good(element) for element in elements}
    rows = [dict(right) for _ in range(3)]
    for element in elements:
        rows += [right | {element.id: value} for value in (None, *faults(element))]
    other = "2" if int(resident_id(1)[16]) % 2 else "1"
    rows += [right | change for change in CROSS[schema_id]]
    if schema_id == "population":
        rows.append(right | {"sex_code": other})
    return rows


def contract(schema_id: str) -> Contract:
    """A contract that maps every element of a registry, each from a column of its own name."""
    return Contract.model_validate(
        {
            "id": f"test__{schema_id}",
            "title": {"zh": "全部", "en": "All"},
            "department": {"id": "test", "title": {"zh": "测试", "en": "Test"}},
            "feeds": [schema_id],
            "source": {"kind": "csv", "connection": "drop", "path": "all.csv"},
            "record_key": "*",
            "columns": {element.id: element.id for element in STANDARDS.schemas[schema_id].elements},
        }
    )


@dataclass(frozen=True)
class Examined:
    """A standardized batch with faults, its suite and both verdicts."""

    engine: Engine
    plan: Plan
    suite: list[Check]
    conditions: dict[str, str]
    issues: list[IssueCount]
    results: list[CheckResult]


@pytest.fixture(scope="module", params=STANDARDS.schemas)
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
    for kind in ("not_null", "unique"):
        for check in (item for item in examined.suite if item.kind == kind):
            (result,) = run_suite(examined.engine, STANDARDIZED, [replace(check, element=other)], {})
            others = [item for item in examined.results if item.check.id != check.id]
            with pytest.raises(VerdictsDiffer):
                compare_verdicts([*others, replace(result, check=check)], examined.issues)


def test_a_check_that_is_left_out_is_noticed(examined: Examined) -> None:
    """A rule that only the rows know is not in the suite's account: its count has to be asked for all the same."""
    asked = {(result.check.element, result.check.issue_type) for result in examined.results}
    assert {(issue.element, issue.issue_type) for issue in examined.issues if issue.severity != "repaired"} <= asked


def test_an_expectation_that_cannot_be_evaluated_stops_the_run(examined: Examined) -> None:
    broken = replace(examined.suite[0], element="no_such_column", id="broken")
    with pytest.raises(SuiteFailed, match="broken") as raised:
        run_suite(examined.engine, STANDARDIZED, [broken], {})
    assert isinstance(raised.value, HubError)


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
