"""What a file is that nobody has described: text or workbook, delimiter, header."""

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from connectors.files.preview import Preview, preview
from contracts.model import WHOLE_ROW, Contract
from contracts.proposal.vocabulary import load_vocabulary
from contracts.sources import CsvSource, FixedWidthSource
from core.connections import load_connections
from core.errors import SourceError
from standards.loader import load_standards
from tests.connectors.helpers import Drop

ROWS = "91110000101908915L,甲有限公司,2024-01-01\n91110000101908915L,乙有限公司,2024-01-02\n"


def looked(path: Path, sheet: str | None = None) -> Preview:
    source = CsvSource(kind="csv", connection="drop", path=path.name)
    contract = Contract.model_construct(id="propose", source=source, record_key=(WHOLE_ROW,), columns={})
    return preview(contract, path, load_connections(), sheet, load_vocabulary(load_standards()))


def written(folder: Path, text: str, encoding: str = "utf-8") -> Preview:
    path = folder / "t.csv"
    path.write_text(text, encoding=encoding)
    return looked(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("统一社会信用代码,企业名称,成立日期\n" + ROWS, {"header": True, "header_row": None}),
        ("企业名单（2024年）,,\n\n统一社会信用代码,企业名称,成立日期\n" + ROWS, {"header": True, "header_row": 3}),
        (ROWS, {"header": False, "header_row": None}),
        ("aaa,bbb,ccc\n" + ROWS, {"header": True, "header_row": None}),
        (("统一社会信用代码,企业名称,成立日期\n" + ROWS).replace(",", "\t"), {"delimiter": "\t", "header": True}),
        (("统一社会信用代码,企业名称,成立日期\n" + ROWS).replace(",", ";"), {"delimiter": ";", "header": True}),
        ("企业名称\n甲有限公司\n乙有限公司\n", {"delimiter": ",", "header": True}),
    ],
)
def test_text(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    found = written(tmp_path, text, "gb18030").source.model_dump()
    assert {key: found[key] for key in expected} == expected


def test_titles_above_the_header_are_kept(tmp_path: Path) -> None:
    assert written(tmp_path, "企业名单,Unnamed: 1\n企业名称,行业\n甲,乙\n").titles == ("企业名单",)


def test_a_workbook_under_another_name_is_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["不动产登记信息"])
    book.active.append(["权利人", "坐落"])
    book.active.append(["甲", "某路1号"])
    book.create_sheet("空")
    with (tmp_path / "t.csv").open("wb") as file:
        book.save(file)
    found = looked(tmp_path / "t.csv")
    assert (found.source.kind, found.source.header_row, found.titles) == ("xlsx", 2, ("不动产登记信息",))
    with pytest.raises(SourceError, match="empty"):
        looked(tmp_path / "t.csv", "空")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"\x89PNG"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SourceError):
        looked(tmp_path / "t.csv")


@pytest.mark.parametrize("declared", ["GB18030", "GBK", "GB2312", "Big5", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_document_may_be_in_any_encoding_that_its_reader_knows(tmp_path: Path, declared: str) -> None:
    (tmp_path / "t.xml").write_bytes(f'<?xml version="1.0" encoding="{declared}"?><l>{"<行><名>中文</名></行>" * 2}</l>'.encode(declared))
    assert looked(tmp_path / "t.xml").source.model_dump()["record"] == "行"


def test_a_document_with_entities_is_refused_as_its_reader_does(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_text('<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "x">]><l><r><n>1</n></r><r><n>2</n></r></l>')
    with pytest.raises(SourceError, match="declares a document type") as caught:
        looked(tmp_path / "t.xml")
    assert caught.value.hint == "ask the department for the document without a DOCTYPE"


def test_the_first_file_of_an_archive_is_looked_at(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as packed:
        packed.writestr("b.csv", "企业名称\t行业\n甲\t乙\n")
        packed.writestr("c.csv", "企业名称\t行业\n甲\t乙\n")
    assert looked(tmp_path / "t.zip").source.model_dump()["delimiter"] == "\t"
    (tmp_path / "t.zip").write_bytes((tmp_path / "t.zip").read_bytes()[:-9])
    with pytest.raises(SourceError, match="is a damaged zip archive"):
        looked(tmp_path / "t.zip")


def test_a_line_of_another_width_than_those_looked_at_is_refused_and_not_misread(drop: Drop) -> None:
    """Where all names are equally long, nothing tells whether places count characters or bytes."""
    lines = [f"{name}  110101 {number}\n" for number, name in enumerate(("张三", "李四", "王五", "赵六", "孙七"))]
    source = looked(drop.put("a.txt", "".join(lines).encode("gb18030"))).source
    assert isinstance(source, FixedWidthSource)
    drop.put("a.txt", "".join([*lines, "欧阳八  110101 5\n"]).encode("gb18030"))
    fields = [field.model_dump() for field in source.fields]
    delivery = drop.read(["1", "2", "3"], "a.txt", "fixed", fields=fields, line_width=source.line_width)
    assert delivery.values("2") == ["110101"] * 5
    assert delivery.unreadable == {6: "the line has 13 characters, not 12"}
