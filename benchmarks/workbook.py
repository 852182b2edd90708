"""The table of the extract benchmark as a department's spreadsheet program saves it: one sheet, its texts shared."""

import csv
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.extract_table import COLUMNS

FULL = 1_048_576  # rows of a sheet, the header's among them
_BLOCK = 10_000
_MAIN, _OFFICE = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
)
_PACKAGE, _NUMBERS = "http://schemas.openxmlformats.org/package/2006", ("bigint", "decimal", "integer")
_MEMBERS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


def make_workbook(text: Path, folder: Path, rows: int) -> Path:
    """The first rows of a CSV file, no more than a sheet holds, as `rows.xlsx` in a folder."""
    shared: dict[str, int] = {}
    path = folder / "rows.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book, text.open(encoding="utf-8", newline="") as file:
        for name, content in _MEMBERS.items():
            book.writestr(name, content)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            lines = _rows(islice(csv.reader(file), rows + 1), shared)
            while block := "".join(islice(lines, _BLOCK)):
                sheet.write(block.encode())
            sheet.write(b"</sheetData></worksheet>")
        with book.open("xl/sharedStrings.xml", "w", force_zip64=True) as texts:
            texts.write(f'<sst xmlns="{_MAIN}">'.encode())
            items = (f"<si><t>{escape(text)}</t></si>" for text in shared)
            while block := "".join(islice(items, _BLOCK)):
                texts.write(block.encode())
            texts.write(b"</sst>")
    return path


def _rows(lines: Iterable[list[str]], shared: dict[str, int]) -> Iterator[str]:
    numbers = [kind.startswith(_NUMBERS) for kind in COLUMNS.values()]
    for number, values in enumerate(lines, start=1):
        cells = (
            f'<c r="{chr(ord("A") + place)}{number}"><v>{value}</v></c>'
            if is_number and number > 1
            else f'<c r="{chr(ord("A") + place)}{number}" t="s"><v>{shared.setdefault(value, len(shared))}</v></c>'
            for place, (value, is_number) in enumerate(zip(values, numbers, strict=True))
            if value
        )
        yield f'<row r="{number}">{"".join(cells)}</row>'
