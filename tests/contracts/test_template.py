"""The Excel template: what is in it holds together, and a filled-in one reads back through its contract to the values that were meant."""

from collections import defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.datavalidation import DataValidation

from connectors.extract import extract
from contracts.loader import contract_from_document
from contracts.model import ElementSource
from contracts.template import to_contract
from core.connections import Connections
from standards.loader import load_standards
from standards.model import DataElement, Schema
from standards.render.choices import choices, lookup
from standards.render.examples import example
from standards.render.workbook import HEADER_ROWS, to_workbook
from standards.single import normalize_values
from tests.connectors.helpers import consume
from tests.standards.behavior import behavior

pytestmark = pytest.mark.slow
STANDARDS = load_standards()
CODED = {element.code_list: element for element in STANDARDS.elements.values() if element.code_list}
ALL = list(STANDARDS.schemas.values())
every_schema = pytest.mark.parametrize("schema", STANDARDS.schemas.values(), ids=lambda schema: schema.id)


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(BytesIO(content))


def offered(book: Any, rule: DataValidation) -> list[str]:
    """What a drop-down shows: the cells that it refers to."""
    sheet, cells = str(rule.formula1).rsplit("!", 1)
    column, first, _, last = range_boundaries(cells.replace("$", ""))
    return [book[sheet.strip("'")].cell(row, column).value for row in range(first, last + 1)]


@pytest.mark.long
def test_the_same_standard_gives_the_same_bytes() -> None:
    schemas = list(STANDARDS.schemas.values())
    assert to_workbook(schemas, STANDARDS) == to_workbook(schemas, STANDARDS)


def test_one_workbook_has_a_sheet_for_each_schema() -> None:
    book = opened(to_workbook(list(STANDARDS.schemas.values()), STANDARDS))
    assert {schema.title.zh for schema in STANDARDS.schemas.values()} < set(book.sheetnames)
    assert all(len(name) <= 31 for name in book.sheetnames)


@every_schema
def test_every_column_is_text_with_a_message_and_the_choices_of_its_list(schema: Schema) -> None:
    book = opened(to_workbook([schema], STANDARDS))
    sheet = book[schema.title.zh]
    assert [cell.value for cell in sheet[HEADER_ROWS]] == [element.id for element in schema.elements]
    rules = {str(rule.sqref).split(":")[0].rstrip("0123456789"): rule for rule in sheet.data_validations.dataValidation}
    for cell, use in zip(sheet[HEADER_ROWS], schema.uses, strict=True):
        rule = rules[cell.column_letter]
        assert sheet.column_dimensions[cell.column_letter].number_format == "@"
        # Excel calls a file with longer ones damaged.
        assert len(rule.promptTitle) <= 32
        assert len(rule.prompt) <= 255
        assert len(rule.error) <= 255
        assert use.element.definition.zh[:20] in rule.prompt
        assert (rule.type == "list") == (use.element.code_list is not None)
        if rule.type == "list":
            assert offered(book, rule) == list(choices(use.element, STANDARDS))
        assert ("必填" in sheet.cell(1, cell.column).value) == use.required
        assert ("应填" in sheet.cell(1, cell.column).value) == (use.obligation == "mandatory" and not use.required)


@every_schema
def test_the_guidance_names_every_column_in_both_languages(schema: Schema) -> None:
    book = opened(to_workbook([schema], STANDARDS))
    for name, language in (("填写说明", "zh"), ("Guidance", "en")):
        rows = {row[1]: row for row in book[name].iter_rows(values_only=True) if row[1] in STANDARDS.elements}
        for use in schema.uses:
            row = rows[use.element.id]
            assert row[0] == getattr(use.element.title, language)
            assert bool(row[2]) == (use.required or use.obligation == "mandatory")
            assert row[3] == getattr(use.element.definition, language)
            assert row[5]


@pytest.mark.parametrize("element", CODED.values(), ids=CODED)
def test_every_choice_stands_for_its_code(element: DataElement) -> None:
    """Also where a name alone would not do: there are two 朝阳区."""
    offers = choices(element, STANDARDS)
    current = STANDARDS.code_lists[element.code_list or ""].current
    assert list(offers.values()) == list(current)
    found = normalize_values(STANDARDS, element.id, list(offers), lookup=lookup(element, STANDARDS))
    assert [answer.value for answer in found] == list(current)


def filled(schema: Schema, rows: list[dict[str, str]], folder: Path) -> None:
    """Fill the template as a person would: chosen texts in the drop-downs."""
    book = opened(to_workbook([schema], STANDARDS))
    sheet = book[schema.title.zh]
    for column, element in enumerate(schema.elements, start=1):
        chosen = {code: choice for choice, code in choices(element, STANDARDS).items()}
        for line, row in enumerate(rows, start=HEADER_ROWS + 1):
            sheet.cell(line, column).value = chosen.get(row[element.id], row[element.id])
    book.save(folder / f"{schema.table}.xlsx")


@pytest.mark.parametrize("schemas", [pytest.param(ALL[1:3], id="two"), pytest.param(ALL, id="all", marks=pytest.mark.long)])
def test_filled_templates_read_back(tmp_path: Path, schemas: list[Schema]) -> None:
    """Columns that are read alike are read together: the statements that read them take longer to make than to run."""
    alike: dict[object, list[tuple[ElementSource, str, str | None, str]]] = defaultdict(list)
    for schema in schemas:
        rows = [meant(schema, number) for number in range(20)]
        for name, source, texts in read_back(schema, rows, tmp_path):
            given = [(source, name, text, row[name]) for text, row in zip(texts, rows, strict=True)]
            element = STANDARDS.elements[name]
            lengths = (element.min_length, element.max_length)
            alike[behavior(element), lengths, source.formats, tuple(source.lookup.items())].extend(given)
    for cells in alike.values():
        source, name, *_ = cells[0]
        found = normalize_values(STANDARDS, name, [text for _, _, text, _ in cells], source.formats, source.lookup)
        # An example that is no standard value is corrected in standards/render/examples.yml.
        answers = [(answer.value, {*answer.issues} - {"repaired"}) for answer in found]
        assert [(cell[1], *answer) for cell, answer in zip(cells, answers, strict=True)] == [(cell[1], cell[3], set()) for cell in cells]


def read_back(schema: Schema, rows: list[dict[str, str]], folder: Path) -> Iterator[tuple[str, ElementSource, list[str | None]]]:
    """Each column of a filled template, as its contract reads it."""
    filled(schema, rows, folder)
    contract = contract_from_document(to_contract(schema, STANDARDS, f"{schema.table}.xlsx"), STANDARDS, file="rendered")
    delivery = consume(extract(contract, Connections({"HUB_CONNECTION_TEMPLATES": folder.as_uri()}, Path("none.yml"))))
    assert (len(delivery.rows), delivery.unreadable) == (len(rows), {})
    assert contract.elements.keys() == {element.id for element in schema.elements}
    for name, source in contract.elements.items():
        yield name, source, delivery.values(source.column)


def meant(schema: Schema, number: int) -> dict[str, str]:
    """The standard values of one made-up record: codes from all over their lists."""
    record = {element.id: example(element, STANDARDS) for element in schema.elements}
    for element in schema.elements:
        if element.code_list is not None:
            codes = STANDARDS.code_lists[element.code_list].current
            record[element.id] = codes[number * len(codes) // 20]
    return record
