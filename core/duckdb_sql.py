"""Portable expressions as SQL of DuckDB (`core/portable.py`): a value computed once and used often becomes a column of a query within.

An expression has no variables, so Ibis says them as functions mapped over a list of one (`standards.types.general.let`). DuckDB prepares such a
function anew for every 2,048 rows, every regular expression in it too, which costs more than running it. A column of an inner query is
prepared once. What only some rows need (a branch of a case) is computed for those rows only: the number of the branch that a row
takes is a column too, and what belongs to a branch is null in the rows of the others. Only where rows are few the functions stay: they are
planned in half the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import ibis.expr.datashape as ds
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

_STAND_IN = "computed"


class _Compiler(DuckDBCompiler):  # type: ignore[misc]
    """Ibis's own compiler, but places in a text are never counted from its end."""

    def visit_Substring(self, op: Any, *, arg: Any, start: Any, length: Any) -> Any:  # noqa: N802
        first = op.start.value if isinstance(op.start, ops.Literal) else None
        begin = sge.convert(first + 1) if first is not None else start + 1
        return self.f.substring(arg, begin) if length is None else self.f.substring(arg, begin, length)


_COMPILER = _Compiler()


@dataclass(frozen=True)
class _Placed:
    """An operation without variables, and the depth of query (0 is the innermost) in which all columns that it names are there."""

    op: Any
    depth: int


_Scope = Mapping[Any, _Placed]


def duckdb_sql(expression: Any, *, few: bool = False) -> str:
    """A query as one line of DuckDB's SQL. The expressions of a select list over a table by name are cut into steps, unless its rows are few;
    others stay as they are.
    """
    node = expression.op()
    for found in () if few else node.find(ops.Project):
        if isinstance(found.parent, ops.UnboundTable) and any(map(_has_variables, found.values.values())):
            around = _said(_compiled(node.replace({found: ops.UnboundTable(_STAND_IN, found.schema)})))
            return around.replace(f'"{_STAND_IN}"', f"({_in_steps(found)})", 1)
    return _said(_compiled(node))


def _has_variables(node: Any) -> bool:
    return any(map(_is_let, node.find(ops.ArrayIndex)))


def _said(query: Any) -> str:
    return str(query.sql(dialect=_COMPILER.dialect, copy=False))


def _compiled(node: Any) -> Any:
    return _COMPILER.to_sqlglot(node.to_expr())


def _in_steps(project: Any) -> str:
    """A select list as queries within one another, each with the columns of those within it."""
    variables = _Variables()
    outputs = {name: variables.placed(value, {}, None).op for name, value in project.values.items()}
    steps = [*variables.columns, outputs]
    # All at once: compiling them one by one takes ten times as long.
    select = _compiled(ops.Project(project.parent, {name: op for step in steps for name, op in step.items()}))
    texts, table = iter(map(_said, select.expressions)), select.find(sge.From).this
    query = _said(table)
    for step in variables.columns:
        query = f"(SELECT *, {', '.join(islice(texts, len(step)))} FROM {query}) AS {table.alias_or_name}"
    return f"SELECT {', '.join(texts)} FROM {query}"


