"""Numbers whose cells show zeros in front."""

import re
import zipfile
from datetime import date

import openpyxl
import pytest

from tests.connectors.workbooks import cells, read, with_table, workbook
from tests.connectors.xls import xls

pytestmark = pytest.mark.usefixtures("each_way")

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
