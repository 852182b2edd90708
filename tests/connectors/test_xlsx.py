import io
import re
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest

from connectors.files.workbook_formulas import _lacking
from core.errors import SourceError
from tests.connectors.workbooks import read, with_sheet, workbook
from tests.connectors.xls import ERRORS, xls

pytestmark = pytest.mark.usefixtures("each_way")


def test_cells_become_canonical_text(drop):
    cells = ["张三", 45271, 1.5, 1e20, 0.00001, True, date(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5), time(8, 30), "007", None]
    workbook(drop, [f"c{place}" for place in range(len(cells))], cells)
    row = read(drop, ["c0"]).rows[0]
    assert [row[f"c{place}"] for place in range(len(cells))] == [
        "张三", "45271", "1.5", "100000000000000000000", "0.00001", "true", "2020-01-02", "2020-01-02 03:04:05", "08:30:00", "007", "",
    ]  # fmt: skip


def test_titles_blank_rows_and_stray_columns(drop):
    workbook(drop, ["企业名单"], [], ["序号", "姓名"], [1, "张三"], [None, " "], [2, "李四", None, "备注"])
    delivery = read(drop, ["姓名"])
    assert delivery.columns == ["序号", "姓名", "unnamed_3", "unnamed_4"]
    assert delivery.positions == [4, 6]
    assert delivery.unreadable == {5: "the row is blank"}
    assert delivery.rows[1]["unnamed_4"] == "备注"
    assert "2 lines" in delivery.notes["skipped_lines"]


def test_a_sheet_is_found_by_name(drop):
    workbook(drop, ["编号"], [1])
    assert read(drop, ["姓名"], sheet="第二").rows == []
    with pytest.raises(SourceError, match="has no sheet 第三; it has 数据, 第二"):
        read(drop, ["姓名"], sheet="第三")


def test_several_workbooks_are_one_delivery(drop):
    workbook(drop, ["姓名"], ["张三"], name="x1.xlsx")
    workbook(drop, ["姓名", "年"], ["李四", 2020], name="x2.xlsx")
    delivery = read(drop, ["姓名"], path="x*.xlsx")
    assert [(row["_position"], row["姓名"], row["年"]) for row in delivery.rows] == [(2, "张三", None), (4, "李四", "2020")]


def test_missing_columns_are_named(drop):
    workbook(drop, ["姓名", "身份证号"], ["张三", "1"])
    with pytest.raises(SourceError, match="lacks the column 身份证号码") as error:
        read(drop, ["姓名", "身份证号码"])
    assert "may now be 身份证号" in error.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a,b\n", "is not a workbook but text"), (b"", "is empty"), (b"%PDF", "a PDF document"), (b"PK\x03\x04", "damaged")],
)
def test_what_is_no_workbook_is_refused(drop, content, words):
    drop.put("a.xlsx", content)
    with pytest.raises(SourceError, match=words):
        read(drop, ["a"])


def test_a_formula_without_its_value_is_told_and_no_empty_cell(drop):
    """As a program writes them; where it stands in a column that nobody asked for, the row is read."""
    workbook(
        drop,
        ["姓名", "年龄", "备注"],
        ["张三", "=1+1", "=1+1"],
        ["李四", 30, "=A2"],
        ["=A2", "=B2", None],
        ["王五", 40, None],
        ["=A2"],
    )
    delivery = read(drop, ["姓名"], ignore=["备注"])
    told = "a formula under {} has no value: open the workbook, save it, and deliver it again"
    assert delivery.unreadable == {2: told.format("年龄"), 4: told.format("姓名, 年龄"), 6: told.format("姓名")}
    assert [(row["_position"], row["姓名"], row["年龄"]) for row in delivery.rows] == [(3, "李四", "30"), (5, "王五", "40")]


def test_an_error_in_a_cell_is_told_and_no_empty_cell(drop):
    book = openpyxl.Workbook()
    for row in (["姓名", "年龄", "备注"], ["张三", "#N/A", None], ["李四", 30, "#REF!"], ["王五", 40, None]):
        book.active.append(row)
    book.active["B2"].data_type = book.active["C3"].data_type = "e"
    book.save(drop.folder / "a.xlsx")
    delivery = read(drop, ["姓名"], ignore=["备注"])
    assert delivery.unreadable == {2: "a cell under 年龄 shows an error in place of a value: mend it, and deliver the workbook again"}
    assert delivery.values("姓名") == ["李四", "王五"]


