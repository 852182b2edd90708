"""Workbooks (xlsx, xls, ods): the rows of a sheet as texts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

import pyarrow as pa
import python_calamine

from connectors.columns import ColumnPlan, clean_name, look_at_each, plan_columns, shown, unique_names
from connectors.extraction import BATCH_ROWS, Extraction, Note, text_schema
from connectors.files.drop import DAMAGE, DeliveredFile, delivered_files, open_anywhere, open_bytes, real_kind
from connectors.files.header import Header, Row, find_header, searched_lines
from connectors.files.ods_document import Area, areas_over_rows
from connectors.files.workbook_formulas import Lack, cells_without_values
from connectors.files.workbook_sheet import Sheet, open_sheet
from connectors.files.workbook_size import check_workbook
from connectors.files.workbook_zeros import Zeros, cells_with_zeros
from connectors.unreadable import Unreadable
from contracts.model import Contract
from contracts.sources import WorkbookSource
from core.connections import Connections
from core.errors import SourceError
from core.faults import is_full

_ARCHIVED = ("an Excel workbook (xlsx)", "an OpenDocument file (ods)")
_WORKBOOKS = (*_ARCHIVED, "an Excel workbook (xls)")

_LACKS: dict[Lack, str] = {
    "unstored": "a formula under {} has no value: open the workbook, save it, and deliver it again",
    "error": "a cell under {} shows an error in place of a value: mend it, and deliver the workbook again",
    "undeclared": "a cell under {} shows a text that is not declared as its value: open the workbook, save it, and deliver it again",
}
_NOT_TOLD = "{}: cells that show an error, if it has any, were read as empty ones; have it saved as xlsx to be told"
_NO_ZEROS = Zeros()
_BARE = "{}: numbers that show zeros in front, if it has any, were read without them; have it opened and saved as xlsx"


@dataclass(frozen=True)
class _Workbook:
    path: DeliveredFile
    header: Header
    plan: ColumnPlan
    sheet: Sheet | None  # kept if it is the only one: reading it again would take as long as all the rest
    lacking: Mapping[int, Mapping[int, Lack]]  # by row and place of the column, what a cell has in place of a value
    zeros: Zeros
    notes: tuple[Note, ...] = ()


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read all workbooks of a delivery; raises SourceError if one is no workbook or lacks the sheet or columns the contract needs."""
    source = contract.source
    assert isinstance(source, WorkbookSource)
    paths = delivered_files(contract.id, source, connections)
    workbooks = look_at_each(contract.id, paths, lambda path: _look(contract, source, path, connections, keep=len(paths) == 1))
    schema = text_schema(tuple(dict.fromkeys(name for workbook in workbooks for name in workbook.plan.names)))
    notes = [note for workbook in workbooks for note in (*workbook.header.notes, *workbook.plan.notes, *workbook.notes)]
    extraction = Extraction(schema, iter(()), notes=notes)
    extraction.batches = _delivery(contract, source, workbooks, connections, extraction)
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


def first_rows(contract: Contract, source: WorkbookSource, path: DeliveredFile, connections: Connections) -> list[Row]:
    """The rows near the top of a sheet, whatever they are; raises SourceError if there is no such workbook or sheet."""
    return _first(contract, source, path, _sheet(contract, source, path, connections))


def _first(contract: Contract, source: WorkbookSource, path: DeliveredFile, sheet: Sheet) -> list[Row]:
    return [Row(line, line, tuple(values)) for line, values in islice(_rows(contract, path, sheet), searched_lines(source))]


def _look(contract: Contract, source: WorkbookSource, path: DeliveredFile, connections: Connections, *, keep: bool) -> _Workbook:
    sheet = _sheet(contract, source, path, connections)
    header = find_header(contract, source, _first(contract, source, path, sheet), path.name)
    with _translated(contract, path), open_anywhere(path) as file:
        width = sheet.width
        lacking = cells_without_values(f"{contract.id}: {path.name}", file, sheet.name)
        zeros = cells_with_zeros(file, sheet.name)
        areas = sheet.merged or areas_over_rows(file, sheet.name)
    names = tuple(str(place) for place in range(1, width + 1)) if not source.header else _widened(header.names, width)
    plan = plan_columns(contract, names, path.name)
    notes = [] if lacking is not None else [Note("cell-errors", _NOT_TOLD.format(path.name))]
    notes += [] if zeros is not None else [Note("number-formats", _BARE.format(path.name))]
    notes += _merged(areas, header, plan, path.name)
    return _Workbook(path, header, plan, sheet if keep else None, lacking or {}, zeros or _NO_ZEROS, tuple(notes))


def _merged(merged: Sequence[Area], header: Header, plan: ColumnPlan, name: str) -> Iterator[Note]:
    """Cells of data that reach over several rows: only the first of these has their value."""
    named = dict(zip(plan.places, plan.names, strict=True))
    areas = [(first, last) for first, last in merged if last[0] > first[0] >= header.last_line]
    columns = [
        named[place] for place in sorted({place for first, last in areas for place in range(first[1], last[1] + 1)}) if place in named
    ]
    if columns:
        yield Note(
            "merged-cells",
            f"cells under {shown(columns)} reach over several rows, of which only the first has the value: have them filled in each row",
            file=name,
        )


def _widened(names: Sequence[str], width: int) -> tuple[str, ...]:
    return unique_names([*names[:width], *("" for _ in range(width - len(names)))])


