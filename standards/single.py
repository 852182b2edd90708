"""The standard's answer for a list of values, and for the distinct values of a column: one small frame through the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from core.errors import RequestError
from standards.model import DataElement, Standards
from standards.spellings import lookup_table

Status = Literal["valid", "repaired", "rejected"]


@dataclass(frozen=True)
class Normalized:
    """The answer for one value: `value` is None where it is rejected; `read` is what was understood, also of a rejected one."""

    value: str | None
    status: Status
    issues: tuple[str, ...]
    read: str | None


def find_element(standards: Standards, name: str) -> DataElement:
    """The element with this id or alias. Raises RequestError where there is none."""
    if name in standards.elements:
        return standards.elements[name]
    for element in standards.elements.values():
        if name in element.aliases:
            return element
    raise RequestError(f"no data element is called {name}", hint="`./hub standards list` names them all")


def normalize_values(
    standards: Standards,
    element_id: str,
    values: Sequence[str | None],
    formats: Sequence[str] = (),
    lookup: Mapping[str, str] | None = None,
    today: str | None = None,
) -> list[Normalized]:
    """One answer per value, in their order. Raises RequestError for an unknown element."""
    element = find_element(standards, element_id)
    rows = _run(element, values, formats, lookup, today)
    return [_answer(raw, *row) for raw, row in zip(values, rows, strict=True)]


def _answer(raw: str | None, value: str | None, issues: tuple[str, ...]) -> Normalized:
    if value is None:
        return Normalized(None, "rejected", ("missing",), None)
    if issues:
        return Normalized(None, "rejected", issues, value)
    return Normalized(value, "valid", (), value) if value == raw else Normalized(value, "repaired", ("repaired",), value)


def _run(
    element: DataElement, values: Sequence[str | None], formats: Sequence[str], lookup: Mapping[str, str] | None, today: str | None
) -> list[tuple[str | None, tuple[str, ...]]]:
    import duckdb  # loaded only where values are asked for
    import ibis
    import pyarrow as pa

    from standards.standardize import issues_of, value_of
    from standards.types.code import spelling_key

    connection = duckdb.connect()
    try:
        connection.execute("SET threads = 1")
        connection.register("given", pa.table({"n": pa.array(range(len(values)), pa.int64()), "raw": pa.array(values, pa.string())}))
        given = ibis.table({"n": "int64", "raw": "string"}, name="given")
        spellings = None
        if element.type == "division":
            cleaned = value_of(given.raw, element, formats)
            keys = _fetch(connection, given.select(key=spelling_key(cleaned)))
            table = lookup_table(element)
            spellings = {key: table[key] for (key,) in keys if key in table}
        connection.execute(
            f"CREATE TABLE read AS {_sql(given.select('n', value=value_of(given.raw, element, formats, lookup, spellings)))}"
        )
        read = ibis.table({"n": "int64", "value": "string"}, name="read")
        conditions = issues_of(read.value, element, today)
        rows = _fetch(connection, read.select("n", "value", *(c.name(name) for name, c in conditions.items())).order_by("n"))
    finally:
        connection.close()
    names = tuple(conditions)
    return [(value, tuple(name for name, holds in zip(names, flags, strict=True) if holds)) for _, value, *flags in rows]


def _sql(expression: Any) -> str:
    import ibis

    return str(ibis.to_sql(expression, dialect="duckdb"))


def _fetch(connection: Any, expression: Any) -> list[tuple[Any, ...]]:
    return list(connection.execute(_sql(expression)).fetchall())
