"""The standard's answer for a list of values, and for the distinct values of a column: one small frame through the engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from core.errors import RequestError
from core.portable import FEW_ROWS, to_sql
from standards.date_formats import format_patterns
from standards.day import on_day, reading_day
from standards.declared import Declared, unit_fault, writing_fault
from standards.model import DataElement, Standards
from standards.restoring import restored
from standards.spellings import SPELLED, readings, rewritten

LEAVE_OUT = "leave it out, or name one that the element has"
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
    *,
    written_in: str = "",
    unit: str = "",
) -> list[Normalized]:
    """One answer per value, in their order. Raises RequestError for an unknown element, and for what cannot be declared for it."""
    element = find_element(standards, element_id)
    _check_formats(element, formats)
    _check_writing(standards, element, written_in, unit)
    with on_day(today):
        rows = _run(element, values, Declared(tuple(formats), tuple((lookup or {}).items()), written_in, unit))
    return [_answer(raw, *row) for raw, row in zip(values, rows, strict=True)]


def _check_formats(element: DataElement, formats: Sequence[str]) -> None:
    if formats and element.data_type != "date":
        raise RequestError(f"{element.id} is not a date; it has no format", hint=LEAVE_OUT)
    for declared in formats:
        try:
            format_patterns(declared)
        except ValueError as error:
            raise RequestError(f"{declared}: {error}") from None


def _check_writing(standards: Standards, element: DataElement, written_in: str, unit: str) -> None:
    if reason := writing_fault(standards, element, written_in) if written_in else "":
        raise RequestError(reason, hint=LEAVE_OUT)
    if reason := unit_fault(element, unit) if unit else "":
        raise RequestError(reason, hint=LEAVE_OUT)


def _answer(raw: str | None, value: str | None, issues: tuple[str, ...]) -> Normalized:
    if value is None:
        return Normalized(None, "rejected", ("missing",), None)
    if issues:
        return Normalized(None, "rejected", issues, value)
    return Normalized(value, "valid", (), value) if value == raw else Normalized(value, "repaired", ("repaired",), value)


def _run(element: DataElement, values: Sequence[str | None], declared: Declared) -> list[tuple[str | None, tuple[str, ...]]]:
    import duckdb  # the engine is loaded only where values are asked for
    import pyarrow as pa

    sql = _statements(element, declared, reading_day(), len(values) <= FEW_ROWS and element.type not in SPELLED)
    connection = duckdb.connect()
    try:
        connection.execute("SET threads = 1")
        connection.register("given", _numbered(pa, [None if value is None else restored(value) for value in values]))
        read = connection.execute(sql.values).fetchall()
        known = readings(element, {key for _, _, key in read}) if element.type in SPELLED else {}
        connection.register("read", _numbered(pa, [rewritten(element, value, key, known) for _, value, key in read]))
        rows = connection.execute(sql.issues).fetchall()
    finally:
        connection.close()
    return [(value, tuple(name for name, holds in zip(sql.names, flags, strict=True) if holds)) for _, value, *flags in rows]


def _numbered(pa: Any, values: Sequence[str | None]) -> Any:
    return pa.table({"n": pa.array(range(len(values)), pa.int64()), "text": pa.array(values, pa.string())})


@dataclass(frozen=True)
class _Statements:
    """The two statements of an element: texts to values (with the key of each value's spelling), values to issues."""

    values: str
    issues: str
    names: tuple[str, ...]


@lru_cache(maxsize=256)
def _statements(element: DataElement, declared: Declared, today: str, few: bool) -> _Statements:
    """Building them costs up to a second, so they are kept."""
    import ibis

    from standards.standardize import issues_of, spelling_key_of, value_of

    given = ibis.table({"n": "int64", "text": "string"}, name="given")
    lookup = dict(declared.lookup)
    value = value_of(given.text, element, declared.formats, lookup, written_in=declared.written_in, unit=declared.unit)
    key = spelling_key_of(value, given.text, element, lookup)
    read = ibis.table({"n": "int64", "text": "string"}, name="read")
    conditions = issues_of(read.text, element, today)
    values = given.select("n", value=value, key=key).order_by("n")
    issues = read.select("n", "text", **conditions).order_by("n")
    return _Statements(to_sql(values, few=few), to_sql(issues, few=few), tuple(conditions))