def _delivery(
    contract: Contract, source: WorkbookSource, workbooks: list[_Workbook], connections: Connections, extraction: Extraction
) -> Iterator[pa.RecordBatch]:
    position = 0
    for workbook in workbooks:
        path, header, plan = workbook.path, workbook.header, workbook.plan
        several = len(workbooks) > 1
        if several:
            extraction.notes.append(Note("file", f"its row 1 is position {position + 1}", position + 1, path.name))
        name = path.name if several else ""
        sheet = workbook.sheet or _sheet(contract, source, path, connections)
        rows = _rows(contract, path, sheet, workbook.zeros)
        last = header.last_line
        while some := list(islice(rows, BATCH_ROWS)):
            last = some[-1][0]
            data = [(line, values) for line, values in some if line > header.last_line]
            refused = _refused(workbook, data, position, name)
            extraction.unreadable += refused.values()
            if full := [(line, values) for line, values in data if line not in refused]:
                yield _batch(full, plan, position, extraction.schema)
        # The reader ends with the last row that holds a value.
        beyond = _refused(workbook, [(line, []) for line in sorted(workbook.lacking) if line > last], position, name)
        extraction.unreadable += beyond.values()
        position += max((last, *beyond))


def _refused(workbook: _Workbook, rows: list[tuple[int, list[str]]], position: int, name: str) -> dict[int, Unreadable]:
    """Rows of a sheet that are not read, by their number; those of one of several workbooks say its name."""
    refused = {}
    for line, values in rows:
        why = _why_not(workbook, line, values)
        if why:
            refused[line] = Unreadable(position + line, why, f"{name}, row {line}" if name else "")
    return refused


def _why_not(workbook: _Workbook, line: int, values: Sequence[str]) -> str:
    """Why a row is not read; empty where it is."""
    named = dict(zip(workbook.plan.places, workbook.plan.names, strict=True)) if line in workbook.lacking else {}
    told = []
    for lack, words in _LACKS.items():
        if names := [named[place] for place, found in workbook.lacking.get(line, {}).items() if found == lack and place in named]:
            told.append(words.format(shown(names)))
    if told:
        return "; ".join(told)
    return "" if any(map(clean_name, values)) else "the row is blank"


def _batch(rows: list[tuple[int, list[str]]], plan: ColumnPlan, position: int, schema: pa.Schema) -> pa.RecordBatch:
    columns = {
        name: pa.array([values[place] if place < len(values) else "" for _, values in rows], pa.string())
        for place, name in zip(plan.places, plan.names, strict=True)
    }
    arrays = [columns[name] if name in columns else pa.nulls(len(rows), pa.string()) for name in schema.names[:-1]]
    return pa.RecordBatch.from_arrays([*arrays, pa.array([position + line for line, _ in rows], pa.int64())], schema=schema)


def _rows(contract: Contract, path: DeliveredFile, sheet: Sheet, zeros: Zeros = _NO_ZEROS) -> Iterator[tuple[int, list[str]]]:
    """Row number and cells as text; an empty cell is empty text."""
    with _translated(contract, path):
        for line, values in sheet.rows():
            yield line, [value if isinstance(value, str) else to_text(value) for value in zeros.shown(line, values)]


def _sheet(contract: Contract, source: WorkbookSource, path: DeliveredFile, connections: Connections) -> Sheet:
    with _translated(contract, path), open_bytes(path) as file:
        start = file.read(4096)
    if not start:
        raise SourceError(f"{contract.id}: {path.name} is empty", hint="ask the department for the delivery again")
    kind = real_kind(path, start)
    if kind not in _WORKBOOKS:
        hint = 'say "kind: csv" in the contract' if kind is None else "ask the department for a workbook"
        raise SourceError(f"{contract.id}: {path.name} is not a workbook but {kind or 'text'}", hint=hint)

    def choice(workbook: python_calamine.CalamineWorkbook) -> str:
        names = workbook.sheet_names
        if source.sheet is not None and source.sheet not in names:
            raise SourceError(
                f"{contract.id}: {path.name} has no sheet {source.sheet}; it has {', '.join(names)}",
                hint="change the sheet in the contract",
            )
        return source.sheet or _first_shown(workbook)

    with _translated(contract, path), open_anywhere(path) as seekable:
        if kind in _ARCHIVED:
            check_workbook(f"{contract.id}: {path.name}", seekable)
        return open_sheet(seekable, choice, connections)


def _first_shown(workbook: python_calamine.CalamineWorkbook) -> str:
    """The first sheet that a person sees: hidden ones hold lists and old states."""
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet]
    shown_ones = (sheet.name for sheet in sheets if sheet.visible == python_calamine.SheetVisibleEnum.Visible)
    return next(shown_ones, workbook.sheet_names[0])


@contextmanager
def _translated(contract: Contract, path: DeliveredFile) -> Iterator[None]:
    """The one place where the reader's errors become the hub's."""
    try:
        yield
    except python_calamine.PasswordError:
        raise SourceError(f"{contract.id}: {path.name} is locked by a password", hint="ask the department for it without one") from None
    except (python_calamine.CalamineError, *DAMAGE, ParseError) as error:
        if is_full(error):
            raise
        raise SourceError(
            f"{contract.id}: {path.name} is damaged or not a workbook", hint="ask the department for the delivery again"
        ) from None
