"""The OpenAPI document of the JSON API: what the routes say of themselves, with errors as they are really answered, and the token."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from portal.errors import Problem

Json = dict[str, Any]
SECURITY = {"token": {"type": "http", "scheme": "bearer", "description": "The token of the installation."}}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OTHER = {"description": "Any other trouble: its status is in the body, too.", "content": _PROBLEM}
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")  # bodies that `portal.errors` puts a problem in the place of


class DescribedApp(FastAPI):
    """An application whose document is true of its errors."""

    def openapi(self) -> Json:
        """The document, made when it is first asked for."""
        if self.openapi_schema is None:
            self.openapi_schema = _with_errors(super().openapi())
        return self.openapi_schema


def _with_errors(document: Json) -> Json:
    kept = {name: schema for name, schema in document["components"]["schemas"].items() if name not in _OF_FASTAPI}
    document["components"] = {"schemas": kept | {"Problem": Problem.model_json_schema()}, "securitySchemes": SECURITY}
    document["security"] = [{name: []} for name in SECURITY]
    for methods in document["paths"].values():
        for operation in methods.values():
            told = {status: said for status, said in operation["responses"].items() if status != "422"}
            operation["responses"] = told | {str(status): _problem(status, told) for status in _statuses(operation)} | {"default": _OTHER}
    return document


def _statuses(operation: Json) -> Iterator[int]:
    """The errors that a program has to reckon with: no token, no such thing, a question that does not fit, and what the route itself names."""
    places = {parameter["in"] for parameter in operation.get("parameters", ())} | ({"body"} if "requestBody" in operation else set())
    yield HTTPStatus.UNAUTHORIZED
    if "path" in places:
        yield HTTPStatus.NOT_FOUND
    if places - {"path"}:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield from (int(status) for status in operation["responses"] if status.isdigit() and int(status) >= 400 and status != "422")


def _problem(status: int, told: Json) -> Json:
    description = told.get(str(status), {}).get("description") or HTTPStatus(status).phrase
    return {"description": description, "content": _PROBLEM}