class _Variables:
    """Takes the variables out of expressions; what they stand for is collected by the depth at which it is computed."""

    def __init__(self) -> None:
        self.columns: list[dict[str, Any]] = []
        self._made: dict[tuple[Any, int], Any] = {}
        self._known: dict[Any, _Placed] = {}
        self._free: dict[Any, frozenset[Any]] = {}
        self._having: dict[Any, bool] = {}

    def placed(self, node: Any, scope: _Scope, guard: _Placed | None) -> _Placed:
        """The operation without variables. `scope` has those around it, `guard` the condition of the branch that it belongs to."""
        free = self._free_in(node)
        key = (node, frozenset((name, scope[name]) for name in free), guard if self._has(node) else None)
        if (known := self._known.get(key)) is None:
            known = self._known[key] = self._place(node, scope, guard)
        return known

    def _place(self, node: Any, scope: _Scope, guard: _Placed | None) -> _Placed:
        if not self._has(node):
            around = {name: scope[name] for name in self._free_in(node)}
            depth = max((found.depth for found in around.values()), default=0)
            return _Placed(node.replace({name: found.op for name, found in around.items()}) if around else node, depth)
        if _is_let(node):
            value = self._column(self.placed(node.arg.arg.exprs[0], scope, guard), guard)
            return self.placed(node.arg.body, {**scope, node.arg.param: value}, guard)
        if isinstance(node, ops.SearchedCase) and any(map(self._has, (*node.results, node.default))):
            return self._placed_case(node, scope, guard)
        parts = [self._placed_argument(argument, scope, guard) for argument in node.__args__]
        arguments = dict(zip(node.__argnames__, (part for part, _ in parts), strict=True))
        return _Placed(type(node)(**arguments), max((depth for _, depth in parts), default=0))

    def _placed_argument(self, argument: Any, scope: _Scope, guard: _Placed | None) -> tuple[Any, int]:
        if isinstance(argument, tuple):
            found = [self._placed_argument(one, scope, guard) for one in argument]
            return tuple(one for one, _ in found), max((depth for _, depth in found), default=0)
        if isinstance(argument, ops.Node):
            placed = self.placed(argument, scope, guard)
            return placed.op, placed.depth
        return argument, 0

    def _placed_case(self, node: Any, scope: _Scope, guard: _Placed | None) -> _Placed:
        """A case whose branches have variables: first which branch a row takes, then each branch for its rows."""
        cases = [self.placed(case, scope, guard) for case in node.cases]
        number = ops.SearchedCase(
            tuple(case.op for case in cases), tuple(ops.Literal(n, dt.int8) for n in range(1, len(cases) + 1)), ops.Literal(0, dt.int8)
        )
        branch = self._column(_Placed(number, max(case.depth for case in cases)), guard)
        taken = [_Placed(ops.Equals(branch.op, ops.Literal(n, dt.int8)), branch.depth) for n in range(len(cases) + 1)]
        default, *results = [self.placed(result, scope, holds) for result, holds in zip((node.default, *node.results), taken, strict=True)]
        case = ops.SearchedCase(tuple(holds.op for holds in taken[1:]), tuple(result.op for result in results), default.op)
        return _Placed(case, max(part.depth for part in (branch, default, *results)))

    def _column(self, value: _Placed, guard: _Placed | None) -> _Placed:
        """A value as a column, null where its guard does not hold. What is a column or a constant already stays as it is."""
        if isinstance(value.op, ops.Field | ops.Argument | ops.Literal):
            return value
        op, depth = value.op, value.depth
        if guard is not None:
            op = ops.SearchedCase((guard.op,), (op,), ops.Literal(None, op.dtype))
            depth = max(depth, guard.depth)
        if (column := self._made.get((op, depth))) is None:
            column = self._made[op, depth] = ops.Argument(name=str(len(self._made) + 1), shape=ds.columnar, dtype=op.dtype)
            self.columns += [{} for _ in range(depth + 1 - len(self.columns))]
            self.columns[depth][column.param] = op
        return _Placed(column, depth + 1)

    def _has(self, node: Any) -> bool:
        if (known := self._having.get(node)) is None:
            known = self._having[node] = _is_let(node) or (not isinstance(node, ops.ArrayMap) and any(map(self._has, node.__children__)))
        return known

    def _free_in(self, node: Any) -> frozenset[Any]:
        """The variables that an operation names and does not bind itself."""
        if (known := self._free.get(node)) is None:
            if isinstance(node, ops.Argument):
                known = frozenset({node})
            elif isinstance(node, ops.ArrayMap):
                known = self._free_in(node.arg) | (self._free_in(node.body) - {node.param})
            else:
                known = frozenset().union(*map(self._free_in, node.__children__))
            self._free[node] = known
        return known


def _is_let(node: Any) -> bool:
    """Whether an operation is the one place of a function mapped over a list of one."""
    if not isinstance(node, ops.ArrayIndex) or not isinstance(node.arg, ops.ArrayMap) or not isinstance(node.arg.arg, ops.Array):
        return False
    return len(node.arg.arg.exprs) == 1 and isinstance(node.index, ops.Literal) and node.index.value == 0
