"""`./hub normalize --csv`: any file a department writes, and clear words for what is no table of values."""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Command

VALUES = "element,raw\nphone_number,138 0000 0001\nno_such,1\nsex_code,男\n"
ANSWERS = [
    "element,raw,value,status,issues",
    "phone_number,138 0000 0001,13800000001,repaired,repaired",
    "no_such,1,,unknown-element,unknown-element",
    "sex_code,男,1,repaired,repaired",
]


def workbook() -> bytes:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    return book.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_file_is_normalized_row_by_row(empty: Command, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "values.csv"
    path.write_bytes(VALUES.encode(encoding))
    answer = empty("normalize", "--csv", str(path))
    assert (answer.status, answer.out.splitlines()) == (0, ANSWERS)


def test_a_compressed_file_and_standard_input_are_read_alike(empty: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "values.csv.gz"
    path.write_bytes(gzip.compress(VALUES.encode(), mtime=0))
    assert empty("normalize", "--csv", str(path)).out.splitlines() == ANSWERS
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(VALUES.encode("gbk"))))
    assert empty("normalize", "--csv", "-").out.splitlines() == ANSWERS


def test_a_program_gets_the_rows_as_one_document(empty: Command, tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text(VALUES, encoding="utf-8")
    rows = empty("normalize", "--csv", str(path), "--json").json
    assert rows[0] == {
        "element": "phone_number", "raw": "138 0000 0001", "value": "13800000001", "status": "repaired", "issues": ["repaired"],
    }  # fmt: skip
    assert [row["value"] for row in rows] == ["13800000001", None, "1"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "values.csv is empty"),
        (b"\n\n", "values.csv is empty"),
        (b"name,sex\nx,1\n", "no column element and no column raw"),
        (b"element;raw\nsex_code;1\n", "its header line is: element;raw"),
        (b"element,raw,raw\nsex_code,1,1\n", "columns of one name: raw"),
        (b"element,raw,value,status,issues\nsex_code,1,1,valid,\n", "columns that this command adds: value, status, issues"),
        (b"element,raw\nsex_code,1\nsex_code\nsex_code,1,2\n", "2 rows have not the 2 cells of the header; lines: 3, 4"),
        (b'element,raw\nsex_code,1\nsex_code,"1\n', "line 3, is not CSV"),
        (bytes(range(256)) * 4, "is binary"),
        (workbook(), "is an Excel workbook (xlsx)"),
        (b"%PDF-1.7", "is a PDF document"),
        (gzip.compress(VALUES.encode(), mtime=0)[:20], "is a damaged gzip archive"),
    ],
)
def test_what_is_no_table_of_values_is_said_in_words(empty: Command, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "values.csv"
    path.write_bytes(content)
    answer = empty("normalize", "--csv", str(path))
    assert (answer.status, answer.out) == (2, "")
    assert words in answer.err
    assert "what to do: " in answer.err
    found = empty("normalize", "--csv", str(path), "--json")
    assert (found.status, found.json["error"]) == (2, "RequestError")


def test_a_path_that_is_no_file_is_said_in_words(empty: Command, tmp_path: Path) -> None:
    assert "is a folder" in empty("normalize", "--csv", str(tmp_path)).err
    assert "there is no file" in empty("normalize", "--csv", str(tmp_path / "none.csv")).err


def test_a_value_and_a_file_are_not_asked_for_together(empty: Command, tmp_path: Path) -> None:
    for arguments in (
        [],
        ["--element", "sex_code"],
        ["男"],
        ["--csv", str(tmp_path), "--element", "sex_code"],
        ["--csv", str(tmp_path), "男"],
    ):
        answer = empty("normalize", *arguments)
        assert (answer.status, "--csv FILE" in answer.err) == (2, True), arguments


def test_a_terminal_that_writes_another_encoding_is_understood(empty: Command) -> None:
    assert empty("normalize", "-e", "sex_code", "男".encode("gbk").decode("utf-8", "surrogateescape"), "--json").json["value"] == "1"


def test_a_date_is_read_by_a_declared_format_or_the_format_is_refused(empty: Command) -> None:
    assert empty("normalize", "-e", "birth_date", "1/2/1990", "-f", "%d/%m/%Y", "--json").json["value"] == "1990-02-01"
    assert empty("normalize", "-e", "birth_date", "1/2/1990", "-f", "%q", "--json").status == 2


def test_an_address_is_shown_in_its_parts(empty: Command) -> None:
    address = "杭州市西湖区文三路478号A座1203室"
    parts = empty("normalize", "--element", "residence_address", address, "--json").json["parts"]
    assert (parts["division_code"], parts["road"], parts["number"], parts["building"], parts["room"]) == (
        "330106",
        "文三路",
        "478号",
        "A座",
        "1203室",
    )
    shown = empty("normalize", "--element", "residence_address", address).out
    assert "文三路" in shown
    assert "parts" not in empty("normalize", "--element", "sex_code", "男", "--json").json
