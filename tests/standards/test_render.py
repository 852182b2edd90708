"""Every rendering of every schema: equal to its golden file, and right by the judgement of whoever reads that form."""

import json
import sqlite3
from functools import cache
from typing import Any

import psycopg
import pytest
from jsonschema import Draft202012Validator

from quality.render import TARGETS
from standards.loader import load_standards
from standards.model import DataElement, Schema
from standards.render.arrow import to_arrow
from standards.render.dcat import PREFIXES, to_dcat
from standards.render.ddl import column_comment, to_ddl
from standards.render.examples import example
from standards.render.json_schema import MOST_CODES, to_json_schema
from standards.render.odcs import to_odcs
from tests.golden.files import AGAIN, FOLDER, golden_files
from tests.standards.suites import odcs_validator, texts

STANDARDS = load_standards()
# The suite needs Great Expectations: its golden file is compared in tests/quality.
LIGHT = [name for name in TARGETS if name != "gx"]
every_schema = pytest.mark.parametrize("schema", STANDARDS.schemas.values(), ids=lambda schema: schema.id)


@cache
def rendered(target: str) -> dict[str, str]:
    return golden_files((target,))


@pytest.mark.slow
@every_schema
@pytest.mark.parametrize("target", LIGHT)
def test_a_rendering_is_its_golden_file(target: str, schema: Schema) -> None:
    (name,) = (name for name in rendered(target) if name.startswith(f"{schema.table}."))
    assert rendered(target)[name] == (FOLDER / name).read_text(encoding="utf-8"), AGAIN


def test_there_is_no_golden_file_of_something_else() -> None:
    expected = {name for target in LIGHT for name in rendered(target)} | {
        f"{schema.table}.gx.json" for schema in STANDARDS.schemas.values()
    }
    assert {path.name for path in FOLDER.glob("base_*")} == expected


@every_schema
def test_arrow_has_the_elements_in_order(schema: Schema) -> None:
    assert to_arrow(schema).names == [use.element.id for use in schema.uses]


@every_schema
def test_sqlite_takes_the_table_and_keeps_its_comments(schema: Schema) -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(to_ddl(schema, "sqlite"))
    (kept,) = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", [schema.table]).fetchone()
    first, *lines = kept.splitlines()
    assert first.endswith(f"-- {schema.title.zh}")
    assert [line.split(" -- ", 1)[1] for line in lines if " -- " in line] == [column_comment(use) for use in schema.uses]
    assert [row[1] for row in database.execute(f"PRAGMA table_info({schema.table})")] == to_arrow(schema).names
    database.close()


@pytest.mark.slow
@every_schema
def test_postgresql_takes_the_table_and_gives_its_comments_back(schema: Schema, postgresql_server: str) -> None:
    with psycopg.connect(postgresql_server) as connection:
        connection.execute("CREATE SCHEMA rendered")
        connection.execute("SET search_path TO rendered")
        connection.execute(to_ddl(schema, "postgresql").encode())
        table = connection.execute("SELECT obj_description(%s::regclass)", [schema.table]).fetchone()
        columns = connection.execute(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
            [schema.table],
        ).fetchall()
        connection.rollback()
    assert table == (schema.title.zh,)
    assert columns == [(use.element.id, column_comment(use)) for use in schema.uses]


def record(schema: Schema) -> dict[str, str | int | None]:
    """The example of every element."""
    texts = [(element, example(element, STANDARDS)) for element in schema.elements]
    return {element.id: int(text) if element.data_type == "integer" else text for element, text in texts}


@every_schema
def test_a_json_schema_takes_right_records_and_no_others(schema: Schema) -> None:
    rendered = to_json_schema(schema, STANDARDS)
    Draft202012Validator.check_schema(rendered)
    validator = Draft202012Validator(rendered, format_checker=Draft202012Validator.FORMAT_CHECKER)
    right = record(schema)
    assert list(validator.iter_errors(right)) == []
    assert list(validator.iter_errors({name: value for name, value in right.items() if name in rendered["required"]})) == []
    for use in schema.uses:
        name = use.element.id
        assert validator.is_valid(right | {name: None}) == (not use.required)
        assert not validator.is_valid(right | {name: [1]})
        assert validator.is_valid({key: value for key, value in right.items() if key != name}) == (not use.required)
        for wrong in wrong_values(use.element):
            (error,) = [
                item for item in validator.iter_errors(right | {name: wrong}) if item.validator in ("pattern", "enum", "maxLength")
            ][:1]
            assert list(error.path) == [name]
    assert not validator.is_valid(right | {"something_else": "1"})


def wrong_values(element: DataElement) -> list[str]:
    """Texts that the attributes of an element exclude."""
    too_long = ["1" * (element.max_length + 1)] if element.max_length and element.data_type == "string" else []
    no_code = ["不是代码"] if element.type == "code" and len(STANDARDS.code_lists[element.code_list or ""].current) <= MOST_CODES else []
    return too_long + no_code


