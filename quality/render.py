"""Every form into which a schema can be rendered, by name."""

import json
from collections.abc import Callable
from dataclasses import asdict

from quality.suites import expectation
from standards.checks import checks
from standards.model import Schema, Standards
from standards.render.arrow import to_arrow
from standards.render.ddl import to_ddl
from standards.render.dictionary import to_dictionary
from standards.render.json_schema import to_json_schema


def _to_checks(schema: Schema, standards: Standards) -> str:
    return json.dumps([asdict(check) for check in checks(schema, standards.cross_rules, standards)], ensure_ascii=False, indent=1)


def _to_gx(schema: Schema, standards: Standards) -> str:
    """The suite in Great Expectations' own JSON; the query of a shared expression is filled in when a batch is validated."""
    found = [expectation(check, f"/* {check.id} */ false") for check in checks(schema, standards.cross_rules, standards)]
    return json.dumps([item.configuration.to_json_dict() for item in found], ensure_ascii=False, indent=1)


RENDERERS: dict[str, Callable[[Schema, Standards], str]] = {
    "arrow": lambda schema, _: str(to_arrow(schema)),
    "sqlite": lambda schema, _: to_ddl(schema, "sqlite"),
    "postgresql": lambda schema, _: to_ddl(schema, "postgresql"),
    "json-schema": lambda schema, standards: json.dumps(to_json_schema(schema, standards), ensure_ascii=False, indent=1),
    "checks": _to_checks,
    "gx": _to_gx,
    "dictionary": lambda _, standards: to_dictionary(standards),
}
