"""What stands in an OpenDocument spreadsheet and its reader passes over: breaks within a text, and cells that reach over several rows."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, BinaryIO

from connectors.files.drop import open_archive
from connectors.files.ods_cells import MEMBER, cells

Area = tuple[tuple[int, int], tuple[int, int]]  # row and column (from 0) of the first cell and of the last

_BLOCK, _OVERLAP = 4 << 20, 256
_BREAK = re.compile(rb"<text:(line-break|tab)(?=[\s/>])[^<>]*?(?:/>|>\s*</text:\1\s*>)")
_SPANNED = re.compile(rb"""number-rows-spanned\s*=\s*["'](?!1["'])""")
_CHARACTERS = {b"line-break": b"\n", b"tab": b"\t"}
_LOOKED_INTO = ("mimetype", "META-INF/manifest.xml")  # by the reader, besides the cells
_DIGITS = 9


def with_breaks(document: bytes) -> bytes:
    """The document with a line's end and a tabulator as characters: the reader drops the elements that stand for them, and glues the words."""
    with open_archive(io.BytesIO(document)) as archive:
        if not _holds(archive, _BREAK):
            return document
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written:
            for name in sorted({*_LOOKED_INTO} & {*archive.namelist()}, reverse=True):  # the mimetype stands first
                written.writestr(name, archive.read(name))
            with archive.open(MEMBER) as content, written.open(MEMBER, "w", force_zip64=True) as cells_written:
                for piece in _whole_elements(content):
                    cells_written.write(_BREAK.sub(lambda found: _CHARACTERS[found[1]], piece))
    return changed.getvalue()


def areas_over_rows(file: BinaryIO, sheet: str) -> list[Area]:
    """Cells of a sheet that reach over several rows; none where the workbook is no OpenDocument file."""
    if not zipfile.is_zipfile(file):
        return []
    with open_archive(file) as archive:
        if not _holds(archive, _SPANNED):
            return []
        with archive.open(MEMBER) as content:
            spanned = (
                ((cell.row, cell.column), _times(cell.attributes, "rows"), _times(cell.attributes, "columns"))
                for cell in cells(content)
                if cell.name == sheet
            )
            return [(first, (first[0] + rows - 1, first[1] + columns - 1)) for first, rows, columns in spanned if rows > 1]


def _times(attributes: Mapping[str, str], what: str) -> int:
    said = attributes.get(f"table:number-{what}-spanned", "")[:_DIGITS]
    return max(int(said), 1) if said.isascii() and said.isdigit() else 1


def _holds(archive: zipfile.ZipFile, pattern: re.Pattern[bytes]) -> bool:
    """Whether the cells have something in them, which few documents do; looking is quick, reading them is not."""
    if MEMBER not in archive.namelist():
        return False
    before = b""
    with archive.open(MEMBER) as content:
        while block := content.read(_BLOCK):
            looked_at = before + block
            if pattern.search(looked_at):
                return True
            before = looked_at[-_OVERLAP:]
    return False


def _whole_elements(content: IO[bytes]) -> Iterator[bytes]:
    """Blocks none of which ends within an element that stands for a character."""
    rest = b""
    while block := content.read(_BLOCK):
        rest += block
        near = max(len(rest) - _OVERLAP, 0)
        # The last of them may go on in the next block; where none begins, a name of one may.
        cut = next((place for start in (b"<text:", b"<") if (place := rest.rfind(start, near)) >= 0), len(rest))
        yield rest[:cut]
        rest = rest[cut:]
    yield rest
