"""Cells of a sheet that show no value and would read as empty ones: formulas whose values are not stored, since a program wrote them and nobody
has opened the workbook since, errors such as #N/A, and texts of an OpenDocument file that are not declared as values.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import IO, BinaryIO, Literal
from xml.etree import ElementTree as ET

from connectors.files.drop import open_archive
from connectors.files.ods_cells import MEMBER, TYPE, Cell, cells
from connectors.files.ods_document import holds
from connectors.files.workbook_size import column_number
from core.errors import SourceError

BOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"  # of the archive: the sheets by name, and the file of each
_BLOCK, _OVERLAP = 4 << 20, 256
# A cell that is not closed at once, and what is in it. In xl/worksheets/*.xml a formula stands before the value that it had when it was saved.
_CELL = re.compile(rb"<(?:\w+:)?c(\s[^>]*[^>/]|)>(.*?)</(?:\w+:)?c>", re.DOTALL)
_FORMULA, _VALUE = re.compile(rb"<(?:\w+:)?f\b"), re.compile(rb"<(?:\w+:)?(?:v|t)\b[^>/]*>[^<]")
# A text of no characters is a value: the formula said so.
_PLACE, _TEXT = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']"""), re.compile(rb"""\bt\s*=\s*["']str["']""")
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
# A cell of an OpenDocument file that may be one of them: without a type, but with a formula or something in it; or an error.
_WITHOUT_VALUE = re.compile(
    rb"""<table:(?:covered-)?table-cell(?=[\s>])(?![^>]*\soffice:value-type\s*=)[^>]*(?:\stable:formula\s*=|(?<!/)>)"""
    rb"""|\scalcext:value-type\s*=\s*["']error["']"""
)
_MOST = 1_000_000
_RELATION = "}id"  # of a sheet, in either namespace: a workbook may be saved as "Strict Open XML" too


Lack = Literal["unstored", "error", "undeclared"]


def cells_without_values(what: str, file: BinaryIO, sheet: str) -> dict[int, dict[int, Lack]] | None:
    """The places of the columns (from 0) by row (from 1) in which such cells stand in a sheet of a workbook; None where it does not tell.
    `what` names the workbook.

    Raises SourceError where there are so many that nothing is left to be read.
    """
    found: dict[int, dict[int, Lack]] = {}
    try:
        for number, (row, column, lack) in enumerate(
            _lacking_in_zip(file, sheet) if zipfile.is_zipfile(file) else _errors_in_xls(file, sheet)
        ):
            if number == _MOST:
                hint = "ask the department to open the workbook, mend it, and save it again"
                raise SourceError(f"{what} has more than {_MOST:,} cells that show no value", hint=hint)
            found.setdefault(row, {})[column] = lack
    except NotTold:
        return None
    return found


class NotTold(Exception):
    """The workbook cannot be read in the way that tells what its reader does not."""


def _errors_in_xls(file: BinaryIO, sheet: str) -> Iterator[tuple[int, int, Lack]]:
    """xls keeps the values of formulas. The reader of workbooks gives nothing for an error; the one that tells it apart is too slow for all."""
    import xlrd

    file.seek(0)
    content, said = file.read(), io.StringIO()
    try:
        # What is declared behind the last cell of a row is not made.
        book = xlrd.open_workbook(file_contents=content, logfile=said, on_demand=True, ragged_rows=True, ignore_workbook_corruption=True)
        cells = book.sheet_by_name(sheet)
        types = [cells.row_types(row) for row in range(cells.nrows)]
    except Exception as error:
        raise NotTold from error
    for row, kinds in enumerate(types, start=1):
        yield from ((row, column, "error") for column, kind in enumerate(kinds) if kind == xlrd.XL_CELL_ERROR)


def _lacking_in_zip(file: BinaryIO, sheet: str) -> Iterator[tuple[int, int, Lack]]:
    with open_archive(file) as archive:
        member = sheet_member(archive, sheet)
        if member is None:
            return
        if member == MEMBER and not holds(archive, _WITHOUT_VALUE):
            return
        with archive.open(member) as content:
            yield from _lacking_in_ods(content, sheet) if member == MEMBER else _lacking(content)


def _lacking(cells: IO[bytes]) -> Iterator[tuple[int, int, Lack]]:
    for block in whole_cells(cells):
        if not (_FORMULA.search(block) or _ERROR.search(block)):
            continue
        for cell in _CELL.finditer(block):
            attributes, content = cell.groups()
            is_error = _ERROR.search(attributes)
            is_unstored = _FORMULA.search(content) and not _VALUE.search(content) and not _TEXT.search(attributes)
            if is_error or is_unstored:
                place = _PLACE.search(attributes)
                if place is None:
                    raise NotTold  # some programs leave places out: which row it is, only the order of all cells says
                yield int(place[2]), column_number(place[1]) - 1, "error" if is_error else "unstored"


def _lacking_in_ods(content: IO[bytes], sheet: str) -> Iterator[tuple[int, int, Lack]]:
    """The same of an OpenDocument file; that a cell holds an error only LibreOffice says."""
    for cell in cells(content):
        if cell.name == sheet and (lack := _lack_of(cell)):
            for row in range(cell.row + 1, cell.row + 1 + cell.rows):
                yield from ((row, column, lack) for column in range(cell.column, cell.column + cell.columns))


def _lack_of(cell: Cell) -> Lack | None:
    """What a cell of an OpenDocument file has in place of a value. One without a type has none, whatever it shows."""
    if TYPE not in cell.attributes:
        return "unstored" if "table:formula" in cell.attributes else "undeclared" if cell.shows_text else None
    return "error" if cell.attributes.get("calcext:value-type") == "error" else None


def whole_cells(cells: IO[bytes]) -> Iterator[bytes]:
    """Blocks that end where the last cell of what was read begins. Of what has none, or one without end, only the end is kept."""
    rest = b""
    while block := cells.read(_BLOCK):
        rest += block
        last = rest.rfind(b"<", 0, 1 + max(rest.rfind(b"<c "), rest.rfind(b":c ")))
        yield rest[: max(last, 0)]
        rest = rest[last:] if last > 0 else rest[-_OVERLAP:]
    yield rest


def sheet_member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The file of a sheet inside the workbook, by its name; None where it is none."""
    names = set(archive.namelist())
    if MEMBER in names:
        return MEMBER
    if not {BOOK, RELATIONS} <= names:
        return None
    targets = {item.get("Id"): item.get("Target", "") for item in tags(archive, RELATIONS)}
    for item in tags(archive, BOOK):
        if item.tag.endswith("}sheet") and item.get("name") == sheet:
            relation = next((value for name, value in item.attrib.items() if name.endswith(_RELATION)), None)
            path = posixpath.normpath(posixpath.join("/xl", targets.get(relation, "")))[1:]
            return path if path in names else None
    return None


def tags(archive: zipfile.ZipFile, member: str) -> Iterator[ET.Element]:
    """The elements of a small file inside the workbook."""
    content = archive.read(member)
    if b"<!DOCTYPE" not in content:  # no program writes one here, and what it declares could grow without end
        yield from ET.fromstring(content).iter()  # noqa: S314  nothing is declared
