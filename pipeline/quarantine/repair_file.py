"""The file in which a department gets its rejected rows, to hand them back (`pipeline.quarantine.handed_file`): CSV or a workbook.

Beside each cell that is wrong stands a column with the reasons in words, Chinese first, and who can fix it. The first three columns say which
row it is: they, the key and the notes are not edited. A text that a spreadsheet would run as a formula goes out with an apostrophe in
front, in a workbook as text; both come back as they were.
"""

import csv
import io
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import RequestError
from core.files import new_file

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.styles import Alignment, PatternFill

BATCH, POSITION, RECORD = "批次 batch", "行号 row", "记录标识 record id"
PLACE = (BATCH, POSITION, RECORD)
WHOLE_ROW = "整行"
ENDINGS = (".csv", ".xlsx")  # of the files that are handed out
NOTE = "【问题 problem】"  # ends the name of a column of notes
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so
LARGEST = 64 << 20  # bytes; a million rejected rows are no work for a spreadsheet
PART = LARGEST // 2  # of a file of text that is handed out: what is written into it may be longer than what was wrong
MOST_ROWS = 1_048_575  # of a sheet


@dataclass(frozen=True)
class Rejected:
    """One row to hand out: where it stands, its raw values, and by column (or `整行`) what is wrong, in words."""

    place: tuple[str, str, str]
    values: Mapping[str, str | None]
    notes: Mapping[str, str]


def escaped(text: str | None) -> str:
    """A text that no spreadsheet runs as a formula; `unescaped` gives it back."""
    return f"'{text}" if text and text.startswith((*FORMULA, "'")) else text or ""


def unescaped(text: str) -> str:
    """What was written before `escaped`."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA, "'")) else text


def is_as_handed_out(text: str, value: str | None) -> bool:
    """Whether a cell that came back holds what was handed out; workbooks know neither control characters nor line ends of two, and lose blanks
    that nothing else stands beside.
    """
    is_blank = not text.strip() and not (value or "").strip()
    return is_blank or text in (value or "", escaped(value)) or _on_a_sheet(text) == _on_a_sheet(value or "")


def _on_a_sheet(text: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    plain: str = ILLEGAL_CHARACTERS_RE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return plain


def write_rejected(path: Path, columns: Sequence[str], noted: Container[str], rows: Iterable[Rejected], count: int) -> list[Path]:
    """Write so many rows to hand out into a new file that only its owner can read, or, where they are more than can be taken back at once,
    several. `noted` are the columns (or `整行`) beside which something stands in any of them.

    Returns the files; those behind the first are numbered. Raises RequestError where one cannot be made.
    """
    is_workbook = path.suffix.lower() == ".xlsx"
    if is_workbook and count > MOST_ROWS:
        raise RequestError(f"{count:,} rows are more than a sheet holds", hint="hand them out as CSV: --export FILE.csv")
    header = [*PLACE, *_with_notes(columns, noted)]
    lines = ([*row.place, *_cells(row, columns, noted)] for row in rows)
    if is_workbook:
        with new_file(path) as out:
            _write_workbook(out, header, lines)
        return [path]
    written: list[Path] = []
    try:
        written.extend(_write_text(path, header, lines))
    except RequestError:
        # A part of that name was there: half of the rows would pass for all of them.
        for part in written:
            part.unlink()
        raise
    return written


def _write_text(path: Path, header: Sequence[str], lines: Iterator[Sequence[str]]) -> Iterator[Path]:
    line, number = next(lines, None), 1
    while line is not None or number == 1:
        part = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        with new_file(part) as out, io.TextIOWrapper(out, encoding="utf-8-sig", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(header)
            while line is not None and out.tell() < PART:
                writer.writerow([escaped(cell) for cell in line])
                line = next(lines, None)
        yield part
        number += 1


def _with_notes(columns: Sequence[str], noted: Container[str]) -> Iterator[str]:
    for name in columns:
        yield name
        if name in noted:
            yield f"{name}{NOTE}"
    if WHOLE_ROW in noted:
        yield f"{WHOLE_ROW}{NOTE}"


def _cells(row: Rejected, columns: Sequence[str], noted: Container[str]) -> Iterator[str]:
    for name in columns:
        yield row.values.get(name) or ""
        if name in noted:
            yield row.notes.get(name, "")
    if WHOLE_ROW in noted:
        yield row.notes.get(WHOLE_ROW, "")


def _write_workbook(out: Any, header: Sequence[str], lines: Iterator[Sequence[str]]) -> None:
    """Every cell is text, so that no number loses digits and nothing is run; wrong cells and their notes are colored."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("退回数据 rejected")
    sheet.freeze_panes = "D2"
    for place, name in enumerate(header, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = 44 if name.endswith(NOTE) else 22
    first = [_sheet_cell(sheet, text) for text in header]
    for cell in first:
        cell.font = Font(bold=True)
    sheet.append(first)
    for line in lines:
        sheet.append(_colored([_sheet_cell(sheet, text) for text in line], header))
    book.save(out)


def _sheet_cell(sheet: Any, text: str) -> "Cell":
    from openpyxl.cell import WriteOnlyCell

    cell: Cell = WriteOnlyCell(sheet, _on_a_sheet(text) or None)
    # Setting a value looks for formulas in it: that it is text is said afterwards.
    cell.data_type = "s" if text else "n"
    cell.number_format, cell.quotePrefix = "@", True
    return cell


@cache
def _styles() -> tuple["PatternFill", "PatternFill", "Alignment"]:
    """Of a wrong cell, and of the note beside it."""
    from openpyxl.styles import Alignment, PatternFill

    return PatternFill("solid", fgColor="FFF2CC"), PatternFill("solid", fgColor="FCE4D6"), Alignment(wrap_text=True, vertical="top")


def _colored(cells: list["Cell"], header: Sequence[str]) -> list["Cell"]:
    wrong, note, wrapped = _styles()
    for place, name in enumerate(header):
        if cells[place].value and name.endswith(NOTE):
            cells[place].fill, cells[place].alignment = note, wrapped
            if place and not name.startswith(WHOLE_ROW):
                cells[place - 1].fill = wrong
    return cells
