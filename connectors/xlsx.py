"""Workbooks (xlsx, xls, ods) through calamine. A sheet holds at most a million rows and is read whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine

from connectors.columns import ColumnPlan, clean_name, plan_columns, unique_names
from connectors.extraction import BATCH_ROWS, Extraction, Note, Unreadable, text_schema
from connectors.files import delivered_files, real_kind
from connectors.header import Header, Row, find_header, searched_lines
from contracts.model import Contract, WorkbookSource
from core.connections import Connections
from core.errors import SourceError

_WORKBOOKS = ("an Excel workbook (xlsx)", "an Excel workbook (xls)", "an OpenDocument file (ods)")


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read all workbooks of a delivery; raises SourceError if one is no workbook or lacks the sheet or columns the contract needs."""
    assert isinstance(contract.source, WorkbookSource)
    paths = delivered_files(contract.id, contract.source, connections)
    plans = [_look(contract, contract.source, path) for path in paths]
    schema = text_schema(tuple(dict.fromkeys(name for _, plan in plans for name in plan.names)))
    notes = [note for header, plan in plans for note in (*header.notes, *plan.notes)]
    extraction = Extraction(schema, iter(()), notes=notes)
    extraction.batches = _delivery(contract, contract.source, list(zip(paths, plans, strict=True)), extraction)
    return extraction


def to_text(value: Any) -> str:
    """A cell as text: whole numbers without a point, decimals without an exponent, dates ISO, a time of day only where there is one."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case float():
            return f"{Decimal(repr(value)):f}"
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            hours, seconds = divmod(int(value.total_seconds()), 3600)
            return f"{hours:02}:{seconds // 60:02}:{seconds % 60:02}"
        case _:
            return str(value)


def _look(contract: Contract, source: WorkbookSource, path: Path) -> tuple[Header, ColumnPlan]:
    sheet = _sheet(contract, source, path)
    rows = [Row(line, line, tuple(values)) for line, values in islice(_rows(sheet), searched_lines(source))]
    header = find_header(contract, source, rows, path.name)
    # The sheet may declare thousands of empty columns, and values may stand beyond the last title.
    width = max((place for _, values in _rows(sheet) for place, value in enumerate(values, start=1) if clean_name(value)), default=0)
    names = tuple(str(place) for place in range(1, width + 1)) if not source.header else _widened(header.names, width)
    return Header(names, header.last_line, header.notes), plan_columns(contract, names, path.name)


def _widened(names: Sequence[str], width: int) -> tuple[str, ...]:
    return unique_names([*names[:width], *("" for _ in range(width - len(names)))])


def _delivery(
    contract: Contract, source: WorkbookSource, files: list[tuple[Path, tuple[Header, ColumnPlan]]], extraction: Extraction
) -> Iterator[pa.RecordBatch]:
    position = 0
    for path, (header, plan) in files:
        several = len(files) > 1
        if several:
            extraction.notes.append(Note("file", f"{path.name}: its row 1 is position {position + 1}", position + 1))
        rows = _rows(_sheet(contract, source, path))
        last = header.last_line
        while some := list(islice(rows, BATCH_ROWS)):
            last = some[-1][0]
            data = [(line, values) for line, values in some if line > header.last_line]
            full = [(line, values) for line, values in data if any(map(clean_name, values))]
            blank = sorted({line for line, _ in data} - {line for line, _ in full})
            extraction.unreadable += [
                Unreadable(position + line, f"{path.name}, row {line}: the row is blank" if several else "the row is blank")
                for line in blank
            ]
            if full:
                yield _batch(full, plan, position, extraction.schema)
        position += last


def _batch(rows: list[tuple[int, list[str]]], plan: ColumnPlan, position: int, schema: pa.Schema) -> pa.RecordBatch:
    columns = {
        name: pa.array([values[place] if place < len(values) else "" for _, values in rows], pa.string())
        for place, name in zip(plan.places, plan.names, strict=True)
    }
    arrays = [columns[name] if name in columns else pa.nulls(len(rows), pa.string()) for name in schema.names[:-1]]
    return pa.RecordBatch.from_arrays([*arrays, pa.array([position + line for line, _ in rows], pa.int64())], schema=schema)


def _rows(sheet: python_calamine.CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells as text; an empty cell is empty text."""
    for line, values in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        yield line, [to_text(value) for value in values]


def _sheet(contract: Contract, source: WorkbookSource, path: Path) -> python_calamine.CalamineSheet:
    if path.stat().st_size == 0:
        raise SourceError(f"{contract.id}: {path.name} is empty", hint="ask the department for the delivery again")
    with path.open("rb") as file:
        kind = real_kind(path, file.read(4096))
    if kind not in _WORKBOOKS:
        hint = 'say "kind: csv" in the contract' if kind is None else "ask the department for a workbook"
        raise SourceError(f"{contract.id}: {path.name} is not a workbook but {kind or 'text'}", hint=hint)
    with _translated(contract, path):
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        names = workbook.sheet_names
        if source.sheet is not None and source.sheet not in names:
            raise SourceError(
                f"{contract.id}: {path.name} has no sheet {source.sheet}; it has {', '.join(names)}",
                hint="change the sheet in the contract",
            )
        return workbook.get_sheet_by_name(source.sheet) if source.sheet else workbook.get_sheet_by_index(0)


@contextmanager
def _translated(contract: Contract, path: Path) -> Iterator[None]:
    """The one place where the reader's errors become the hub's."""
    try:
        yield
    except python_calamine.PasswordError:
        raise SourceError(f"{contract.id}: {path.name} is locked by a password", hint="ask the department for it without one") from None
    except (python_calamine.CalamineError, OSError):
        raise SourceError(
            f"{contract.id}: {path.name} is damaged or not a workbook", hint="ask the department for the delivery again"
        ) from None