def test_an_error_in_a_workbook_saved_as_strict_open_xml_is_told(drop):
    book = openpyxl.Workbook()
    for row in (["姓名", "年龄"], ["张三", "#N/A"], ["李四", "=1+1"], ["王五", 40]):
        book.active.append(row)
    book.active["B2"].data_type = "e"
    book.save(drop.folder / "transitional.xlsx")
    old, new = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    names = {
        old + b"officeDocument/2006/relationships": new + b"officeDocument/relationships",
        old + b"spreadsheetml/2006/main": new + b"spreadsheetml/main",
    }
    with zipfile.ZipFile(drop.folder / "transitional.xlsx") as before, zipfile.ZipFile(drop.folder / "a.xlsx", "w") as after:
        for member in before.namelist():
            content = before.read(member)
            for transitional, strict in names.items():
                content = content.replace(transitional, strict)
            after.writestr(member, content)
    delivery = read(drop, ["姓名", "年龄"])
    assert delivery.unreadable.keys() == {2, 3}
    assert delivery.values("年龄") == ["40"]


@pytest.mark.parametrize("computed", [False, True])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_a_cell_of_xls_is_told_and_no_empty_cell(drop, error, computed):
    rows = [["姓名", "年龄", "备注"], ["张三", error], ["李四", 30, error], [None, None, None], ["王五", 40.5], [error]]
    drop.put("a.xls", xls(rows, "人员", computed=computed))
    delivery = read(drop, ["姓名"], path="a.xls", ignore=["备注"])
    told = "a cell under {} shows an error in place of a value: mend it, and deliver the workbook again"
    assert delivery.unreadable == {2: told.format("年龄"), 4: "the row is blank", 6: told.format("姓名")}
    assert [(row["_position"], row["姓名"], row["年龄"]) for row in delivery.rows] == [(3, "李四", "30"), (5, "王五", "40.5")]


def test_where_errors_cannot_be_told_that_is_told(drop, monkeypatch):
    def refuses(**_options):
        raise AssertionError

    monkeypatch.setattr("xlrd.open_workbook", refuses)
    drop.put("a.xls", xls([["姓名"], ["张三"]]))
    delivery = read(drop, ["姓名"], path="a.xls")
    assert delivery.values("姓名") == ["张三"]
    assert delivery.notes["cell-errors"].startswith("a.xls: cells that show an error, if it has any, were read as empty ones")


def test_an_error_in_a_workbook_whose_cells_have_no_places_is_told_of_the_workbook(drop):
    book = openpyxl.Workbook()
    for row in (["姓名", "年龄"], ["张三", "#N/A"], ["李四", 30]):
        book.active.append(row)
    book.active["B2"].data_type = "e"
    book.save(drop.folder / "placed.xlsx")
    with zipfile.ZipFile(drop.folder / "placed.xlsx") as before, zipfile.ZipFile(drop.folder / "a.xlsx", "w") as after:
        for member in before.namelist():
            content = before.read(member)
            after.writestr(member, re.sub(rb' r="[A-Z]*[0-9]+"', b"", content) if "worksheets/" in member else content)
    delivery = read(drop, ["姓名", "年龄"])
    assert delivery.values("年龄") == ["", "30"]
    assert "cells that show an error" in delivery.notes["cell-errors"]


def test_the_position_behind_a_last_row_of_formulas_is_the_next_workbooks(drop):
    workbook(drop, ["姓名"], ["张三"], ["=A2"], name="x1.xlsx")
    workbook(drop, ["姓名"], ["李四"], name="x2.xlsx", sheet="a & <b>")
    delivery = read(drop, ["姓名"], path="x*.xlsx")
    assert [row["_position"] for row in delivery.rows] == [2, 5]
    assert list(delivery.unreadable) == [3]
    assert delivery.unreadable[3].startswith("x1.xlsx, row 3: a formula under 姓名")


