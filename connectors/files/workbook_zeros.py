"""Numbers that a workbook shows with zeros in front, as 000010: codes, of which the reader of workbooks gives the bare number. Only the format of
their cells (`000000`) says so, which it does not give. An OpenDocument file has what it shows beside the number (`ods_document`).
"""

import io
import re
import zipfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from connectors.files.drop import open_archive
from connectors.files.workbook_formulas import NotTold, sheet_member, tags, whole_cells
from connectors.files.workbook_size import column_number

_STYLES, _LARGEST_STYLES = "xl/styles.xml", 64 << 20
# The first section of a format, which is that of numbers from 0, where it has nothing in it but zeros and texts. What else a format may have in it
# makes another number of the value, or a day. A colour or a country before it changes nothing.
_COLORED = r"(?:\[(?:black|blue|cyan|green|magenta|red|white|yellow|color ?[0-9]+|\$-[0-9a-f]+)\])*"
_PART = r'"[^"]*"|\\.|[-() ]|0'
_PLAIN = re.compile(rf"{_COLORED}((?:{_PART})+)(?:;.*)?", re.IGNORECASE | re.DOTALL)
_PARTS = re.compile(_PART, re.DOTALL)
_LONGEST = 255  # characters of a format
# A cell that is not closed at once, with its style.
_CELL = rb"""<(?:\w+:)?c(\s[^>]*?\bs\s*=\s*["'](%s)["'][^>]*)(?<!/)>"""
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
Format = Sequence[str | None]  # its parts: texts, and None for each digit


@dataclass(frozen=True)
class Zeros:
    """The cells of a sheet that show zeros in front of a number: by place of the column (from 0), for each row the place of its format, or 0."""

    formats: Sequence[Format] = ()
    cells: Mapping[int, "array[int]"] = field(default_factory=dict)

    def shown(self, line: int, values: Sequence[Any]) -> Sequence[Any]:
        """The values of a row (from 1), those numbers as what their cells show."""
        formats = {
            place: self.formats[rows[line - 1]]
            for place, rows in self.cells.items()
            if line <= len(rows) and rows[line - 1] and place < len(values)
        }
        if not formats:
            return values
        return [_shown(value, formats[place]) if place in formats else value for place, value in enumerate(values)]


def cells_with_zeros(file: BinaryIO, sheet: str) -> Zeros | None:
    """Where a sheet shows such numbers; None where it does not tell. One in which no such format is declared is not looked through."""
    try:
        return _in_zip(file, sheet) if zipfile.is_zipfile(file) else _in_xls(file, sheet)
    except NotTold:
        return None


def _in_zip(file: BinaryIO, sheet: str) -> Zeros:
    with open_archive(file) as archive:
        formats = _declared(archive)
        member = sheet_member(archive, sheet) if formats else None
        if member is None:
            return Zeros()
        cell = re.compile(_CELL % b"|".join(b"%d" % style for style in formats))
        with archive.open(member) as content:
            return _collected(formats, (_placed(*found.groups()) for block in whole_cells(content) for found in cell.finditer(block)))


def _placed(attributes: bytes, style: bytes) -> tuple[int, int, int]:
    place = _PLACE.search(attributes)
    if place is None:
        raise NotTold  # as in `workbook_formulas`
    return int(place[2]), column_number(place[1]) - 1, int(style)


def _declared(archive: zipfile.ZipFile) -> dict[int, Format]:
    """The styles of cells whose format is one of zeros."""
    if _STYLES not in archive.namelist() or archive.getinfo(_STYLES).file_size > _LARGEST_STYLES:
        return {}
    elements = list(tags(archive, _STYLES))
    formats = {
        item.get("numFmtId"): plain for item in elements if item.tag.endswith("}numFmt") and (plain := _plain(item.get("formatCode", "")))
    }
    styles = (style for item in elements if item.tag.endswith("}cellXfs") for style in item)
    return {number: formats[style.get("numFmtId")] for number, style in enumerate(styles) if style.get("numFmtId") in formats}


def _in_xls(file: BinaryIO, sheet: str) -> Zeros:
    import xlrd

    file.seek(0)
    content, said = file.read(), io.StringIO()
    try:
        book = xlrd.open_workbook(file_contents=content, logfile=said, on_demand=True, ragged_rows=True, ignore_workbook_corruption=True)
        known = ((number, book.format_map.get(style.format_key)) for number, style in enumerate(book.xf_list))
        formats = {number: plain for number, form in known if form is not None and (plain := _plain(form.format_str))}
        if not formats:
            return Zeros()
        book.formatting_info = True  # sheets are read from here on
        cells = book.sheet_by_name(sheet)
        styled = ((row + 1, column, cells.cell_xf_index(row, column)) for row in range(cells.nrows) for column in range(cells.row_len(row)))
        return _collected(formats, (cell for cell in styled if cell[2] in formats))
    except Exception as error:
        raise NotTold from error


def _plain(code: str) -> Format | None:
    """The parts of a format that shows zeros in front of a number; None for any other."""
    found = _PLAIN.fullmatch(code) if len(code) <= _LONGEST else None
    parts = [None if part == "0" else part[1:-1] if part[0] == '"' else part[-1] for part in _PARTS.findall(found[1])] if found else []
    return parts if parts.count(None) > 1 else None


def _collected(formats: Mapping[int, Format], found: Iterator[tuple[int, int, int]]) -> Zeros:
    places = {style: place for place, style in enumerate(formats, start=1)}
    cells: dict[int, array[int]] = {}
    for row, column, style in found:
        rows = cells.setdefault(column, array("I"))
        rows.frombytes(bytes(rows.itemsize * max(row - len(rows), 0)))
        rows[row - 1] = places[style]
    return Zeros([(), *formats.values()], cells)


def _shown(value: Any, form: Format) -> Any:
    """What a cell of a format shows; a value that is no whole number from 0 itself, for which the format says something else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or not float(value).is_integer():
        return value
    zeros = form.count(None)
    digits = str(int(value)).zfill(zeros)
    first = len(digits) - zeros + 1  # more digits than the format has stand where its first one does
    rest = iter([digits[:first], *digits[first:]])
    return "".join(next(rest) if part is None else part for part in form)
