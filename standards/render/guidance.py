"""The page of the Excel template that says how to fill it in: the steps, then what each column means and how it is written."""

from collections.abc import Sequence
from typing import Any

from openpyxl.styles import Alignment, Font, PatternFill

from standards.model import Schema, SchemaUse, Standards
from standards.render.examples import shown_example
from standards.render.words import Words

STEPS = ("where", "must", "choose", "text", "empty", "paste", "after")
_COLUMNS = {"title": 26, "id": 30, "must": 8, "definition": 44, "form": 38, "example": 30, "help": 40, "class": 14, "source": 30}
_HEAD = PatternFill("solid", fgColor="0A5F8C")
_TOP = Alignment(vertical="top", wrap_text=True)


def add_guidance(book: Any, schemas: Sequence[Schema], standards: Standards, words: Words) -> None:
    """Add the page in one language."""
    t = words.t
    sheet = book.create_sheet(t("template.guidance"))
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.append([t("template.title", names=t("list.and").join(words.of(schema.title) for schema in schemas))])
    sheet["A1"].font = Font(bold=True, size=16)
    sheet.append([t("template.standard", version=standards.version)])
    sheet["A2"].font = Font(color="59646D")
    for number, step in enumerate(STEPS, start=1):
        sheet.append([f"{number}. {t(f'template.step.{step}')}"])
    for schema in schemas:
        _add_columns(sheet, schema, standards, words)
    for letter, width in zip("ABCDEFGHIJ", _COLUMNS.values(), strict=False):
        sheet.column_dimensions[letter].width = width


def _add_columns(sheet: Any, schema: Schema, standards: Standards, words: Words) -> None:
    sheet.append([])
    sheet.append([words.of(schema.title)])
    sheet.cell(sheet.max_row, 1).font = Font(bold=True, size=13)
    sheet.append([words.t(f"column.{name}") for name in _COLUMNS])
    for cell in sheet[sheet.max_row]:
        cell.fill, cell.font = _HEAD, Font(bold=True, color="FFFFFF")
    for use in schema.uses:
        sheet.append(_row(use, standards, words))
        for cell in sheet[sheet.max_row]:
            cell.alignment, cell.number_format = _TOP, "@"


def _must(use: SchemaUse, words: Words) -> str:
    """Whether a column must be filled in, or only should be since the standard makes it mandatory."""
    if use.required:
        return words.t("yes")
    return words.t("template.should") if use.obligation == "mandatory" else ""


def _row(use: SchemaUse, standards: Standards, words: Words) -> list[str]:
    element = use.element
    return [
        words.of(element.title),
        element.id,
        _must(use, words),
        words.of(element.definition),
        words.form(element, standards),
        shown_example(element, standards),
        words.help(element),
        words.t(f"class.{element.classification}"),
        words.source(element.source),
    ]
