"""A sheet of a workbook row by row, through calamine, which lays out whatever it is given: a small sheet whole, a large one piece by piece."""

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import python_calamine

from connectors.columns import clean_name
from connectors.files import workbook_pieces
from connectors.files.ods_document import Area, as_shown
from connectors.files.workbook_pieces import Pieces, Uncut
from core.connections import Connections
from core.space import check_free
from core.work import make_folder_in

Choice = Callable[[python_calamine.CalamineWorkbook], str]  # the name of one of its sheets


@dataclass(frozen=True)
class Sheet:
    """A sheet, by its name. Whatever is asked of it raises CalamineError where the workbook is damaged."""

    name: str
    pieces: Pieces

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """Number (from 1) and values of every row up to the last that holds one; the place of a value is its column's."""
        line = 0
        for piece in range(self.pieces.count):
            for line, values in self._rows(piece, line):  # noqa: B020  where a piece ends, the next begins
                yield line, values

    def _rows(self, piece: int, last: int) -> Iterator[tuple[int, list[Any]]]:
        before, sheet = self.pieces.read(piece)
        if sheet.start is None:
            return
        if before + sheet.start[0] < last:
            raise python_calamine.CalamineError("cells say that they stand in other rows than they do")
        # Laid out one by one, rows begin with the first of the sheet; all at once, with that of its first value. Columns begin with that of it.
        is_whole = self.pieces.count == 1
        first = before + 1 if is_whole else before + 1 + sheet.start[0]
        yield from ((line, []) for line in range(last + 1, first))
        left = [""] * sheet.start[1]
        for line, values in enumerate(sheet.iter_rows() if is_whole else sheet.to_python(skip_empty_area=True), start=first):
            yield line, left + values if left else values

    @cached_property
    def width(self) -> int:
        """Columns up to the last that holds anything: thousands of empty ones may be declared, and values may stand beyond the last title."""
        width = 0
        for _, values in self.rows():
            places = range(len(values), width, -1)
            width = next((place for place in places if not isinstance(values[place - 1], str) or clean_name(values[place - 1])), width)
        return width

    @property
    def merged(self) -> Sequence[Area]:
        """The areas of cells that are one, as far as the reader tells them. Those of a sheet stand behind its rows."""
        return self.pieces.read(self.pieces.count - 1)[1].merged_cell_ranges or ()


def open_sheet(file: BinaryIO, choice: Choice, connections: Connections) -> Sheet:
    """One sheet of a workbook (xlsx, xls, ods). Raises CalamineError, PasswordError and what an archive does for one that is damaged or locked,
    StoreError where there is no room for the pieces of a large one."""
    is_archive = zipfile.is_zipfile(file)
    if is_archive and workbook_pieces.is_large(file):
        with suppress(Uncut):
            return _cut(file, choice, connections)
    file.seek(0)
    document = file.read()
    workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(as_shown(document) if is_archive else document))
    name = choice(workbook)
    sheet = workbook.get_sheet_by_name(name)
    return Sheet(name, Pieces(1, lambda _: (0, sheet)))


def _cut(file: BinaryIO, choice: Choice, connections: Connections) -> Sheet:
    book = workbook_pieces.without_rows(file)
    name = choice(book)
    work = make_folder_in(connections.work, "workbook")
    try:
        check_free(work, connections.least_free_mb, workbook_pieces.room(file))
        return Sheet(name, workbook_pieces.cut(file, name, book.sheet_names.index(name), work))
    finally:
        shutil.rmtree(work, ignore_errors=True)  # the pieces are in files that are open
