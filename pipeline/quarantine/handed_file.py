"""A file of rejected rows (`pipeline.quarantine.repair_file`) as it comes back from a department: text or a workbook, told apart by what is in it."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from core.errors import RequestError, SourceError
from core.files import requested
from pipeline.quarantine.repair_file import BATCH, LARGEST, PLACE

ROUNDED = "the spreadsheet has rounded a long number; write it as text"
LACKS = {
    "unstored": "a formula has no value; open the workbook and save it, or write the value",
    "error": "the cell shows an error; write the value",
    "undeclared": "the text is not declared as the cell's value; open the workbook and save it, or write it again",
}
_RARE = 100  # of so many characters of a text less than one is no character
BEYOND = "there are more cells than columns"
_EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number and rounds the rest
_ENCODINGS = ("utf-8-sig", "gb18030")  # what spreadsheets in China save as
_Cells = tuple[Sequence[str], Mapping[int, str]]  # the texts of a row, and by place why one does not say what was meant


@dataclass(frozen=True, slots=True)
class HandedRow:
    """One row as it came back: its number in the file, its texts, and by column why a cell does not say what was meant.

    `places` are those of the columns in the row, and the same for all rows of a file; the column of what stands beyond them is "".
    """

    line: int
    cells: Sequence[str]
    places: Mapping[str, int]
    unusable: Mapping[str, str]

    def text(self, column: str) -> str:
        """What stands in a column; "" where the row ends before it."""
        place = self.places.get(column)
        return self.cells[place] if place is not None and place < len(self.cells) else ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Batch, position and record id that the row says it has."""
        batch, position, record = (self.text(name).strip() for name in PLACE)
        return batch, position, record


@dataclass(frozen=True)
class HandedFile:
    """A file that came back: its name, what identifies its content, the columns in its first row, and the rows that are not blank."""

    name: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[HandedRow, ...]

    @property
    def batch_ids(self) -> set[str]:
        """The batches that its rows name."""
        return {row.text(BATCH).strip() for row in self.rows}


def read_handed_file(path: Path) -> HandedFile:
    """Read a file that came back. Raises RequestError where it is no such file, naming the columns that are missing."""
    with requested(path):
        if path.stat().st_size > LARGEST:
            raise RequestError(f"{path.name} is larger than {LARGEST >> 20} MB", hint="hand the rows back in several files")
        content = path.read_bytes()
    lines = iter(_workbook(path, content) if content.startswith(b"PK") else _text(path, content))
    header = [text.strip() for text in next(lines, ((), {}))[0]]
    missing = [name for name in PLACE if name not in header]
    if missing:
        if header and all(name in header[0] for name in PLACE):
            raise RequestError(
                f"{path.name} does not separate its columns by commas", hint="save it again as CSV with commas, or as a workbook (xlsx)"
            )
        raise RequestError(
            f"{path.name} lacks the columns {', '.join(missing)} in its first row",
            hint="take the file that ./hub quarantine --export has written, and leave its first three columns and its header as they are",
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise RequestError(f"{path.name} has the columns {', '.join(twice)} twice", hint="leave the header as it was handed out")
    return HandedFile(path.name, hashlib.sha256(content).hexdigest(), tuple(header), tuple(_rows(header, lines)))


def _rows(header: Sequence[str], lines: Iterable[_Cells]) -> Iterator[HandedRow]:
    places = {name: place for place, name in enumerate(header) if name}
    for line, (cells, odd) in enumerate(lines, start=2):
        if not any(text.strip() for text in cells):
            continue
        unusable = {header[place]: why for place, why in odd.items() if place < len(header)}
        if any(text.strip() for text in cells[len(header) :]):
            unusable[""] = BEYOND
        yield HandedRow(line, cells, places, unusable)


def _text(path: Path, content: bytes) -> list[_Cells]:
    csv.field_size_limit(LARGEST)  # a cell may be as long as what the source sent
    # A source may have sent one in a value, and the file that was handed out has it.
    is_text = content.count(b"\0") * _RARE <= len(content)
    for encoding in _ENCODINGS if is_text else ():
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding, newline=""), strict=True)
        try:
            return [(cells, {}) for cells in reader]
        except UnicodeDecodeError:
            continue
        except csv.Error:
            raise RequestError(
                f"{path.name} is damaged near line {reader.line_num}", hint="save it again as CSV or as a workbook"
            ) from None
    raise RequestError(f"{path.name} is neither text nor a workbook", hint="save it as CSV (UTF-8) or as a workbook (xlsx)")


def _workbook(path: Path, content: bytes) -> Iterator[_Cells]:
    import python_calamine

    from connectors.files.drop import DAMAGE
    from connectors.files.ods_document import as_shown
    from connectors.files.workbook_formulas import cells_without_values
    from connectors.files.workbook_size import check_workbook
    from connectors.files.workbook_zeros import cells_with_zeros

    try:
        check_workbook(path.name, io.BytesIO(content))
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(as_shown(content)))
        sheet = book.get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
        lacking = cells_without_values(path.name, io.BytesIO(content), sheet.name)
        zeros = cells_with_zeros(io.BytesIO(content), sheet.name)
    except SourceError as error:
        raise RequestError(error.message, hint="save the rows in a workbook of their own") from None
    except (python_calamine.CalamineError, python_calamine.PasswordError, *DAMAGE, IndexError, ParseError):
        raise RequestError(
            f"{path.name} is damaged, locked, or no workbook", hint="save it again as a workbook without a password"
        ) from None
    if lacking is None or zeros is None:
        raise RequestError(f"{path.name} does not tell what its cells show", hint="save it as xlsx")
    for number, cells in enumerate(rows, start=1):
        rounded = {place: ROUNDED for place, cell in enumerate(cells) if isinstance(cell, int | float) and abs(cell) >= _EXACT}
        yield (
            [_cell(cell) for cell in zeros.shown(number, cells)],
            rounded | {place: LACKS[lack] for place, lack in lacking.get(number, {}).items()},
        )


def _cell(value: Any) -> str:
    from connectors.files.xlsx import to_text

    is_day = isinstance(value, datetime) and value.time() == time()
    return value.date().isoformat() if is_day else to_text(value)