@every_schema
def test_extensions_of_a_json_schema_say_what_the_standard_says(schema: Schema) -> None:
    for element, rules in zip(schema.elements, to_json_schema(schema, STANDARDS)["properties"].values(), strict=True):
        assert rules["x-title-en"] == element.title.en
        assert (rules["x-mask"], rules["x-grade"], rules["x-classification"]) == (element.mask, element.grade, element.classification)
        assert rules["x-source"]["sureness"] == element.source.sureness
        if element.code_list is None:
            continue
        code_list = STANDARDS.code_lists[element.code_list]
        assert rules["x-code-list"]["title"] == code_list.title.model_dump()
        if "enum" in rules:
            assert [code for code in rules["enum"] if code is not None] == list(code_list.current) == list(rules["x-code-titles"])


@every_schema
def test_what_the_standard_makes_mandatory_is_said_in_every_form(schema: Schema) -> None:
    mandatory = {use.element.id for use in schema.uses if use.obligation == "mandatory"}
    assert mandatory >= {use.element.id for use in schema.uses if use.required}
    rules = to_json_schema(schema, STANDARDS)["properties"]
    assert {name for name, rule in rules.items() if rule["x-obligation"] == "mandatory"} == mandatory
    properties = to_odcs(schema, STANDARDS)["schema"][0]["properties"]
    assert {
        item["name"] for item in properties if {"property": "obligation", "value": "mandatory"} in item["customProperties"]
    } == mandatory
    (dataset,) = (item for item in to_dcat([schema], STANDARDS)["@graph"] if item["@type"] == "dcat:Dataset")
    columns = dataset["dct:conformsTo"][-1]["csvw:column"]["@list"]
    assert {item["csvw:name"] for item in columns if "mandatory" in item["csvw:notes"][1]["@value"]} == mandatory
    assert {use.element.id for use in schema.uses if "标准规定必备" in column_comment(use)} == mandatory


@every_schema
def test_odcs_is_what_its_publisher_validates(schema: Schema) -> None:
    document = to_odcs(schema, STANDARDS)
    assert [item["name"] for item in document["schema"][0]["properties"]] == to_arrow(schema).names
    assert sorted(odcs_validator().iter_errors(document), key=str) == []


def test_the_dcat_catalog_has_what_dcat_ap_asks_for() -> None:
    """Mandatory by DCAT-AP 3.0.1: title, description and publisher of a catalog; title and description of a dataset; name of an agent."""
    catalog, *datasets = to_dcat(STANDARDS.schemas.values(), STANDARDS)["@graph"]
    assert [item["@id"] for item in catalog["dcat:dataset"]] == [dataset["@id"] for dataset in datasets]
    for node in (catalog, *datasets):
        for key in ("dct:title", "dct:description"):
            assert {text["@language"] for text in node[key] if text["@value"]} == {"zh", "en"}
        assert node["dct:publisher"]["@type"] == "foaf:Agent"
        assert node["dct:publisher"]["foaf:name"]
    for schema, dataset in zip(STANDARDS.schemas.values(), datasets, strict=True):
        table = dataset["dct:conformsTo"][-1]
        assert [column["csvw:name"] for column in table["csvw:column"]["@list"]] == to_arrow(schema).names
    used = {name.split(":")[0] for name in names_in([catalog, *datasets]) if ":" in name and not name.startswith(("urn:", "http"))}
    assert used == set(PREFIXES)


def test_the_dcat_catalog_conforms_to_the_public_shapes() -> None:
    """By the SHACL shapes of DCAT-AP 3.0.1, where pyshacl is installed; it is none of the hub's own packages."""
    pyshacl, rdflib = pytest.importorskip("pyshacl"), pytest.importorskip("rdflib")
    catalog = rdflib.Graph().parse(data=json.dumps(to_dcat(STANDARDS.schemas.values(), STANDARDS)), format="json-ld")
    for shapes in texts("dcat_ap_3.0.1_shacl_and_examples.tar.gz", "html/shacl/shapes.ttl", "html/shacl/range.ttl"):
        conforms, _, words = pyshacl.validate(catalog, shacl_graph=rdflib.Graph().parse(data=shapes, format="turtle"), advanced=True)
        assert conforms, words


def names_in(value: Any) -> set[str]:
    """Every key, type and reference of a JSON-LD document."""
    if isinstance(value, list):
        return {name for item in value for name in names_in(item)}
    if not isinstance(value, dict):
        return set()
    own = {key for key in value if not key.startswith("@")}
    types = value.get("@type", [])
    own |= {types} if isinstance(types, str) else set(types)
    return own | {value.get("@id", "")} | {name for item in value.values() for name in names_in(item)}
