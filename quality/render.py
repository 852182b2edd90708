"""Every form into which the standard can be rendered, by name: one pure function each, and the files it makes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import yaml

from contracts.template import to_contract
from quality.gx_suite import to_gx
from standards.checks import checks
from standards.model import Schema, Standards
from standards.render.arrow import to_arrow
from standards.render.dcat import to_dcat
from standards.render.ddl import to_ddl
from standards.render.dictionary import to_dictionary
from standards.render.json_schema import to_json_schema
from standards.render.odcs import to_odcs
from standards.render.text import to_json_text
from standards.render.workbook import to_workbook

Files = dict[str, str | bytes]
Render = Callable[[Sequence[Schema], Standards], Files]


@dataclass(frozen=True)
class Target:
    """One form: what it is for, its files by name, and whether these are texts that can be printed one after the other."""

    title: str
    render: Render
    is_text: bool = True


def _each(suffix: str, text: Callable[[Schema, Standards], str]) -> Render:
    """One file per schema, named after its table."""
    return lambda schemas, standards: {f"{schema.table}{suffix}": text(schema, standards) for schema in schemas}


def _name(schemas: Iterable[Schema], suffix: str) -> str:
    """The name of one file over several schemas."""
    tables = [schema.table for schema in schemas]
    return (tables[0] if len(tables) == 1 else "base_tables") + suffix


def _to_checks(schema: Schema, standards: Standards) -> str:
    rules = [rule for rule in standards.cross_rules if rule.schema_id == schema.id]
    return to_json_text([asdict(check) for check in checks(schema, rules, standards)])


def _to_yaml(document: object) -> str:
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=140)
    return text


TARGETS: dict[str, Target] = {
    "arrow": Target("Arrow schema of the published table", _each(".arrow.txt", lambda schema, _: to_arrow(schema).to_string() + "\n")),
    "sqlite": Target("CREATE TABLE for SQLite, with comments", _each(".sqlite.sql", lambda schema, _: to_ddl(schema, "sqlite"))),
    "postgresql": Target(
        "CREATE TABLE for PostgreSQL, with comments", _each(".postgresql.sql", lambda schema, _: to_ddl(schema, "postgresql"))
    ),
    "json-schema": Target(
        "JSON Schema 2020-12 of one record",
        _each(".schema.json", lambda schema, standards: to_json_text(to_json_schema(schema, standards))),
    ),
    "checks": Target("the checks, without an engine", _each(".checks.json", _to_checks)),
    "gx": Target("Great Expectations suite", _each(".gx.json", lambda schema, standards: to_json_text(to_gx(schema, standards)))),
    "excel": Target(
        "Excel template that a department fills in",
        lambda schemas, standards: {_name(schemas, ".xlsx"): to_workbook(schemas, standards)},
        is_text=False,
    ),
    "contract": Target(
        "data contract that reads the filled-in template",
        _each(".contract.yml", lambda schema, standards: _to_yaml(to_contract(schema, standards, f"{schema.table}.xlsx"))),
    ),
    "odcs": Target("Open Data Contract Standard 3.1", _each(".odcs.yaml", lambda schema, standards: _to_yaml(to_odcs(schema, standards)))),
    "dcat": Target(
        "DCAT-AP 3 catalog as JSON-LD",
        lambda schemas, standards: {_name(schemas, ".dcat.jsonld"): to_json_text(to_dcat(schemas, standards))},
    ),
    "dictionary": Target("data dictionary, a small site of all schemas", lambda _, standards: {**to_dictionary(standards)}, is_text=False),
}
