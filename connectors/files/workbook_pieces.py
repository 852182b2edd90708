"""Large sheets cut by rows: the reader of workbooks lays a sheet out whole, which takes more than a gigabyte where it is full.

Each piece is a sheet of the same reader, with some of the rows and all else that the workbook says, so that its cells are read as they would be in
the whole. The pieces lie packed on the disk, in a file whose name is taken away at once, so that it goes with its process.
"""

import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO
from xml.parsers import expat

import python_calamine

from connectors.files.drop import open_archive
from connectors.files.ods_cells import MEMBER
from connectors.files.ods_document import as_shown
from connectors.files.workbook_formulas import BOOK, RELATIONS, sheet_member

LARGE, PIECE = 64 << 20, 32 << 20  # bytes of XML, of a sheet and of its pieces; a cell takes 30 to 120 of them
_BLOCK, _LONGEST = 4 << 20, 64 << 20  # what is no row, and a row without end, is held
_MARKUP = b"<!"  # a comment, what is not to be parsed, or a declaration: what stands in it may look like a row

_ROOT = re.compile(rb"<((?:\w+:)?)worksheet[\s>]")
_NUMBER = re.compile(rb"""\sr\s*=\s*["']0*([0-9]{1,9})["']""")
# What the reader needs of a workbook to tell its sheets, and to read them.
_SAYS_SHEETS = ("[Content_Types].xml", "_rels/.rels", BOOK, RELATIONS)
_KEPT = re.compile(r"\[Content_Types\]\.xml|_rels/\.rels|xl/(?:styles|sharedStrings)\.xml", re.IGNORECASE)
_SHEETS = re.compile(rb"<((?:\w+:)?)sheets\s*>.*?</\1sheets\s*>", re.DOTALL)
_RELATIONS_END = re.compile(rb"(?=</(?:\w+:)?Relationships\s*>)")
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = f'<sheet xmlns:r="{_OFFICE}" name="{{0}}" sheetId="{{0}}" r:id="piece{{0}}"/>'
_RELATION = f'<Relationship Id="piece{{0}}" Type="{_OFFICE}/worksheet" Target="worksheets/piece{{0}}.xml"/>'

_TABLE, _TABLE_ROW = re.compile(rb"<table:table[\s>]"), re.compile(rb"<table:table-row(?=[\s/>])([^>]*)>")
_REPEATED = re.compile(rb"""\stable:number-rows-repeated\s*=\s*["']0*([0-9]{1,9})["']""")
# Elements around rows, of which there may be many: the rows are the same without.
_AROUND_ROWS = re.compile(rb"</?table:table-(?:rows|header-rows|row-group)(?:\s[^>]*)?>")


class Uncut(Exception):
    """The sheet is not written in a way in which it can be cut."""


@dataclass(frozen=True)
class Pieces:
    """The pieces of a sheet: how many, and how each is read, with the number of rows before its first that it does not count itself."""

    count: int
    read: Callable[[int], tuple[int, python_calamine.CalamineSheet]]


def is_large(file: BinaryIO) -> bool:
    """Whether a workbook (xlsx, ods) may hold a sheet that is not to be laid out whole."""
    with open_archive(file) as archive:
        return any(item.file_size > LARGE for item in archive.infolist())


def room(file: BinaryIO) -> int:
    """How many bytes the pieces of any of its sheets take at most: packed in haste, they are larger than they were."""
    with open_archive(file) as archive:
        return sum(item.compress_size for item in archive.infolist()) * 2


def without_rows(file: BinaryIO) -> python_calamine.CalamineWorkbook:
    """A workbook that tells no more than its sheets: of an OpenDocument file the reader lays out all before it tells them. Raises Uncut."""
    with open_archive(file) as archive:
        bare = _tables_alone(archive) if _is_ods(archive) else _book_alone(archive)
    try:
        return _opened(bare)
    except python_calamine.CalamineError:
        raise Uncut from None  # damaged, which the whole tells, or with tables within cells


def _tables_alone(archive: zipfile.ZipFile) -> bytes:
    with archive.open(MEMBER) as content:
        return _ods(b"".join(outside for outside, rows in _TABLES.chunks(content) if not rows))


def _book_alone(archive: zipfile.ZipFile) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as book:
        for name in {*_SAYS_SHEETS} & {*archive.namelist()}:
            book.writestr(name, archive.read(name))
    return made.getvalue()


def cut(file: BinaryIO, sheet: str, place: int, work: Path) -> Pieces:
    """The pieces of a sheet, by its name and its place among all, in a file in a folder that may be removed at once. Raises Uncut."""
    with open_archive(file) as archive:
        return _cut_ods(archive, place, work) if _is_ods(archive) else _cut_xlsx(archive, sheet, work)


def _cut_xlsx(archive: zipfile.ZipFile, sheet: str, work: Path) -> Pieces:
    """As the sheets of one workbook, so that the texts that it shares are read once."""
    member = sheet_member(archive, sheet)
    if member is None:
        raise Uncut
    made = work / "pieces.xlsx"
    with _written(made) as pieces:
        count = 0
        with archive.open(member) as content:
            for document in _documents_of_xlsx(content, _prefix(archive, member)):
                count += 1
                pieces.writestr(f"xl/worksheets/piece{count}.xml", document)
        if not count:
            raise Uncut
        for name in filter(_KEPT.fullmatch, archive.namelist()):
            with archive.open(name) as kept, pieces.open(name, "w", force_zip64=True) as copy:
                shutil.copyfileobj(kept, copy, _BLOCK)
        pieces.writestr(BOOK, _changed_once(_SHEETS, f"<sheets>{_each(_SHEET, count)}</sheets>", archive.read(BOOK)))
        pieces.writestr(RELATIONS, _changed_once(_RELATIONS_END, _each(_RELATION, count), archive.read(RELATIONS)))
    book = python_calamine.CalamineWorkbook.from_path(made)  # holds it open
    return Pieces(count, lambda number: (0, book.get_sheet_by_name(str(number + 1))))


