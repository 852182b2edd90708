"""Writes the least that a workbook of Excel 97 (xls) is made of: one sheet of texts, numbers and errors, by MS-XLS and MS-CFB.

No library of ours writes xls; the records follow Microsoft's open specifications, and both readers under test have to agree with them.
"""

import struct
from collections.abc import Sequence

Cell = str | float | None
ERRORS = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D, "#NUM!": 0x24, "#N/A": 0x2A}
_SECTOR, _END, _FREE, _FAT = 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_BOF, _EOF, _BOUNDSHEET, _DIMENSIONS, _NUMBER, _LABEL, _BOOLERR, _FORMULA = 0x809, 0x0A, 0x85, 0x200, 0x203, 0x204, 0x205, 0x06
_FORMAT, _XF, _OWN = 0x41E, 0xE0, 164  # number of the first format that a workbook declares itself


def xls(rows: Sequence[Sequence[Cell]], sheet: str = "Sheet1", *, computed: bool = False, formats: Sequence[str] = ()) -> bytes:
    """A workbook of one sheet; a text that is the name of an error is that error, by itself or as what a formula came to. `formats` are those
    of the columns' numbers."""
    return _compound(_globals(sheet, formats) + _sheet(rows, computed, len(formats)))


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _text(value: str) -> bytes:
    return struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")


def _globals(sheet: str, formats: Sequence[str]) -> bytes:
    begin, name = _record(_BOF, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)), struct.pack("<BB", len(sheet), 1) + sheet.encode("utf-16-le")
    begin += b"".join(
        _record(_FORMAT, struct.pack("<HHB", _OWN + place, len(text), 0) + text.encode()) for place, text in enumerate(formats)
    )
    begin += b"".join(_record(_XF, struct.pack("<HH16x", 0, number)) for number in (0, *range(_OWN, _OWN + len(formats))) if formats)
    place = len(begin) + 4 + 6 + len(name) + 4
    return begin + _record(_BOUNDSHEET, struct.pack("<IH", place, 0) + name) + _record(_EOF)


def _sheet(rows: Sequence[Sequence[Cell]], computed: bool, formatted: int) -> bytes:
    width = max(map(len, rows))
    records = [
        _record(_BOF, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6)),
        _record(_DIMENSIONS, struct.pack("<IIHHH", 0, len(rows), 0, width, 0)),
    ]
    records += [
        _cell(row, column, value, computed, column + 1 if column < formatted else 0)
        for row, cells in enumerate(rows)
        for column, value in enumerate(cells)
        if value is not None
    ]
    return b"".join(records) + _record(_EOF)


def _cell(row: int, column: int, value: Cell, computed: bool, style: int) -> bytes:
    place = struct.pack("<HHH", row, column, style)
    if isinstance(value, int | float):
        return _record(_NUMBER, place + struct.pack("<d", value))
    assert value is not None
    if value not in ERRORS:
        return _record(_LABEL, place + _text(value))
    code = ERRORS[value]
    if not computed:
        return _record(_BOOLERR, place + struct.pack("<BB", code, 1))
    parsed = struct.pack("<BB", 0x1C, code)  # PtgErr
    return _record(_FORMULA, place + struct.pack("<BBBBHH", 2, 0, code, 0, 0, 0xFFFF) + struct.pack("<HIH", 0, 0, len(parsed)) + parsed)


def _compound(stream: bytes) -> bytes:
    """A compound file with the stream of a workbook: a table of sectors, a directory, and the stream itself."""
    stream = stream.ljust(max(4096, -(-len(stream) // _SECTOR) * _SECTOR), b"\0")
    sectors = len(stream) // _SECTOR
    table = [_FAT, _END, *range(3, 2 + sectors), _END]
    assert len(table) <= _SECTOR // 4, "one sector of the table is enough for a test"
    fat = struct.pack(f"<{_SECTOR // 4}I", *table, *[_FREE] * (_SECTOR // 4 - len(table)))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0) + struct.pack("<109I", 0, *[_FREE] * 108)
    entries = _entry("Root Entry", 5, child=1, start=_END, size=0) + _entry("Workbook", 2, child=_FREE, start=2, size=len(stream))
    return header + fat + entries.ljust(_SECTOR, b"\0") + stream


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text), kind, 1, _FREE, _FREE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
