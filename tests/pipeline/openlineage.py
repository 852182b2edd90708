"""What the OpenLineage specification (2-0-2, with its facets for schema, statistics and errors) asks of an event, written from its text.

The specification itself is in no package that is installed here, so this is the check of its facts: which attributes there must be, of which
form, and that every facet names its producer and its schema.
"""

from typing import Any

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_URI: dict[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"}
_FACET: dict[str, Any] = {
    "type": "object",
    "required": ["_producer", "_schemaURL"],
    "properties": {
        "_producer": _URI,
        "_schemaURL": {"type": "string", "pattern": r"^https://openlineage\.io/spec/facets/.+\.json#/\$defs/"},
    },
}


def _facet(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"allOf": [_FACET, {"required": required, "properties": properties}]}


_FIELDS = {
    "type": "array",
    "items": {"type": "object", "required": ["name"], "properties": {"name": _TEXT, "type": {"type": "string"}}},
}
_COUNT = {"rowCount": {"type": "integer", "minimum": 0}}


def _dataset(place: str, statistics: str) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["namespace", "name"],
            "properties": {
                "namespace": _TEXT,
                "name": _TEXT,
                "facets": {"additionalProperties": _FACET, "properties": {"schema": _facet([], fields=_FIELDS)}},
                place: {"additionalProperties": _FACET, "properties": {statistics: _facet([], **_COUNT)}},
            },
        },
    }


_ERROR = _facet(["message", "programmingLanguage"], message=_TEXT, programmingLanguage=_TEXT)
RUN_EVENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"},
        "producer": _URI,
        "schemaURL": {"type": "string", "pattern": r"^https://openlineage\.io/spec/.+/OpenLineage\.json#/\$defs/RunEvent$"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {
                "runId": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
                "facets": {"additionalProperties": _FACET, "properties": {"errorMessage": _ERROR}},
            },
        },
        "job": {"type": "object", "required": ["namespace", "name"], "properties": {"namespace": _TEXT, "name": _TEXT}},
        "inputs": _dataset("inputFacets", "inputStatistics"),
        "outputs": _dataset("outputFacets", "outputStatistics"),
    },
}
