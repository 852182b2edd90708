"""How much memory a workbook would take, found out before it is opened.

The reader lays a sheet out as a rectangle of cells. A file of some kilobytes with one cell in the last corner of a sheet would be 17 thousand
million, and the process would end without a word. For xls the format is a bound, for ods the reader has one of its own.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import IO, BinaryIO

from core.errors import SourceError

# A million rows of a hundred columns are less; what unpacks to more is no sheet that a person made.
_MOST_CELLS, _LARGEST, _LARGEST_EXPANSION = 100_000_000, 2 << 30, 200
_BLOCK, _OVERLAP = 4 << 20, 256
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml$")
_ROW, _WIDE = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="([0-9]{1,9})"'), re.compile(rb'\br="([A-Z]{2,3})[0-9]{1,9}"')
_NARROW = 26  # columns of one letter


def check_workbook(what: str, file: BinaryIO) -> None:
    """Raise SourceError for an xlsx workbook that is larger inside than any table; `what` names it. Other files are not looked into."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if any(item.filename == "xl/workbook.bin" for item in members):
            raise SourceError(f"{what} is a binary workbook (xlsb)", hint="ask the department for it as xlsx")
        whole, packed = sum(item.file_size for item in members), sum(item.compress_size for item in members)
        if whole > _LARGEST or whole > _LARGEST_EXPANSION * max(packed, 1 << 20):
            raise SourceError(f"{what} would unpack to {whole / 1e9:,.1f} GB: that is no workbook", hint="ask the department what it is")
        for item in members:
            if _SHEET.fullmatch(item.filename):
                with archive.open(item) as sheet:
                    _check_sheet(what, _blocks(sheet))


def _check_sheet(what: str, blocks: Iterator[bytes]) -> None:
    rows = begun = 0
    width = _NARROW
    for block in blocks:
        begun += block.count(b"<row") + block.count(b":row ")
        rows = max(rows, begun, max(map(int, _ROW.findall(block)), default=0))
        width = max(width, max(map(column_number, set(_WIDE.findall(block))), default=0))
    if rows * width > _MOST_CELLS:
        raise SourceError(
            f"{what} has a sheet of {rows:,} rows and {width:,} columns, nearly all of them empty",
            hint="ask the department to delete what stands far from the table, and to save it again",
        )


def _blocks(sheet: IO[bytes]) -> Iterator[bytes]:
    """Blocks that overlap, so that no cell is cut in two."""
    before = b""
    while block := sheet.read(_BLOCK):
        yield before + block
        before = block[-_OVERLAP:]


def column_number(letters: bytes) -> int:
    """The place of a column, from 1, by its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
