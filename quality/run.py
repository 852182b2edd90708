"""Runs a suite with Great Expectations on the standardized batch, in the engine, before rows are split into accepted and quarantined.

Only counts come back. Values stay out of the results, because results travel further than data may.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.engine import Engine
from core.errors import HubError
from standards.checks import Check

# Counts only: no examples of unexpected values, no index of rows.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class CheckResult:
    """What one expectation found: rows it looked at, rows that do not meet it."""

    check: Check
    evaluated: int
    unexpected: int


class SuiteFailed(HubError):
    """Great Expectations could not evaluate an expectation; a fault of the hub or of a rule, not of the data."""


def run_suite(engine: Engine, table: str, checks: Sequence[Check], conditions: Mapping[str, str]) -> list[CheckResult]:
    """Evaluate checks over a table of the engine. `conditions` has the SQL of each shared check by its id.

    Raises SuiteFailed, naming the checks, where an expectation could not be evaluated.
    """
    rows = engine.value(f"SELECT count(*) FROM {table}")
    if not rows:
        return [CheckResult(check, 0, 0) for check in checks]
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    from quality.duckdb_dialect import shared_engine
    from quality.suites import expectation

    with shared_engine(engine) as address:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
        source = context.data_sources.add_sql("engine", connection_string=address)
        batch = source.add_table_asset("batch", table_name=table).add_batch_definition_whole_table("whole")
        suite = gx.ExpectationSuite(name="batch", expectations=[expectation(check, conditions.get(check.id)) for check in checks])
        validation = batch.get_batch().validate(suite, result_format=RESULT_FORMAT)
    results: dict[str, Any] = {result.expectation_config.meta["check"]: result for result in validation.results}  # type: ignore[union-attr]
    broken = sorted(check.id for check in checks if check.id not in results or _raised(results[check.id]))
    if broken:
        raise SuiteFailed(f"Great Expectations could not evaluate {', '.join(broken)}", hint="./hub test shows which rule is at fault")
    return [_counted(check, results[check.id].result, rows) for check in checks]


def _raised(result: Any) -> bool:
    info = result.exception_info or {}
    found = [info] if "raised_exception" in info else list(info.values())
    return any(item["raised_exception"] for item in found)


def _counted(check: Check, result: Mapping[str, Any], rows: int) -> CheckResult:
    if "unexpected_count" in result:
        evaluated = result["element_count"] - (0 if check.kind == "not_null" else result.get("missing_count") or 0)
        return CheckResult(check, evaluated, result["unexpected_count"])
    return CheckResult(check, rows, int(result["observed_value"]))
