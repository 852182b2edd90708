"""Workbooks that tests make: of Excel by a library, of OpenDocument as texts, since no library writes all that programs do."""

import zipfile

import openpyxl

from connectors.files import workbook_pieces


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


def cut_all(monkeypatch) -> None:
    """Sheets are large from the first byte, and a piece has a row or two."""
    for name, value in {"LARGE": 0, "PIECE": 100, "_BLOCK": 64}.items():
        monkeypatch.setattr(workbook_pieces, name, value)
