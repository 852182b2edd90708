"""Great Expectations suites, rendered from the checks of the standard.

Each check becomes one of GX's own kinds of expectation; only check characters and cross-field rules are given to it as a query, with
the expression they share with the row-level verdict. The issue type, dimension and severity of the rule travel in `meta`. On the engine's
table, what a condition tells is a column of marks instead, and so is whether a value is repeated: GX's own way there takes twice as long.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from core.engine import literal, quote
from standards.checks import Check


def expectation(check: Check, condition: str | None = None) -> Any:
    """Render one check. `condition` is the SQL of a shared expression that is true for an unexpected row."""
    gxe: Any = import_module("great_expectations.expectations")
    argument: Any = check.argument

    meta = _meta(check)
    column: dict[str, Any] = {"column": check.element, "meta": meta}
    match check.kind:
        case "not_null":
            return gxe.ExpectColumnValuesToNotBeNull(**column)
        case "regex":
            return gxe.ExpectColumnValuesToMatchRegex(**column, regex=argument)
        case "in_set":
            return gxe.ExpectColumnValuesToBeInSet(**column, value_set=list(argument))
        case "length":
            least, most = argument
            return gxe.ExpectColumnValueLengthsToBeBetween(**column, min_value=least, max_value=most)
        case "unique":
            return gxe.ExpectColumnValuesToBeUnique(**column)
        case _:
            unexpected = mark(check, {check.id: str(condition)})
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"SELECT 1 FROM {{batch}} WHERE {unexpected}", meta=meta)


def marked_expectation(check: Check) -> Any:
    """Render one check for a table that has a column of marks, of the check's name, in place of a query: all marks are counted at once."""
    if not has_mark(check):
        return expectation(check)
    gxe: Any = import_module("great_expectations.expectations")
    return gxe.ExpectColumnValuesToBeNull(column=check.id, meta=_meta(check))


def has_mark(check: Check) -> bool:
    """Whether a check is looked up in a column of marks."""
    return check.kind in ("between", "shared", "unique")


def mark(check: Check, conditions: Mapping[str, str]) -> str:
    """The SQL that is true for a row that breaks such a check; `conditions` has that of those that bounds do not tell, by id."""
    if check.kind != "between":
        return conditions[check.id]
    # GX compares numbers and dates only; ISO dates are texts here and sort as texts.
    bounds: Any = check.argument
    least, most = (literal(str(bound)) for bound in bounds)
    return f"{quote(check.element)} < {least} OR {quote(check.element)} > {most}"


def _meta(check: Check) -> dict[str, str]:
    return {"check": check.id, "issue_type": check.issue_type, "dimension": check.dimension, "severity": check.severity}
