"""How much memory a workbook would take, found out before it is opened.

The reader lays a sheet out as a rectangle of cells. A file of some kilobytes with one cell in the last corner of a sheet would be 17 thousand
million, and the process would end without a word. For xls the format is a bound.
"""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import IO, BinaryIO

from connectors.files.drop import is_locked, open_archive
from connectors.files.ods_cells import MEMBER, cells
from core.errors import SourceError

# A million rows of a hundred columns are less; what unpacks to more is no sheet that a person made.
_MOST_CELLS, _LARGEST, _LARGEST_EXPANSION = 100_000_000, 2 << 30, 200
# Of so many cells at most one in fifty may be empty of anything: a cell far from the table costs what the table does not.
_MANY_CELLS, _EMPTIEST = 5_000_000, 50
_BLOCK, _OVERLAP = 4 << 20, 1 << 16
# Where a row says it is, and a cell that is not closed at once: one without content is left out by the reader, as rows of formats alone are. A
# cell of the first columns is only of interest far below, so that few of a table's are looked at.
_ROW = re.compile(rb"""<(?:\w+:)?row\s[^>]*?\br\s*=\s*["']0*([0-9]+)""")
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Za-z]{2,}|[A-Za-z](?=[0-9]{6}))0*([0-9]+)["'][^>]*(?<!/)>""")
_BEGUN, _CELLS, _CONTENT = re.compile(rb"<(?:\w+:)?row\b"), re.compile(rb"<(?:\w+:)?c[\s>/]"), re.compile(rb"<(?:\w+:)?(?:v|is|t)\b")
_NARROW = 26  # columns of one letter
_DIGITS, _LETTERS = 9, 6  # more say nothing more


def check_workbook(what: str, file: BinaryIO) -> None:
    """Raise SourceError for a workbook (xlsx, ods) that is larger inside than any table; `what` names it. Other files are not looked into."""
    with open_archive(file) as archive:
        members = archive.infolist()
        if any(item.filename == "xl/workbook.bin" for item in members):
            raise SourceError(f"{what} is a binary workbook (xlsb)", hint="ask the department for it as xlsx")
        whole, packed = sum(item.file_size for item in members), sum(item.compress_size for item in members)
        if whole > _LARGEST or whole > _LARGEST_EXPANSION * max(packed, 1 << 20):
            raise SourceError(f"{what} would unpack to {whole / 1e9:,.1f} GB: that is no workbook", hint="ask the department what it is")
        if is_locked(members):
            raise SourceError(f"{what} is locked by a password", hint="ask the department for it without one")
        for item in members:  # a sheet may lie anywhere in it
            with archive.open(item) as member:
                _check_sheet(what, _blocks(member))
            if item.filename == MEMBER:
                with archive.open(item) as member:
                    _check_repeated(what, member)


def _check_sheet(what: str, blocks: Iterator[tuple[bytes, int]]) -> None:
    rows = begun = cells = 0
    width = _NARROW
    for block, new in blocks:
        starts = [match.start() for match in _BEGUN.finditer(block, new)]
        for place, (start, end) in enumerate(pairwise([new, *starts, len(block)])):
            if _CONTENT.search(block, start, end):
                held, number = len(_CELLS.findall(block, start, end)), _ROW.match(block, start, end)
                cells, width = cells + held, max(width, held)
                rows = max(rows, begun + place, int(number[1][:_DIGITS]) if number else 0)
        begun += len(starts)
        places = _CELL.findall(block)
        rows = max([rows, *(int(row[:_DIGITS]) for _, row in places)])
        width = max([width, *map(column_number, {letters[:_LETTERS] for letters, _ in places})])
    _check_area(what, rows, width, cells)


def _check_repeated(what: str, content: IO[bytes]) -> None:
    """An ods document says of a cell and of a row how often it comes again."""
    for _, table in groupby(cells(content), key=lambda cell: cell.table):
        rows = width = held = 0
        for cell in table:
            if any(name.rpartition(":")[2] == "value-type" for name in cell.attributes):
                rows, width, held = cell.row + cell.rows, max(width, cell.column + cell.columns), held + 1
        _check_area(what, rows, width, held)


def _check_area(what: str, rows: int, width: int, cells: int) -> None:
    area = rows * width
    if area > _MOST_CELLS or (area > _MANY_CELLS and area > _EMPTIEST * cells):
        raise SourceError(
            f"{what} has a sheet of {rows:,} rows and {width:,} columns, nearly all of them empty",
            hint="ask the department to delete what stands far from the table, and to save it again",
        )


def _blocks(sheet: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Blocks that overlap, so that no cell is cut in two, each with the place from which it is new."""
    before = b""
    while block := sheet.read(_BLOCK):
        yield before + block, len(before)
        before = block[-_OVERLAP:]


def column_number(letters: bytes) -> int:
    """The place of a column, from 1, by its letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
