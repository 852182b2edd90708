"""JSON Schema (2020-12) of one published record, for the exchange API and for editors.

What the dialect has no word for stands under keywords that begin with `x-`, which validators pass over: both titles, the source and how sure
it is, whether the standard makes it mandatory, the class, the mask, and the code list with the titles of its codes.
"""

from typing import Any

from standards.model import CodeList, DataElement, Schema, SchemaUse, Standards

JsonSchema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_CODES = 500  # a longer list would make the schema unreadable; the form of the code stands for it
_NAMES = {"string": "string", "date": "string", "integer": "integer", "decimal": "string"}


def to_json_schema(schema: Schema, standards: Standards) -> JsonSchema:
    """The schema of one record: missing optional values are null or absent."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:govhub:standards:{standards.version}:{schema.id}",
        "title": f"{schema.title.zh} / {schema.title.en}",
        "type": "object",
        "properties": {use.element.id: _property(use, standards) for use in schema.uses},
        "required": [use.element.id for use in schema.uses if use.required],
        "additionalProperties": False,
        "x-table": schema.table,
        "x-identity": list(schema.identity),
    }


def _property(use: SchemaUse, standards: Standards) -> JsonSchema:
    element, required = use.element, use.required
    name = _NAMES[element.data_type]
    rules: JsonSchema = {
        "title": element.title.zh,
        "description": element.definition.zh,
        "type": name if required else [name, "null"],
    }
    if element.data_type == "date":
        rules["format"] = "date"
    # Lengths and patterns are those of the text; a number has neither.
    if name == "string":
        limits = {"minLength": element.min_length, "maxLength": element.max_length, "pattern": element.pattern}
        rules |= {key: value for key, value in limits.items() if value is not None}
    if element.code_list is not None:
        rules |= _codes(standards.code_lists[element.code_list], required)
    return rules | {"x-obligation": use.obligation} | _extensions(element)


def _codes(code_list: CodeList, required: bool) -> JsonSchema:
    named: JsonSchema = {
        "x-code-list": {
            "id": code_list.id,
            "title": code_list.title.model_dump(),
            "source": code_list.source.model_dump(exclude_defaults=True),
        }
    }
    current = [code for code in code_list.codes if code.is_current]
    if len(current) > MOST_CODES:
        return named
    codes = [code.code for code in current]
    titles = {code.code: code.title.model_dump(exclude_defaults=True) for code in current}
    return {"enum": codes if required else [*codes, None], **named, "x-code-titles": titles}


def _extensions(element: DataElement) -> JsonSchema:
    return {
        "x-title-en": element.title.en,
        "x-description-en": element.definition.en,
        "x-source": element.source.model_dump(exclude_defaults=True),
        "x-classification": element.classification,
        "x-grade": element.grade,
        "x-personal-information": element.personal_information,
        "x-mask": element.mask,
        "x-help": element.help.model_dump(),
    }
