"""The contract for a filled-in Excel template: each column is the element of its name, and choices are translated back into codes."""

from typing import Any

from standards.model import Schema, SchemaUse, Standards
from standards.render.choices import lookup

DEPARTMENT = {"id": "my_department", "title": {"zh": "填报部门", "en": "Department that fills it in"}}


def to_contract(schema: Schema, standards: Standards, path: str) -> dict[str, Any]:
    """The contract document that reads the schema's sheet of the workbook `path`; a person puts in department and connection."""
    return {
        "id": f"{DEPARTMENT['id']}__{schema.id}",
        "title": schema.title.model_dump(),
        "department": DEPARTMENT,
        "feeds": [schema.id],
        "source": {"kind": "xlsx", "connection": "templates", "path": path, "sheet": schema.title.zh},
        # A template names no serial number; without one a changed row is another record.
        "record_key": "*",
        "columns": {use.element.id: _column(use, standards) for use in schema.uses},
    }


def _column(use: SchemaUse, standards: Standards) -> Any:
    element = use.element
    translation = lookup(element, standards)
    return {"element": element.id, "lookup": translation} if translation else element.id