@pytest.mark.parametrize(
    ("cell", "lack"),
    [
        ("<c r='A1'><f>B1</f></c>", "unstored"),
        ('<c r="A1"><f>B1</f><v></v></c>', "unstored"),
        ('<x:c r="A1" s="1"><x:f t="shared" si="0"/><x:v/></x:c>', "unstored"),
        ('<c r="A1"><f>B1</f><v>0</v></c>', None),
        ('<c r="A1" t="str"><f>IF(B1,"x","")</f><v></v></c>', None),
        ('<c r="A1" t="str"><f>B1</f><v xml:space="preserve"> x</v></c>', None),
        ('<c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "error"),
        ("<c r='A1' t = 'e'><v>#N/A</v></c>", "error"),
        ('<c r="A1"/><c r="B1"><v>1</v></c>', None),
        ('<c r="A1" s="3"></c>', None),
    ],
)
@pytest.mark.parametrize("block", [7, 4 << 20])
def test_which_cells_show_no_value(monkeypatch, cell, lack, block):
    """Wherever a block of the file ends."""
    monkeypatch.setattr("connectors.files.workbook_formulas._BLOCK", block)
    content = f"<worksheet><cols><col min='1'/></cols><sheetData><row r='1'>{cell.replace(chr(39), chr(34))}</row></sheetData></worksheet>"
    assert list(_lacking(io.BytesIO(content.encode()))) == ([(1, 0, lack)] if lack else [])


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ('<row r="1048576"><c r="XFD1048576"><v>5</v></c></row>', "worksheets/sheet1.xml"),
        ('<row r="1048576"><c r="XFD1048576"><v>5</v></c></row>', "elsewhere.xml"),
        ("<row r='1048576'><c r='XFD1048576'><v>5</v></c></row>", "worksheets/sheet1.xml"),
        ('<row r = "1048576"><c s="1" r = "XFD1048576"><v>5</v></c></row>', "worksheets/sheet1.xml"),
        ('<row r="2"><c r="XFD1048576"><v>5</v></c></row>', "worksheets/sheet1.xml"),
        ('<row r="2"><c r="XFD99999"><v>5</v></c></row>', "worksheets/sheet1.xml"),
        ('<row r="2"><c r="Z1048576"><v>5</v></c></row>', "worksheets/sheet1.xml"),
        ('<row r="2"><c r="A00001048576"><v>5</v></c></row><row r="99999999999"><c r="B2"/></row>', "worksheets/sheet1.xml"),
        ("<row/>" * 400_000 + "<row>" + "<c><v>5</v></c>" * 10_000 + "</row>", "worksheets/sheet1.xml"),
    ],
    ids=["far", "elsewhere", "quotes", "blanks", "cell alone", "wide", "narrow", "digits", "no places"],
)
def test_a_cell_far_from_the_table_is_found_however_it_is_written(drop, rows, place):
    """The reader would take memory for every cell in between."""
    with_sheet(drop, rows, place)
    with pytest.raises(SourceError, match="nearly all of them empty"):
        read(drop, ["id"])


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1048576" spans="1:26" ht="20" customHeight="1"/>',
        '<row r="1048576"><c r="A1048576" s="1"/><c r="XFD1048576" s="1" /></row>',
    ],
    ids=["row", "cells"],
)
def test_formats_far_from_the_table_take_no_place(drop, rows):
    """The reader leaves out what has no content; people format whole columns."""
    with_sheet(drop, f'<row r="2"><c r="A2"><v>5</v></c></row>{rows}')
    assert read(drop, ["id"]).values("id") == ["5"]


def test_the_first_sheet_is_the_first_that_a_person_sees(drop):
    book = openpyxl.Workbook()
    book.active.title = "旧"
    for row in (["姓名"], ["旧人"]):
        book.active.append(row)
    book.active.sheet_state = "hidden"
    for row in (["姓名"], ["张三"]):
        (book["新"] if "新" in book.sheetnames else book.create_sheet("新")).append(row)
    book.save(drop.folder / "a.xlsx")
    assert read(drop, ["姓名"]).values("姓名") == ["张三"]
    assert read(drop, ["姓名"], sheet="旧").values("姓名") == ["旧人"]


def test_cells_that_reach_over_several_rows_are_told(drop):
    path = workbook(
        drop, ["标题", None, None], ["姓名", "地址", "电话"], ["张三", "东街1号", "1"], ["李四", None, "2"], ["王五", "西街", "3"]
    )
    book = openpyxl.load_workbook(path)
    book["数据"].merge_cells("A1:C1")
    assert "merged-cells" not in read(drop, ["姓名"]).notes
    book["数据"].merge_cells("B3:B4")
    book.save(path)
    assert "under 地址 reach over several rows" in read(drop, ["姓名"]).notes["merged-cells"]
