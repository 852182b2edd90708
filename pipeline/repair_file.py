"""The file in which a department gets its rejected rows, to hand them back (`pipeline.handed_file`): CSV, or a workbook by the ending of its name.

Beside each cell that is wrong stands a column with the reasons in words, Chinese first, and who can fix it. The first three columns say which
row it is: they, the key and the notes are not edited. A text that a spreadsheet would run as a formula goes out with an apostrophe in
front, in a workbook as text; both come back as they were.
"""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import RequestError
from core.files import requested

BATCH, POSITION, RECORD = "批次 batch", "行号 row", "记录标识 record id"
PLACE = (BATCH, POSITION, RECORD)
WHOLE_ROW = "整行"
ENDINGS = (".csv", ".xlsx")  # of the files that are handed out
NOTE = "【问题 problem】"  # ends the name of a column of notes
FORMULA = ("=", "+", "-", "@", "\t", "\r")
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
    """Whether a cell that came back holds what was handed out; workbooks know neither control characters nor line ends of two."""
    return text in (value or "", escaped(value)) or _on_a_sheet(text) == _on_a_sheet(value or "")


def _on_a_sheet(text: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    plain: str = ILLEGAL_CHARACTERS_RE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return plain


def write_rejected(path: Path, columns: Sequence[str], rows: Sequence[Rejected]) -> list[Path]:
    """Write rows to hand out into a new file that only its owner can read, or, where they are more than can be taken back at once, several.

    Returns the files; those behind the first are numbered. Raises RequestError where one cannot be made.
    """
    is_workbook = path.suffix.lower() == ".xlsx"
    if is_workbook and len(rows) > MOST_ROWS:
        raise RequestError(f"{len(rows):,} rows are more than a sheet holds", hint="hand them out as CSV: --export FILE.csv")
    noted = [name for name in (*columns, WHOLE_ROW) if any(name in row.notes for row in rows)]
    header = [*PLACE, *_with_notes(columns, noted)]
    lines = ([*row.place, *_cells(row, columns, noted)] for row in rows)
    if is_workbook:
        with _new(path) as out:
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


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    with requested(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        yield out


def _write_text(path: Path, header: Sequence[str], lines: Iterator[Sequence[str]]) -> Iterator[Path]:
    line, number = next(lines, None), 1
    while line is not None or number == 1:
        part = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        with _new(part) as out, io.TextIOWrapper(out, encoding="utf-8-sig", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(header)
            while line is not None and out.tell() < PART:
                writer.writerow([escaped(cell) for cell in line])
                line = next(lines, None)
        yield part
        number += 1


def _with_notes(columns: Sequence[str], noted: Sequence[str]) -> Iterator[str]:
    for name in columns:
        yield name
        if name in noted:
            yield f"{name}{NOTE}"
    if WHOLE_ROW in noted:
        yield f"{WHOLE_ROW}{NOTE}"


def _cells(row: Rejected, columns: Sequence[str], noted: Sequence[str]) -> Iterator[str]:
    for name in columns:
        yield row.values.get(name) or ""
        if name in noted:
            yield row.notes.get(name, "")
    if WHOLE_ROW in noted:
        yield row.notes.get(WHOLE_ROW, "")


def _write_workbook(out: Any, header: Sequence[str], lines: Iterator[Sequence[str]]) -> None:
    """Every cell is text, so that no number loses digits and nothing is run; wrong cells and their notes are colored."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.styles import Alignment, Font, PatternFill

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "退回数据 rejected"
    wrong, note = PatternFill("solid", fgColor="FFF2CC"), PatternFill("solid", fgColor="FCE4D6")
    for row, line in enumerate([header, *lines], start=1):
        for place, text in enumerate(line, start=1):
            cell = sheet.cell(row, place)
            assert isinstance(cell, Cell)
            # Setting a value looks for formulas in it: that it is text is said afterwards.
            cell.value = _on_a_sheet(text) or None
            cell.data_type = "s" if text else "n"
            cell.number_format, cell.quotePrefix = "@", True
            if row == 1:
                cell.font = Font(bold=True)
            elif text and header[place - 1].endswith(NOTE):
                cell.fill, cell.alignment = note, Alignment(wrap_text=True, vertical="top")
                if place > 1 and not header[place - 1].startswith(WHOLE_ROW):
                    sheet.cell(row, place - 1).fill = wrong
    for place, name in enumerate(header, start=1):
        sheet.column_dimensions[sheet.cell(1, place).column_letter].width = 44 if name.endswith(NOTE) else 22
    sheet.freeze_panes = "D2"
    book.save(out)
