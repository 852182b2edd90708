"""The standard against the facts it was made from: every proposed field of the base tables, and every code list row for row.

The facts lie beside the repository (`../shared/standards`); without them nothing here runs.
"""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from standards.loader import FOLDER, load_standards
from standards.model import CodeList, DataElement
from standards.single import find_element

FACTS = FOLDER.parent.parent / "shared" / "standards"
STANDARDS = load_standards()
KNOWN: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("facts.yml").read_text(encoding="utf-8"))
NOTHING = [pytest.param({}, marks=pytest.mark.skip(reason=f"the facts of the standards are not there: {FACTS.name}"), id="no-facts")]


def rows(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def fields() -> list[Any]:
    if not FACTS.exists():
        return NOTHING
    return [pytest.param(row, id=f"{row['table']}.{row['identifier']}") for row in rows("base_fields.csv")]


def lists() -> list[Any]:
    return [pytest.param(row, id=row["file"]) for row in rows("lists_index.csv")] if FACTS.exists() else NOTHING


def element_of(field: dict[str, str]) -> DataElement:
    """The element of a field: by its table and name, or by its name alone where that is not ambiguous."""
    qualified = f"{field['table']}.{field['identifier']}"
    known = {name for element in STANDARDS.elements.values() for name in element.aliases}
    return find_element(STANDARDS, qualified if qualified in known else field["identifier"])


def longest(element: DataElement) -> int | None:
    """The most characters a value of the element can have."""
    if element.type == "date":
        return len("2000-01-01")
    if element.code_list is not None:
        return max(len(code) for code in STANDARDS.code_lists[element.code_list].current)
    return element.max_length


@pytest.mark.parametrize("field", fields())
def test_every_field_is_an_element_of_its_schema(field: dict[str, str]) -> None:
    element = element_of(field)
    use = STANDARDS.schemas[field["table"]].use(element.id)
    assert use is not None
    assert use.obligation == ("mandatory" if field["required"] == "1" else "optional")
    reasons = KNOWN["departures"].get(f"{field['table']}.{field['identifier']}", {})
    assert ("length" in reasons) == (longest(element) != int(field["max_length"]) and not _shorter_codes(element, field)), longest(element)
    named = Path(field["code_list"]).stem if field["code_list"].endswith(".csv") else ""
    expected = KNOWN["lists"].get(named, named) or None
    if not field["code_list"] or named:
        assert ("code_list" in reasons) == (element.code_list != expected), element.code_list
    else:
        codes = {part.split(" ")[0] for part in field["code_list"].split("|")} - {"…"}
        assert element.code_list is not None
        assert codes <= set(STANDARDS.code_lists[element.code_list].current)
    expected_kind = field["sensitivity"].split(" ")[0].split(",")[0]
    assert ("classification" in reasons) == (element.classification != expected_kind), element.classification
    assert "sensitive" not in field["sensitivity"] or element.personal_information == "sensitive"


def _shorter_codes(element: DataElement, field: dict[str, str]) -> bool:
    """Codes may be shorter than the field: 1 and 2 stand in a field of two characters."""
    return element.code_list is not None and (longest(element) or 0) <= int(field["max_length"])


def test_no_two_fields_of_a_table_are_one_element() -> None:
    if not FACTS.exists():
        pytest.skip(f"the facts of the standards are not there: {FACTS.name}")
    found = [(field["table"], element_of(field).id) for field in rows("base_fields.csv")]
    assert len(set(found)) == len(found) == 118
    others = {element.id for name in KNOWN["beyond_schemas"] for element in STANDARDS.schemas[name].elements}
    assert {name for _, name in found} | others | set(KNOWN["beyond"]) == set(STANDARDS.elements)


@pytest.mark.parametrize("entry", lists())
def test_every_list_is_there_row_for_row(entry: dict[str, str]) -> None:
    given, name = rows(entry["file"]), Path(entry["file"]).stem
    assert len(given) == int(entry["rows"])
    for row in given:
        code_list = STANDARDS.code_lists[_list(name, row)]
        key = _key(name, row, code_list)
        if key is None:
            continue
        code = next(code for code in code_list.codes if code.code == key)
        assert _names(row, name) & {code.title.zh, *code.aliases, *code.attributes.values()}, key
        assert row.get("parent", "") == code.parent or not row.get("parent"), key
    code_list = STANDARDS.code_lists[KNOWN["lists"].get(name, name)]
    doubtful = any(word in entry["verification"] for word in ("single", "memory", "one source", "except", "inferred", "partly"))
    marked = code_list.source.sureness != "verified" or any(code.sureness for code in code_list.codes)
    assert marked or not doubtful or code_list.id in KNOWN["sure"]


def _list(name: str, row: dict[str, str]) -> str:
    """Our list of a row."""
    other = KNOWN["elsewhere"].get(name)
    if other is not None and row[other["column"]] == other["value"]:
        return str(other["list"])
    return str(KNOWN["lists"].get(name, name))


def _key(name: str, row: dict[str, str], code_list: CodeList) -> str | None:
    """The code under which a row stands in our list; None for a row without a code or a name."""
    column = KNOWN["keys"].get(name, "code")
    if column == "name":
        return next(code.code for code in code_list.codes if code.title.zh == row[KNOWN["names"][name]].split(" (")[0])
    key = "".join(row[part] for part in column.split("+"))
    return key if key and _names(row, name) else None


def _names(row: dict[str, str], name: str) -> set[str]:
    return {row[KNOWN["names"].get(name, "name")].split(" (")[0]} - {""}


def test_every_division_there_ever_was_is_there() -> None:
    if not FACTS.exists():
        pytest.skip(f"the facts of the standards are not there: {FACTS.name}")
    given = [
        (row["code"], row["name"], row["level"], row["parent"], row["valid_from"], row["valid_to"], row["successors"])
        for row in rows("divisions.csv")
    ]
    ours = [
        (code.code, code.title.zh, code.level, code.parent, code.valid_from, code.valid_to, ";".join(code.successors))
        for code in STANDARDS.code_lists["division"].codes
    ]
    assert [one for one, other in zip(ours, given, strict=True) if one != other] == [tuple(row) for row in KNOWN["divisions"]]
    single = {row["code"] for row in rows("divisions.csv") if "quhua" in row["source"]}
    assert {code.code for code in STANDARDS.code_lists["division"].codes if code.sureness == "single"} == single
    others = {code.code for code in STANDARDS.code_lists["division_alternative"].codes}
    assert others == {row["code"] for row in rows("divisions_alt.csv")}
