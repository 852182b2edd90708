"""Validate: the Great Expectations suite on the whole standardized batch, held against the row-level verdicts, and the contract's gate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.engine import Engine, quote
from core.errors import HubError
from pipeline.plan import ROW, ROW_ISSUES, Plan
from pipeline.standardize import STANDARDIZED
from quality.run import CheckResult, prepare_expectations, run_suite
from standards.checks import Check, checks
from standards.model import Standards

KEY, DUPLICATE = "_record_id", "duplicate-key"


class VerdictsDiffer(HubError):
    """The suite and the row-level verdict disagree on a count: a rule is written wrong in one of the two. Nothing is accepted."""


@dataclass(frozen=True)
class IssueCount:
    """How many rows have one issue of one element (or of the record as a whole, `_row`)."""

    element: str
    issue_type: str
    severity: str
    dimension: str
    rows: int


def validate(engine: Engine, plan: Plan, standards: Standards) -> tuple[list[CheckResult], list[IssueCount]]:
    """Run the suite and count the issues. Raises VerdictsDiffer where the two disagree."""
    issues = count_issues(engine, plan, standards)
    suite, conditions = make_suite(plan, standards)
    results = run_suite(engine, STANDARDIZED, suite, conditions)
    compare_verdicts(results, issues)
    return results, issues


def make_suite(plan: Plan, standards: Standards) -> tuple[list[Check], dict[str, str]]:
    """The checks of a dataset, and the SQL of those that share their expression with the row-level verdict."""
    suite = [check for check in checks([item.use for item in plan.elements], plan.rules, standards) if _has_source(plan, check)]
    conditions = {}
    bits = {item.element.id: item for item in plan.elements}
    for check in suite:
        if check.kind == "shared" and check.needs:
            bit = 1 + [rule.id for rule in plan.rules].index(check.id)
            conditions[check.id] = f"({ROW_ISSUES} & {1 << bit}) <> 0"
        elif check.kind == "shared":
            item = bits[check.element]
            conditions[check.id] = f"({quote(item.column)} & {1 << item.issues.index(check.issue_type)}) <> 0"
    return _of_table(suite, standards), conditions


def prepare_suites(standards: Standards) -> None:
    """Build the expectations of every registry, for processes that are forked from this one."""
    for schema in standards.schemas.values():
        rules = [rule for rule in standards.cross_rules if rule.schema_id == schema.id]
        prepare_expectations(_of_table(checks(schema, rules, standards), standards))


def _of_table(suite: Iterable[Check], standards: Standards) -> list[Check]:
    """Checks as the standardized table needs them: that of the key first, and rules over several elements on the record as a whole."""
    unique = standards.issue_types[DUPLICATE]
    key = Check(f"{KEY}.{DUPLICATE}", KEY, "unique", DUPLICATE, unique.dimension, unique.severity)
    return [key, *(replace(check, element=ROW) if check.needs else check for check in suite)]


def _has_source(plan: Plan, check: Check) -> bool:
    """A constant of the contract is checked when the contract is loaded, not on every row."""
    sources = {item.element.id: item.source for item in plan.elements}
    return bool(check.needs) or sources[check.element] is not None


def count_issues(engine: Engine, plan: Plan, standards: Standards) -> list[IssueCount]:
    """Count the bits of the standardized table, issue by issue; an issue that no row has is left out. Repaired is what was also used."""
    found, masks = [], _masks(engine, plan)
    for place, item in enumerate(plan.elements):
        unused = item.withholding | item.mask("error")
        for (issue, severity), rows in _bits(masks[place], list(zip(item.issues, item.severities, strict=True)), unused):
            found.append(IssueCount(item.element.id, issue, severity, standards.issue_types[issue].dimension, rows))
    by_type: dict[str, IssueCount] = {}
    for (issue, severity), rows in _bits(masks[len(plan.elements)], list(plan.row_issues)):
        known = by_type.get(issue)
        total = rows + (known.rows if known else 0)
        element = KEY if issue == DUPLICATE else ROW
        by_type[issue] = IssueCount(element, issue, severity, standards.issue_types[issue].dimension, total)
    return found + list(by_type.values())


def _masks(engine: Engine, plan: Plan) -> dict[int, list[tuple[int, int]]]:
    """By place of an element in the plan, and behind them all for the row as a whole: the combinations of issues that occur, with their rows."""
    columns = [*(item.column for item in plan.elements), ROW_ISSUES]
    parts = [
        f"SELECT {place}, {quote(column)}, count(*) FROM {STANDARDIZED} WHERE {quote(column)} <> 0 GROUP BY 2"
        for place, column in enumerate(columns)
    ]
    masks: dict[int, list[tuple[int, int]]] = {place: [] for place in range(len(columns))}
    for place, mask, count in engine.rows(" UNION ALL ".join(parts), doing="counting issues"):
        masks[place].append((mask, count))
    return masks


def _bits(masks: Sequence[tuple[int, int]], names: Sequence[tuple[str, str]], unused: int = 0) -> Iterator[tuple[tuple[str, str], int]]:
    """Rows per bit of a column. A repair counts in rows that have none of the `unused` bits."""
    for bit, name in enumerate(names):
        without = unused if name[1] == "repaired" else 0
        rows = sum(count for mask, count in masks if mask & (1 << bit) and not mask & without)
        if rows:
            yield name, rows


def compare_verdicts(results: Sequence[CheckResult], issues: Sequence[IssueCount]) -> None:
    """Raise VerdictsDiffer unless the suite found each issue as often as the row-level verdict did."""
    rows = {(issue.element, issue.issue_type): issue.rows for issue in issues}
    suite: dict[tuple[str, str], int] = {}
    for result in results:
        key = (result.check.element, result.check.issue_type)
        suite[key] = suite.get(key, 0) + result.unexpected
    differing = [
        f"{key[0]}: {key[1]}: suite {count}, rows {rows.get(key, 0)}" for key, count in sorted(suite.items()) if count != rows.get(key, 0)
    ]
    if differing:
        raise VerdictsDiffer(
            "the suite and the row-level verdict disagree: " + "; ".join(differing),
            hint="a rule of the standard is written wrong; nothing was accepted, report it with these lines",
        )
