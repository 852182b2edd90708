"""Runs a suite with Great Expectations on the standardized batch, in the engine, before rows are split into accepted and quarantined.

Only counts come back. Values stay out of the results, because results travel further than data may.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.engine import Engine, EngineError, quote
from core.errors import HubError
from quality.suites import has_mark, mark, marked_expectation
from standards.checks import Check

# The counts that a verdict rests on are all that is computed. A format that tells more would run a query per expectation for its examples.
RUN = {"result_format": {"result_format": "BOOLEAN_ONLY"}}
MARKED = "marked"  # view


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
    elements = {check.element for check in checks} & engine.columns(table).keys()
    _mark(engine, table, elements, checks, conditions)
    empty = _empty(engine, table, elements, checks)
    prepared = [_prepared(check) for check in checks]
    with _execution(engine) as execution:
        found = _computed(execution, prepared)
    broken = sorted(item.check.id for item in prepared if not item.is_evaluated(found))
    if broken:
        raise _failed(broken)
    return [CheckResult(item.check, rows - item.passed_over(found, empty), item.unexpected(found)) for item in prepared]


def _failed(broken: Iterable[str]) -> SuiteFailed:
    return SuiteFailed(f"Great Expectations could not evaluate {', '.join(broken)}", hint="./hub test shows which rule is at fault")


def prepare_expectations(checks: Iterable[Check]) -> None:
    """Build the expectations of checks, for processes that are forked from this one."""
    for check in checks:
        _prepared(check)


@dataclass(frozen=True)
class _Prepared:
    """An expectation, the metrics that it needs by name, and what these are computed from."""

    check: Check
    expectation: Any
    metrics: Mapping[str, Any]
    edges: tuple[Any, ...]

    def is_evaluated(self, found: Mapping[Any, Any]) -> bool:
        """Whether the metrics could be computed, and the expectation judges by them as the account does: met where no row is against it."""
        if any(metric.id not in found for metric in self.metrics.values()):
            return False
        values = {name: found[metric.id] for name, metric in self.metrics.items()}
        # Its `metrics_validate` would first work out again which metrics it needs, which takes ten times as long as the verdict.
        verdict = self.expectation._validate(values, runtime_configuration=RUN)
        return bool(verdict["success"]) == (self.unexpected(found) == 0)

    def unexpected(self, found: Mapping[Any, Any]) -> int:
        """Rows that do not meet the expectation."""
        return self._count(found, self.expectation.map_metric)

    def passed_over(self, found: Mapping[Any, Any], empty: Mapping[str, int]) -> int:
        """Rows that the check does not look at, since they have no value. To the expectation, a mark says nothing of the value."""
        if self.check.kind == "not_null":
            return 0
        return empty.get(self.check.element, 0) if has_mark(self.check) else self._count(found, "column_values.nonnull")

    def _count(self, found: Mapping[Any, Any], condition: str) -> int:
        return int(found[self.metrics[f"{condition}.unexpected_count"].id])


@lru_cache(maxsize=2048)
def _prepared(check: Check) -> _Prepared:
    """The expectation of a check: built once for a process, since building it takes longer than evaluating it."""
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    expectation = marked_expectation(check)
    metrics = expectation.get_validation_dependencies(runtime_configuration=RUN).metric_configurations
    graph = MetricsCalculator(_planner()).build_metric_dependency_graph(list(metrics.values()), RUN)
    return _Prepared(check, expectation, metrics, tuple(graph.edges))


def _mark(engine: Engine, table: str, elements: AbstractSet[str], checks: Sequence[Check], conditions: Mapping[str, str]) -> None:
    """The elements of the table that are checked, with a column for each check that is a condition: what is not null there breaks it. Great
    Expectations goes through all columns for each of its metrics, so no others are shown.
    """
    conditions = {**conditions, **{check.id: _repeated(engine, table, check) for check in checks if check.kind == "unique"}}
    marks = [f"CASE WHEN {mark(check, conditions)} THEN 1 END AS {quote(check.id)}" for check in checks if has_mark(check)]
    engine.run(f"CREATE OR REPLACE VIEW {MARKED} AS SELECT {', '.join([*map(quote, sorted(elements)), *marks]) or '*'} FROM {table}")


def _empty(engine: Engine, table: str, elements: AbstractSet[str], checks: Sequence[Check]) -> dict[str, int]:
    """By element with a mark, how many rows have no value of it; what stands for the record as a whole is no column, and in every row."""
    marked = sorted({check.element for check in checks if has_mark(check)} & elements)
    counts = ", ".join(f"count(*) - count({quote(name)})" for name in marked)
    return dict(zip(marked, engine.rows(f"SELECT {counts} FROM {table}")[0], strict=True)) if marked else {}


def _repeated(engine: Engine, table: str, check: Check) -> str:
    """The SQL that is true where a value stands in several rows. These are listed once: hardly ever is there any."""
    column, repeated = quote(check.element), quote(f"repeated {check.element}")
    listed = f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    try:
        found = engine.value(f"CREATE OR REPLACE TABLE {repeated} AS {listed}", doing="looking for repeated values")
    except EngineError:
        raise _failed([check.id]) from None
    return f"{column} IN (FROM {repeated})" if found else "false"


@contextmanager
def _execution(engine: Engine) -> Iterator[Any]:
    """Great Expectations' access to the marked table."""
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData

    from quality.duckdb_dialect import shared_engine

    with shared_engine(engine) as address:
        execution = _access(address)
        execution.load_batch_data("batch", SqlAlchemyBatchData(execution, table_name=MARKED))
        try:
            yield execution
        finally:
            execution.close()


@lru_cache(maxsize=1)
def _planner() -> Any:
    """Access to nothing: which metrics depend on which is a matter of the dialect alone."""
    return _access("duckdb+hub:///nothing")


def _access(address: str) -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine

    import quality.duckdb_dialect  # noqa: F401  makes its dialect known

    return SqlAlchemyExecutionEngine(connection_string=address)


def _computed(execution: Any, prepared: Sequence[_Prepared]) -> dict[Any, Any]:
    """The metrics that could be computed, by id. What several expectations need, as the number of rows, is computed once."""
    from great_expectations.validator.validation_graph import ValidationGraph

    edges = {edge.id: edge for item in prepared for edge in item.edges}
    found, _ = ValidationGraph(execution, list(edges.values())).resolve(RUN, show_progress_bars=False)
    return found
