import io
import re
import zipfile
from datetime import date, datetime, time

import openpyxl
import pytest

from connectors.files import ods_document
from connectors.files.workbook_formulas import _lacking
from core.errors import SourceError
from tests.connectors.xls import ERRORS, xls


def workbook(drop, *rows, name="a.xlsx", sheet="数据"):
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.create_sheet("第二")["A1"] = "姓名"
    book.save(drop.folder / name)
    return drop.folder / name


def read(drop, columns, **more):
    return drop.read(columns, path=more.pop("path", "a.xlsx"), kind="xlsx", **more)


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


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'


def with_sheet(drop, rows, place="worksheets/sheet1.xml"):
    """A workbook whose sheet has other rows, and perhaps lies elsewhere in it."""
    made = workbook(drop, ["id"], ["1"])
    with zipfile.ZipFile(made) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    del members["xl/worksheets/sheet1.xml"]
    members[f"xl/{place}"] = SHEET.format('<row r="1"><c r="A1" t="str"><v>id</v></c></row>' + rows).encode()
    relations = "xl/_rels/workbook.xml.rels"
    members[relations] = members[relations].replace(b"worksheets/sheet1.xml", place.encode())
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)


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


def with_table(drop, rows: str) -> None:
    """An OpenDocument file of one sheet."""
    spaces = {short: f"urn:oasis:names:tc:opendocument:xmlns:{short}:1.0" for short in ("office", "table", "text", "draw")}
    spaces["calcext"] = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    names = " ".join(f'xmlns:{short}="{name}"' for short, name in spaces.items())
    with zipfile.ZipFile(drop.folder / "a.ods", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>')
        body = f'<office:body><office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>'
        packed.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")


def cells(*texts: str) -> str:
    return "".join(f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in texts)


ERROR = (
    '<table:table-cell {} table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error">'
    "<text:p>#N/A</text:p></table:table-cell>"
)
UNSTORED = '<table:table-cell table:formula="of:=1+1"/>'


def test_a_cell_of_an_ods_document_that_shows_no_value_is_told(drop):
    row = "<table:table-row {}>{}</table:table-row>".format
    rows = row("", cells("id", "n")), row("", cells("1", "x")), row('table:number-rows-repeated="2"', cells("2") + ERROR.format(""))
    with_table(drop, "".join((*rows, row("", cells("3", "y")), row("", cells("4") + UNSTORED), row("", cells("5", "z")))))
    delivery = drop.read(["id", "n"], "a.ods", "xlsx")
    assert [(row["id"], row["n"]) for row in delivery.rows] == [("1", "x"), ("3", "y"), ("5", "z")]
    assert {place: why.partition(":")[0] for place, why in delivery.unreadable.items()} == {
        3: "a cell under n shows an error in place of a value",
        4: "a cell under n shows an error in place of a value",
        6: "a formula under n has no value",
    }
    often = row('table:number-rows-repeated="100"', '<table:table-cell table:number-columns-repeated="16384" table:formula="of:=1"/>')
    with_table(drop, row("", cells("id", "n")) + row("", cells("1", "x")) + often)
    with pytest.raises(SourceError, match="more than 1,000,000 cells that show no value"):
        drop.read(["id"], "a.ods", "xlsx")


def test_a_cell_that_an_ods_document_repeats_counts_as_often(drop):
    cell = '<table:table-cell office:value-type="string" {}><text:p>id</text:p></table:table-cell>'
    rest = (
        '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    for repeated, columns in ((1, ["id"]), (1_000_000, None)):
        sixteen = cell.format('table:number-columns-repeated="16"')
        again = f'<table:table-row table:number-rows-repeated="{repeated}">{sixteen}</table:table-row>'
        with_table(drop, f"<table:table-row>{cell.format('')}</table:table-row>{again}{rest}")
        if columns:
            assert len(drop.read(columns, "a.ods", "xlsx").rows) == 1
        else:
            with pytest.raises(SourceError, match="nearly all of them empty"):
                drop.read(["id"], "a.ods", "xlsx")


def test_a_text_of_an_ods_document_that_is_not_declared_as_a_value_is_told(drop):
    """The reader of workbooks gives nothing for it. A remark is no text of its cell."""
    row = "<table:table-row>{}</table:table-row>".format
    undeclared = "<table:table-cell><text:p> <text:span>x</text:span></text:p></table:table-cell>"
    said = "<text:p>x</text:p>"
    drawn = f"<draw:frame xmlns:draw='urn:d'><draw:text-box>{said}</draw:text-box></draw:frame>"
    remark = f"<table:table-cell><office:annotation>{said}</office:annotation>{drawn}</table:table-cell>"
    with_table(drop, "".join((row(cells("id", "n")), row(cells("1") + undeclared), row(cells("2") + remark), row(cells("3", "y")))))
    delivery = drop.read(["id", "n"], "a.ods", "xlsx")
    assert [(row["id"], row["n"]) for row in delivery.rows] == [("2", ""), ("3", "y")]
    assert {place: why.partition(":")[0] for place, why in delivery.unreadable.items()} == {
        2: "a cell under n shows a text that is not declared as its value"
    }


@pytest.mark.parametrize("block", [1, 7, 4 << 20])
def test_breaks_within_a_text_of_an_ods_document_are_characters(drop, monkeypatch, block):
    monkeypatch.setattr(ods_document, "_BLOCK", block)
    texts = (
        ("北京市<text:line-break/>朝阳区", "北京市\n朝阳区"),
        ('1<text:tab text:tab-ref="3"/>2<text:tab></text:tab>3', "1\t2\t3"),
        ('1<text:s text:c="3"/>2</text:p><text:p>3<text:span>4<text:line-break />5</text:span>', "1   2\n34\n5"),
        ("&lt;text:tab/&gt;", "<text:tab/>"),
    )
    with_table(drop, "".join(f"<table:table-row>{cells(text)}</table:table-row>" for text in ("n", *(text for text, _ in texts))))
    assert drop.read(["n"], "a.ods", "xlsx").values("n") == [expected for _, expected in texts]


def test_what_is_drawn_upon_a_cell_of_an_ods_document_is_no_value(drop):
    seal = '<draw:frame draw:name="公章"><draw:image><text:p/></draw:image></draw:frame>'
    group = "<draw:g><draw:g><draw:custom-shape><text:p>已核</text:p></draw:custom-shape></draw:g><draw:line/></draw:g>"
    drawn = {"张三": seal, "李四": group, "王五": f"{seal}<draw:line/><draw:line />", "赵六": ""}
    rows = [cells("n"), *(cells(name).replace("</text:p>", f"</text:p>{upon}") for name, upon in drawn.items())]
    rows += [
        f"<table:table-cell>{group}</table:table-cell>{cells('x')}",
        cells("北京<text:line-break/>市").replace("<text:p>", f"{seal}<text:p>"),
    ]
    with_table(drop, f"<table:shapes>{group}</table:shapes>" + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows))
    assert drop.read(["n"], "a.ods", "xlsx").values("n") == [*drawn, "", "北京\n市"]


def test_notes_to_a_text_of_an_ods_document_are_no_part_of_it(drop):
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>脚注</text:p></text:note-body></text:note>"
    ruby = "<text:ruby><text:ruby-base>张三</text:ruby-base><text:ruby-text>zhāng sān</text:ruby-text></text:ruby>"
    remark = "<office:annotation><text:p>批注</text:p></office:annotation>"
    texts = {f"甲{note}乙": "甲乙", ruby: "张三", f"丙{remark}": "丙", f"丁</text:p>{remark}<text:p>戊{note}": "丁\n戊"}
    with_table(drop, "".join(f"<table:table-row>{cells(text)}</table:table-row>" for text in ("n", *texts)))
    assert drop.read(["n"], "a.ods", "xlsx").values("n") == [*texts.values()]


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


def test_cells_of_an_ods_document_that_reach_over_several_rows_are_told(drop):
    row, covered = "<table:table-row>{}</table:table-row>".format, "<table:covered-table-cell/>"
    cell = '<table:table-cell table:number-columns-spanned="{}" table:number-rows-spanned="{}" office:value-type="string">{}</table:table-cell>'
    wide, high = cell.format(2, 1, "<text:p>t</text:p>"), cell.format(1, 2, "<text:p>x</text:p>")
    above = row(wide + covered) + row(cells("id", "n"))
    with_table(drop, above + row(cells("1", "x")))
    assert "merged-cells" not in drop.read(["id"], "a.ods", "xlsx", header_row=2).notes
    with_table(drop, above + row(cells("1") + high) + row(cells("2") + covered))
    assert "under n reach over several rows" in drop.read(["id"], "a.ods", "xlsx", header_row=2).notes["merged-cells"]


FORMATS = {
    "000000": "000010",
    "000000;[Red]-000000": "000010",
    "[$-804]000000": "000010",
    '"NO."0000': "NO.0010",
    "000\\-0000": "000-0010",
    "00000-0000": "00000-0010",
    "General": "10",
    "0": "10",
    "0.00": "10",
    "#,##000": "10",
    "00%": "10",
    "[>5]0000": "10",
    '""00"0"': "100",
}


def test_a_number_whose_cell_shows_zeros_in_front_is_what_it_shows(drop):
    """Only the format says so: 000010 is the number 10, formatted as 000000."""
    book = openpyxl.Workbook()
    for place, form in enumerate(FORMATS, start=2):
        book.active.cell(1, place).value = f"c{place}"
        for row, value in ((3, 10), (4, 12345678), (5, "x"), (6, 10.5), (7, -10)):
            book.active.cell(row, place).value = value
            book.active.cell(row, place).number_format = form
    book.save(drop.folder / "a.xlsx")
    delivery = read(drop, ["c2"])
    assert delivery.unreadable == {2: "the row is blank"}
    assert [[row[f"c{place}"] for place, _ in enumerate(FORMATS, start=2)] for row in delivery.rows] == [
        [*FORMATS.values()],
        ["12345678"] * 3 + ["NO.12345678", "1234-5678", "01234-5678"] + ["12345678"] * 6 + ["123456780"],
        ["x"] * len(FORMATS),
        ["10.5"] * len(FORMATS),
        ["-10"] * len(FORMATS),
    ]


def test_of_cells_without_places_the_zeros_are_told_of_the_workbook(drop):
    book = openpyxl.Workbook()
    book.active.append(["c"])
    book.active.append([10])
    book.active["A2"].number_format = "000000"
    book.save(drop.folder / "placed.xlsx")
    with zipfile.ZipFile(drop.folder / "placed.xlsx") as before, zipfile.ZipFile(drop.folder / "a.xlsx", "w") as after:
        for member in before.namelist():
            after.writestr(member, re.sub(rb'<c r="[A-Z]+[0-9]+"', b"<c", before.read(member)))
    delivery = read(drop, ["c"])
    assert delivery.values("c") == ["10"]
    assert delivery.notes["number-formats"].startswith("a.xlsx: numbers that show zeros in front, if it has any, were read without them")


def test_a_sheet_without_such_formats_is_not_looked_through(drop, monkeypatch):
    def fails(*_):
        raise AssertionError

    monkeypatch.setattr("connectors.files.workbook_zeros.whole_cells", fails)
    workbook(drop, ["c", "d"], [10, date(2020, 1, 2)])
    assert read(drop, ["c"]).values("c") == ["10"]


def test_a_number_in_xls_whose_cell_shows_zeros_in_front_is_what_it_shows(drop):
    drop.put("a.xls", xls([["c", "d"], [10, 10], [1234567, "#N/A"], ["x", 0.5], [0, 5]], formats=["000000", "0.00"]))
    delivery = read(drop, ["c"], path="a.xls")
    assert [(row["c"], row["d"]) for row in delivery.rows] == [("000010", "10"), ("x", "0.5"), ("000000", "5")]
    assert delivery.unreadable.keys() == {3}


def test_a_number_in_an_ods_document_that_shows_zeros_in_front_is_what_it_shows(drop):
    attributes = 'table:style-name="ce1" office:value-type="float" office:value="{}" calcext:value-type="float"'
    cell = f"<table:table-cell {attributes}><text:p>{{}}</text:p></table:table-cell>"
    numbers = {("10", "000010"): "000010", ("0", "000"): "000", ("10", "10"): "10", ("10.4", "010"): "10.4", ("0.5", "0.50"): "0.5"}
    rows = "".join(f"<table:table-row>{cell.format(*number)}</table:table-row>" for number in numbers)
    with_table(drop, f"<table:table-row>{cells('c')}</table:table-row>{rows}")
    delivery = drop.read(["c"], "a.ods", "xlsx")
    assert (delivery.values("c"), delivery.unreadable) == ([*numbers.values()], {})
