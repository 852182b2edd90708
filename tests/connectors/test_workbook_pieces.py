"""A large sheet is cut by rows, and reads as it would in one piece. What its reader gives for the whole is the oracle."""

import io
import shutil
import zipfile
from datetime import date, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from connectors.files.workbook_sheet import Sheet, open_sheet
from core.connections import Connections
from core.errors import SourceError, StoreError
from tests.connectors.helpers import Drop
from tests.connectors.workbooks import cells, cut_all, read, with_sheet, with_table, workbook

TEXTS = st.sampled_from(["", "甲", '<乙> & "丙"', " x ", "1e5", "_x0041_"])


def opened(content: bytes, folder: Path, sheet: str = "") -> Sheet:
    connections = Connections({}, folder / "connections.yml", least_free_mb=0)
    return open_sheet(io.BytesIO(content), lambda book: sheet or book.sheet_names[0], connections)


def both_ways(content: bytes, folder: Path, sheet: str = "") -> tuple[Sheet, Sheet]:
    """The sheet whole, and cut."""
    whole = opened(content, folder, sheet)
    with pytest.MonkeyPatch.context() as patch:
        cut_all(patch)
        pieces = opened(content, folder, sheet)
    assert whole.pieces.count == 1
    return whole, pieces


def trimmed(sheet: Sheet) -> list[tuple[int, list[Any]]]:
    """Rows without the empty cells behind the last that holds a value: as many as the widest row of a piece has."""
    rows = []
    for line, values in sheet.rows():
        while values and values[-1] == "":
            values.pop()
        rows.append((line, values))
    return rows


def assert_same(whole: Sheet, pieces: Sheet) -> None:
    assert trimmed(pieces) == trimmed(whole)
    assert (pieces.name, pieces.width, list(pieces.merged)) == (whole.name, whole.width, list(whole.merged))


def xlsx(rows: str, prefix: str = "") -> bytes:
    """A workbook whose sheet has such rows, and names its elements in one way or the other."""
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    with zipfile.ZipFile(made) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    name = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    members["xl/worksheets/sheet1.xml"] = (
        f'<{prefix}worksheet {name}="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<{prefix}sheetData>{rows}</{prefix}sheetData></{prefix}worksheet>"
    ).encode()
    return zipped(members)


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in members.items():
            packed.writestr(member, content)
    return made.getvalue()


def ods(tables: list[str], folder: Path) -> bytes:
    """A document of tables called S, S1, S2, …"""
    rest = (f'</table:table><table:table table:name="S{number}">{rows}' for number, rows in enumerate(tables[1:], start=1))
    with_table(Drop(folder), tables[0] + "".join(rest))
    return (folder / "a.ods").read_bytes()


def cell(text: str, prefix: str = "", place: str = "") -> str:
    attributes = f' r="{place}"' if place else ""
    return f'<{prefix}c{attributes} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">{escape(text)}</{prefix}t></{prefix}is></{prefix}c>'


@st.composite
def rows_of_xlsx(draw: Any, prefix: str) -> str:
    """Rows that say which they are or do not, with gaps, some closed at once; cells that say their place or do not."""
    rows, number = [], 0
    for _ in range(draw(st.integers(2, 12))):
        gap = draw(st.sampled_from([1, 1, 1, 2, 30]))
        number += gap
        says = gap > 1 or draw(st.booleans())
        columns = sorted(draw(st.sets(st.integers(0, 5), max_size=4)))
        said = draw(st.sampled_from(["", ' spans="1:6"'])) + (f' r="{number}"' if says else "")
        if not columns:
            rows.append(f"<{prefix}row{said}/>")
            continue
        placed = draw(st.booleans())
        cells = (cell(draw(TEXTS), prefix, f"{chr(65 + column)}{number}" if placed else "") for column in columns)
        rows.append(f"<{prefix}row{said}>{''.join(cells)}</{prefix}row>")
    return draw(st.sampled_from(["", "\n"])).join(rows)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), prefix=st.sampled_from(["", "x:"]))
def test_a_sheet_reads_in_pieces_as_in_one(data, prefix, tmp_path_factory):
    content = xlsx(data.draw(rows_of_xlsx(prefix)), prefix)
    assert_same(*both_ways(content, tmp_path_factory.getbasetemp()))


