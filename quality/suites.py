"""Great Expectations suites, rendered from the checks of the standard.

Each check becomes one of GX's own kinds of expectation; only check characters and cross-field rules are given to it as a query, with
the expression they share with the row-level verdict. The issue type, dimension and severity of the rule travel in `meta`.
"""

from importlib import import_module
from typing import Any

from core.engine import literal, quote
from standards.checks import Check


def expectation(check: Check, condition: str | None = None) -> Any:
    """Render one check. `condition` is the SQL of a shared expression that is true for an unexpected row."""
    gxe: Any = import_module("great_expectations.expectations")
    argument: Any = check.argument

    meta = {"check": check.id, "issue_type": check.issue_type, "dimension": check.dimension, "severity": check.severity}
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
        case "between":
            # GX compares numbers and dates only; ISO dates are texts here and sort as texts.
            least, most = (literal(str(bound)) for bound in argument)
            outside = f"{quote(check.element)} < {least} OR {quote(check.element)} > {most}"
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"SELECT 1 FROM {{batch}} WHERE {outside}", meta=meta)
        case "unique":
            return gxe.ExpectColumnValuesToBeUnique(**column)
        case _:
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"SELECT 1 FROM {{batch}} WHERE {condition}", meta=meta)
