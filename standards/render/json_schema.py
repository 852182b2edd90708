"""JSON Schema (2020-12) of one published record, for the exchange API and for editors."""

from typing import Any

from standards.model import CodeList, DataElement, Schema, Standards

JsonSchema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_CODES = 500  # a longer list would make the schema unreadable; the form of the code stands for it


def to_json_schema(schema: Schema, standards: Standards) -> JsonSchema:
    """The schema of one record: missing optional values are null or absent."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:govhub:standards:{standards.version}:{schema.id}",
        "title": f"{schema.title.zh} / {schema.title.en}",
        "type": "object",
        "properties": {use.element.id: _property(use.element, use.required, standards) for use in schema.uses},
        "required": [use.element.id for use in schema.uses if use.required],
        "additionalProperties": False,
    }


def _property(element: DataElement, required: bool, standards: Standards) -> JsonSchema:
    rules: JsonSchema = {"title": element.title.zh, "description": f"{element.title.en}. {element.definition.en}."}
    name = {"string": "string", "date": "string", "integer": "integer", "decimal": "string"}[element.data_type]
    rules["type"] = name if required else [name, "null"]
    if element.data_type == "date":
        rules["format"] = "date"
    for key, value in (("minLength", element.min_length), ("maxLength", element.max_length), ("pattern", element.pattern)):
        if value is not None:
            rules[key] = value
    if element.code_list is not None:
        rules |= _codes(standards.code_lists[element.code_list], required)
    return rules


def _codes(code_list: CodeList, required: bool) -> JsonSchema:
    codes = code_list.current
    return {"enum": [*codes] if required else [*codes, None]} if len(codes) <= MOST_CODES else {}
