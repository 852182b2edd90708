"""The Excel template that a department fills in: guidance in both languages, one sheet per schema, one sheet with the codes.

A data sheet has two header rows, the Chinese title and the element id; the id is what the generated contract reads. Every cell is text, so
that numbers keep their digits. Choices stand on a sheet of their own and are referred to, however long the list.
"""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from standards.model import DataElement, Schema, SchemaUse, Standards
from standards.render.choices import choices
from standards.render.examples import shown_example
from standards.render.guidance import add_guidance
from standards.render.words import Words

CODES_SHEET = "代码 Codes"
HEADER_ROWS = 2
LAST_ROW = 1_048_576
_FIRST_CHOICE = 4
_HEAD = PatternFill("solid", fgColor="0A5F8C")
_MUST = PatternFill("solid", fgColor="8A5A00")
_SHOULD = PatternFill("solid", fgColor="3E6B2F")
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Excel's own limits; a longer text makes it call the file damaged.
_LONGEST_TITLE, _LONGEST_MESSAGE = 32, 255


def to_workbook(schemas: Sequence[Schema], standards: Standards) -> bytes:
    """The workbook as a file; the same standard gives the same bytes."""
    book = Workbook()
    book.remove(book.active)
    for language in ("zh", "en"):
        add_guidance(book, schemas, standards, Words(language))
    data = [(schema, book.create_sheet(schema.title.zh)) for schema in schemas]
    places = _add_codes(book.create_sheet(CODES_SHEET), schemas, standards)
    for schema, sheet in data:
        _add_data(sheet, schema, standards, places)
    return _same_bytes(book)


def _add_data(sheet: Any, schema: Schema, standards: Standards, places: dict[str, str]) -> None:
    sheet.freeze_panes = f"B{HEADER_ROWS + 1}"
    sheet.print_title_rows = f"1:{HEADER_ROWS}"
    sheet.page_setup.orientation = "landscape"
    for place, use in enumerate(schema.uses, start=1):
        letter = get_column_letter(place)
        element = use.element
        mark, fill = _marking(use)
        sheet[f"{letter}1"] = element.title.zh + mark
        sheet[f"{letter}2"] = element.id
        sheet[f"{letter}1"].fill = fill
        sheet[f"{letter}1"].font = Font(bold=True, color="FFFFFF")
        sheet[f"{letter}2"].font = Font(size=9, color="59646D")
        sheet[f"{letter}1"].alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[letter].number_format = "@"
        sheet.column_dimensions[letter].width = _width(element)
        sheet.add_data_validation(_validation(use, letter, standards, places))
    sheet.row_dimensions[1].height = 32


def _marking(use: SchemaUse) -> tuple[str, PatternFill]:
    """What stands behind the title, and the color of its cell: what must be there, what the standard asks for, and the rest."""
    if use.required:
        return "（必填）", _MUST
    return ("（应填）", _SHOULD) if use.obligation == "mandatory" else ("", _HEAD)


def _width(element: DataElement) -> int:
    """Wide enough for the title, the id and an ordinary value."""
    return max(2 * len(element.title.zh) + 2, len(element.id) + 2, 28 if element.code_list else min(max(element.max_length or 0, 14), 36))


def _validation(use: SchemaUse, letter: str, standards: Standards, places: dict[str, str]) -> DataValidation:
    """The drop-down or the length, and the message that appears when a cell is chosen. It warns: a paste may know better."""
    element, words = use.element, Words("zh")
    found = DataValidation(**_rule(element, places), allow_blank=True, errorStyle="warning")
    parts = [element.definition.zh, words.form(element, standards), words.t("form.example", value=shown_example(element, standards))]
    found.promptTitle = element.title.zh[:_LONGEST_TITLE]
    found.prompt = "\n".join(parts)[:_LONGEST_MESSAGE]
    found.errorTitle = element.title.zh[:_LONGEST_TITLE]
    found.error = words.t("template.unusual", form=words.form(element, standards))[:_LONGEST_MESSAGE]
    found.showInputMessage = found.showErrorMessage = True
    found.add(f"{letter}{HEADER_ROWS + 1}:{letter}{LAST_ROW}")
    return found


def _rule(element: DataElement, places: dict[str, str]) -> dict[str, Any]:
    if element.code_list is not None:
        return {"type": "list", "formula1": places[element.code_list]}
    least, most = (10, 10) if element.data_type == "date" else (element.min_length or 0, element.max_length)
    return {"type": "textLength", "operator": "between", "formula1": str(least), "formula2": str(most)} if most else {}


def _add_codes(sheet: Any, schemas: Iterable[Schema], standards: Standards) -> dict[str, str]:
    """One column per code list; returns where the choices of each stand."""
    elements = {use.element.code_list: use.element for schema in schemas for use in schema.uses if use.element.code_list}
    places = {}
    sheet.freeze_panes = f"A{_FIRST_CHOICE}"
    for place, (name, element) in enumerate(sorted(elements.items()), start=1):
        letter = get_column_letter(place)
        code_list = standards.code_lists[name]
        offered = list(choices(element, standards))
        for row, text in enumerate((code_list.title.zh, code_list.title.en, name, *offered), start=1):
            sheet[f"{letter}{row}"] = text
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet[f"{letter}2"].font = sheet[f"{letter}3"].font = Font(size=9, color="59646D")
        sheet.column_dimensions[letter].width = min(48, 4 + 2 * max(map(len, offered)))
        places[name] = f"{quote_sheetname(CODES_SHEET)}!${letter}${_FIRST_CHOICE}:${letter}${_FIRST_CHOICE + len(offered) - 1}"
    return places


def _same_bytes(book: Workbook) -> bytes:
    """The saved workbook without the time of day, which would make every file another one."""
    saved, stable = BytesIO(), BytesIO()
    book.save(saved)
    with ZipFile(saved) as old, ZipFile(stable, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", content)
            new.writestr(ZipInfo(name, _EPOCH), content, ZIP_DEFLATED)
    return stable.getvalue()
