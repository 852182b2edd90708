"""What stands in an OpenDocument spreadsheet and its reader takes otherwise: breaks within a text, pictures upon a cell, notes to a text, numbers
that show zeros in front, and cells that reach over several rows."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, BinaryIO
from xml.parsers import expat

from connectors.files.drop import open_archive
from connectors.files.ods_cells import MEMBER, cells

Area = tuple[tuple[int, int], tuple[int, int]]  # row and column (from 0) of the first cell and of the last

_BLOCK, _OVERLAP = 4 << 20, 1 << 16
_BREAK = re.compile(rb"<text:(line-break|tab)(?=[\s/>])[^<>]*?(?:/>|>\s*</text:\1\s*>)")
# What stands upon or beside a value: what is drawn, footnotes, and how a name is spoken. Remarks the reader leaves out itself.
_BESIDE = re.compile(rb"<(?:draw:[a-z]|text:(?:note|ruby-text)[\s>])")
_NOTES = ("text:note", "text:ruby-text")
# A number and what is shown of it. Attributes and elements stand as all programs write them.
_ZEROS = re.compile(
    rb'(<table:table-cell\s[^<>]*?)office:value-type="float"([^<>]*>\s*<text:p(?:\s[^<>]*)?>)(0[0-9]+)(?=</text:p>\s*</table:table-cell>)'
)
_NUMBER = re.compile(rb'\soffice:value="([0-9]+)"')
_SPANNED = re.compile(rb"""number-rows-spanned\s*=\s*["'](?!1["'])""")
_CHARACTERS = {b"line-break": b"\n", b"tab": b"\t"}
_LOOKED_INTO = ("mimetype", "META-INF/manifest.xml")  # by the reader, besides the cells
_DIGITS = 9


def as_shown(document: bytes) -> bytes:
    """The document with a line's end and a tabulator as characters, whose elements the reader drops, so that it glues the words; without what is
    drawn upon a cell, such as a seal, and notes, whose text it takes for the cell's; and with what is shown of a number that has zeros in front
    as its value.
    """
    with open_archive(io.BytesIO(document)) as archive:
        has_beside, has_zeros = holds(archive, _BESIDE), holds(archive, _ZEROS)
        if not (has_beside or has_zeros or holds(archive, _BREAK)):
            return document
        changed = io.BytesIO()
        with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written:
            for name in sorted({*_LOOKED_INTO} & {*archive.namelist()}, reverse=True):  # the mimetype stands first
                written.writestr(name, archive.read(name))
            with archive.open(MEMBER) as content, written.open(MEMBER, "w", force_zip64=True) as cells_written:
                for piece in _whole_elements(
                    io.BytesIO(_changed(content.read(), has_beside, has_zeros)) if has_beside or has_zeros else content
                ):
                    cells_written.write(_BREAK.sub(lambda found: _CHARACTERS[found[1]], piece))
    return changed.getvalue()


def _changed(content: bytes, has_beside: bool, has_zeros: bool) -> bytes:
    content = _without_beside(content) if has_beside else content
    return _ZEROS.sub(_as_text, content) if has_zeros else content


def _as_text(found: re.Match[bytes]) -> bytes:
    """A cell with the text that it shows as its value, where that is its number with zeros in front."""
    before, behind, shown = found.groups()
    number = _NUMBER.search(before + behind)
    if number is None or number[1] != shown.lstrip(b"0").rjust(1, b"0"):
        return found[0]
    return _NUMBER.sub(b"", before) + b'office:value-type="string"' + _NUMBER.sub(b"", behind) + shown


def _without_beside(content: bytes) -> bytes:
    """The cells without what is drawn upon them, and without notes. Of a document that is none, all: what it is, its reader says."""
    path: list[str] = []  # elements that are open, from the cell on
    cuts: list[tuple[int, int]] = []  # from where to where; what is cut may hold other such things
    cut, begun = 0, 0

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal cut, begun
        if path or tag.endswith("table-cell"):
            path.append(tag)
        if not cut and len(path) > 1 and (tag.startswith("draw:") or tag in _NOTES):
            cut, begun = len(path), parser.CurrentByteIndex

    def end(tag: str) -> None:
        nonlocal cut
        if cut and len(path) == cut:
            place = parser.CurrentByteIndex  # behind an element that is closed at once
            cuts.append((begun, content.index(b">", place) + 1 if content.startswith(f"</{tag}".encode(), place) else place))
            cut = 0
        if path:
            path.pop()

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    with suppress(expat.ExpatError):
        parser.Parse(content, True)
        kept = zip([0, *(last for _, last in cuts)], [*(first for first, _ in cuts), len(content)], strict=True)
        return b"".join(content[first:last] for first, last in kept)
    return content


def areas_over_rows(file: BinaryIO, sheet: str) -> list[Area]:
    """Cells of a sheet that reach over several rows; none where the workbook is no OpenDocument file."""
    if not zipfile.is_zipfile(file):
        return []
    with open_archive(file) as archive:
        if not holds(archive, _SPANNED):
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


def holds(archive: zipfile.ZipFile, pattern: re.Pattern[bytes]) -> bool:
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