def _cut_ods(archive: zipfile.ZipFile, table: int, work: Path) -> Pieces:
    """As documents of their own, since the reader lays out all tables of one."""
    made, before = work / "pieces.zip", list[int]()
    with archive.open(MEMBER) as content, _written(made) as pieces:
        for rows, document in _documents_of_ods(content, table):
            pieces.writestr(str(len(before)), as_shown(_ods(document)))
            before.append(rows)
    packed = zipfile.ZipFile(made)
    return Pieces(len(before), lambda number: (before[number], _opened(packed.read(str(number))).get_sheet_by_index(table)))


def _documents_of_xlsx(content: IO[bytes], prefix: bytes) -> Iterator[bytes]:
    head, pieces, size, number = b"", list[bytes](), 0, 0
    starts = re.compile(b"<" + prefix + rb"row(?=[\s/>])([^>]*)>")
    for outside, rows in _marks_of_xlsx(prefix).chunks(content):
        if not head:
            head = outside
        elif outside:
            yield b"".join([head, *pieces, outside])
        else:
            if size > PIECE:
                yield b"".join([head, *pieces, _closing(head)])
                # A row that does not say which it is follows the one before, and so do its cells.
                pieces, size = [b'<%srow r="%d"/>' % (prefix, number)], 0
            for attributes in starts.findall(rows):
                said = _NUMBER.search(attributes)
                following = int(said[1]) if said else number + 1
                if following <= number:
                    raise Uncut  # the reader puts them in order
                number = following
            pieces.append(rows)
            size += len(rows)


def _documents_of_ods(content: IO[bytes], table: int) -> Iterator[tuple[int, bytes]]:
    """Each piece with the number of rows before it. Tables before it are in it without their rows, so that its place among them stays."""
    head, pieces, size, begun, number, tables = b"", list[bytes](), 0, 0, 0, 0
    for outside, rows in _TABLES.chunks(content):
        tables += len(_TABLE.findall(outside))
        if tables <= table + 1 and not (pieces or begun):
            head += outside
        if not rows or tables != table + 1:
            continue
        if size > PIECE:
            yield begun, b"".join([head, *pieces, _closing(head)])
            pieces, size, begun = [], 0, number
        pieces.append(_AROUND_ROWS.sub(b"", rows))
        size += len(rows)
        for attributes in _TABLE_ROW.findall(rows):
            said = _REPEATED.search(attributes)
            number += int(said[1]) if said else 1
    yield begun, b"".join([head, *pieces, _closing(head)])


@dataclass(frozen=True)
class _Marks:
    """Between what rows stand in a document, and how one ends."""

    opening: re.Pattern[bytes]
    closing: bytes
    row_end: bytes

    def chunks(self, content: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """What stands outside rows, up to where they begin, or some rows; in the end, what stands behind the last."""
        rest, within = b"", False
        while block := content.read(_BLOCK):
            rest += block
            if _MARKUP in rest or len(rest) > _LONGEST:
                raise Uncut
            done = 0
            while True:
                if not within:
                    found = self.opening.search(rest, done)
                    if found is None:
                        break
                    yield rest[done : found.end()], b""
                    done, within = found.end(), True
                end, last = rest.find(self.closing, done), rest.rfind(self.row_end, done)
                upto = end if end >= 0 else last + len(self.row_end) if last >= 0 else done
                if upto > done:
                    yield b"", rest[done:upto]
                    done = upto
                if end < 0:
                    break
                within = False
            rest = rest[done:]
        if within:
            raise Uncut  # it ends in the middle, which the whole tells
        yield rest, b""


_TABLES = _Marks(re.compile(rb"<table:table(?:\s(?:[^>]*[^>/])?)?>"), b"</table:table>", b"</table:table-row>")


def _marks_of_xlsx(prefix: bytes) -> _Marks:
    opening = re.compile(b"<" + prefix + rb"sheetData(?:\s(?:[^>]*[^>/])?)?>")
    return _Marks(opening, b"</" + prefix + b"sheetData", b"</" + prefix + b"row>")


def _prefix(archive: zipfile.ZipFile, member: str) -> bytes:
    """What stands before the names of a sheet's elements."""
    with archive.open(member) as content:
        root = _ROOT.search(content.read(_BLOCK))
    if root is None:
        raise Uncut
    return root[1]


def _closing(head: bytes) -> bytes:
    """The ends of the elements that are open behind the beginning of a document."""
    opened: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _: opened.append(tag)
    parser.EndElementHandler = lambda _: opened.pop()
    try:
        parser.Parse(head, False)
    except expat.ExpatError:
        raise Uncut from None
    return b"".join(f"</{tag}>".encode() for tag in reversed(opened))


def _changed_once(pattern: re.Pattern[bytes], text: str, document: bytes) -> bytes:
    changed, times = pattern.subn(text.encode(), document)
    if times != 1:
        raise Uncut
    return changed


def _each(element: str, count: int) -> str:
    return "".join(element.format(number) for number in range(1, count + 1))


def _written(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)


def _is_ods(archive: zipfile.ZipFile) -> bool:
    return MEMBER in archive.namelist()


def _ods(content: bytes) -> bytes:
    """The least document around what is in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as document:
        document.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        document.writestr(
            "META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        )
        document.writestr(MEMBER, content)
    return made.getvalue()


def _opened(workbook: bytes) -> python_calamine.CalamineWorkbook:
    return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(workbook))
