"""A base table as a data contract of the Open Data Contract Standard (ODCS, Bitol, v3.1): its property list for other people's tools."""

from typing import Any

from standards.checks import Check, checks
from standards.model import DataElement, DataType, Schema, SchemaUse, Standards

API_VERSION = "v3.1.0"
_LOGICAL: dict[DataType, str] = {"string": "string", "date": "date", "integer": "integer", "decimal": "number"}
# The six dimensions of GB/T 36344 in the words of ODCS, which has none for accessibility.
_DIMENSIONS = {
    "normativity": "conformity",
    "completeness": "completeness",
    "accuracy": "accuracy",
    "consistency": "consistency",
    "timeliness": "timeliness",
}


def to_odcs(schema: Schema, standards: Standards) -> dict[str, Any]:
    """The contract document: one object, its properties in order, and the standard's checks as rules in words."""
    found = checks(schema, (rule for rule in standards.cross_rules if rule.schema_id == schema.id), standards)
    own: dict[str, list[Check]] = {}
    for check in found:
        own.setdefault("" if check.needs else check.element, []).append(check)
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"urn:govhub:standards:{schema.id}",
        "name": schema.table,
        "version": standards.version,
        "status": "active",
        "description": {"purpose": f"{schema.title.zh} / {schema.title.en}"},
        "schema": [
            {
                "name": schema.table,
                "physicalType": "table",
                "logicalType": "object",
                "businessName": schema.title.zh,
                "description": schema.title.en,
                "properties": [_property(use, schema, standards, own.get(use.element.id, [])) for use in schema.uses],
                "quality": [_rule(check, standards) for check in own.get("", [])],
            }
        ],
    }


def _property(use: SchemaUse, schema: Schema, standards: Standards, own: list[Check]) -> dict[str, Any]:
    element = use.element
    described: dict[str, Any] = {
        "name": element.id,
        "businessName": element.title.zh,
        "description": f"{element.definition.zh}。{element.definition.en}.",
        "logicalType": _LOGICAL[element.data_type],
        "required": use.required,
        "classification": element.classification,
        "tags": [element.title.en, *element.aliases],
    }
    if element.id in schema.identity:
        described |= {"primaryKey": True, "primaryKeyPosition": schema.identity.index(element.id) + 1}
    if options := _options(element):
        described["logicalTypeOptions"] = options
    described["customProperties"] = _custom(use, standards)
    if own:
        described["quality"] = [_rule(check, standards) for check in own]
    return described


def _options(element: DataElement) -> dict[str, Any]:
    if element.data_type == "date":
        return {"format": "yyyy-MM-dd"}
    if element.data_type != "string":
        return {}
    options = {"minLength": element.min_length, "maxLength": element.max_length, "pattern": element.pattern}
    return {key: value for key, value in options.items() if value is not None}


def _custom(use: SchemaUse, standards: Standards) -> list[dict[str, Any]]:
    element = use.element
    values = {
        "obligation": use.obligation,
        "standard": element.source.citation,
        "sureness": element.source.sureness,
        "grade": element.grade,
        "personalInformation": element.personal_information,
        "mask": element.mask,
        "askAt": element.help.authority.zh,
        "document": element.help.document.zh,
        "codeList": element.code_list,
        "codeListStandard": standards.code_lists[element.code_list].source.standard if element.code_list else None,
    }
    return [{"property": key, "value": value} for key, value in values.items() if value is not None]


def _rule(check: Check, standards: Standards) -> dict[str, Any]:
    issue = standards.issue_types[check.issue_type]
    cross = next((rule for rule in standards.cross_rules if rule.id == check.id), None)
    message = (cross or issue).message
    rule = {"name": check.id, "type": "text", "description": f"{message.zh} {message.en}", "severity": check.severity}
    return rule | ({"dimension": _DIMENSIONS[check.dimension]} if check.dimension in _DIMENSIONS else {})