@st.composite
def rows_of_ods(draw: Any) -> str:
    """Rows and cells that come again, in groups and under headings, and rows of nothing."""
    rows = []
    for _ in range(draw(st.integers(2, 12))):
        again = draw(st.sampled_from(["", "", ' table:number-rows-repeated="3"']))
        cells = (
            f'<table:table-cell table:number-columns-repeated="{draw(st.integers(1, 3))}"/>'
            if draw(st.booleans())
            else f'<table:table-cell office:value-type="string"><text:p>{escape(draw(TEXTS))}</text:p></table:table-cell>'
            for _ in range(draw(st.integers(0, 4)))
        )
        inside = "".join(cells)
        row = f"<table:table-row{again}>{inside}</table:table-row>" if inside else f"<table:table-row{again}/>"
        around = draw(st.sampled_from(["", "", "header-rows", "rows", "row-group"]))
        rows.append(f"<table:table-{around}>{row}</table:table-{around}>" if around else row)
    return "<table:table-column/>" + draw(st.sampled_from(["", "\n", "<text:soft-page-break/>"])).join(rows)


@settings(max_examples=150, deadline=None)
@given(tables=st.lists(rows_of_ods(), min_size=1, max_size=3), data=st.data())
def test_a_table_of_an_ods_document_reads_in_pieces_as_in_one(tables, data, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    name = data.draw(st.sampled_from(["S", "S1", "S2"][: len(tables)]))
    assert_same(*both_ways(ods(tables, folder), folder, name))


def test_what_else_a_workbook_says_holds_in_each_piece(tmp_path):
    """Texts that are shared, formats, the day from which days are counted, merged cells, other sheets."""
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    page = book.active
    for number in range(1, 40):
        page.append([f"甲{number % 3}", date(2024, 1, 1) + timedelta(number), time(12, 30), number / 7, number, number % 2 == 0, "=A1"])
        page.cell(number, 5).number_format = "000000"
    page.merge_cells("A3:A5")
    page.merge_cells("B38:C39")
    page["H20"] = "beyond"
    book.create_sheet("第二")["C7"] = "姓名"
    book.save(tmp_path / "a.xlsx")
    content = (tmp_path / "a.xlsx").read_bytes()
    whole, pieces = both_ways(content, tmp_path)
    assert pieces.pieces.count > 10
    assert pieces.width == 8
    assert len(pieces.merged) == 2
    assert list(pieces.rows())[2][1][1] == date(2024, 1, 4)
    assert_same(whole, pieces)
    assert_same(*both_ways(content, tmp_path, "第二"))


ROW = f"<row>{cell('甲')}</row>"


@pytest.mark.parametrize(
    "rows",
    [
        f'{ROW * 9}<row r="8">{cell("乙")}</row>{ROW * 9}',
        f"{ROW * 9}<!-- <row r='90'> -->{ROW * 9}",
        f"{ROW * 9}<row><c t='inlineStr'><is><t><![CDATA[</row>]]></t></is></c></row>{ROW * 9}",
    ],
    ids=["order", "comment", "as it stands"],
)
def test_what_cannot_be_cut_is_read_whole(rows, tmp_path):
    whole, pieces = both_ways(xlsx(rows), tmp_path)
    assert pieces.pieces.count == 1
    assert_same(whole, pieces)


def test_a_table_within_a_cell_is_not_cut(tmp_path):
    inner = '<table:table table:name="I"><table:table-row><table:table-cell/></table:table-row></table:table>'
    row = "<table:table-row><table:table-cell>{}</table:table-cell></table:table-row>"
    whole, pieces = both_ways(ods([row.format(inner) + row.format("")], tmp_path), tmp_path)
    assert pieces.pieces.count == 1
    assert_same(whole, pieces)


def test_cells_that_stand_in_other_rows_than_they_say_are_no_workbook(drop, monkeypatch):
    cut_all(monkeypatch)
    with_sheet(drop, "".join(f'<row r="{row}"><c r="A{said}" t="str"><v>{row}</v></c></row>' for row, said in ((2, 2), (3, 9), (4, 4))))
    with pytest.raises(SourceError, match=r"a\.xlsx is damaged or not a workbook"):
        read(drop, ["id"])


def test_pieces_leave_nothing_behind_and_ask_for_room(drop, monkeypatch):
    cut_all(monkeypatch)
    workbook(drop, ["id"], *([str(number)] for number in range(50)))
    assert read(drop, ["id"]).values("id") == [str(number) for number in range(50)]
    work = drop.home / "work"
    assert not list(work.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(StoreError, match="0 MB are free on the disk of HUB_HOME"):
        read(drop, ["id"])
    assert not list(work.iterdir())


def test_a_table_that_ends_in_the_middle_is_no_workbook(drop, monkeypatch):
    """Within an archive that is whole: a program wrote no more. The rows before it are not all there were."""
    cut_all(monkeypatch)
    with_table(drop, "".join(f"<table:table-row>{cells(str(number))}</table:table-row>" for number in ("id", *range(50))))
    with zipfile.ZipFile(drop.folder / "a.ods") as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    members["content.xml"] = members["content.xml"][:-300]
    (drop.folder / "a.ods").write_bytes(zipped(members))
    with pytest.raises(SourceError, match=r"a\.ods is damaged or not a workbook"):
        read(drop, ["id"], path="a.ods")
