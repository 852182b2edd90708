"""One table from error to status; pages get a page, the API a problem body (RFC 9457)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Scope

from core.errors import DefinitionError, HubError, LeaseHeld, RequestError, SourceError, StoreError
from exchange.audit import NoPurpose
from portal.context import API, Page
from registries.feed import FeedGone

STATUS: dict[type[HubError], int] = {
    RequestError: 404,
    NoPurpose: 422,
    FeedGone: 410,
    StoreError: 503,
    LeaseHeld: 503,
    SourceError: 502,
    DefinitionError: 500,
    HubError: 500,
}
# Statuses with words of their own in the messages; any other is told like 500 or 400.
TOLD = (400, 401, 403, 404, 405, 410, 413, 422, 500, 502, 503)


class Problem(BaseModel):
    """What the API answers in the place of what was asked for (RFC 9457), in the language of the request."""

    type: str = "about:blank"
    title: str = Field(description="What kind of trouble it is, in a few words.")
    status: int = Field(ge=400, le=599, description="The status of the answer.")
    detail: str = Field(description="What happened, or the places of the question that do not fit. It names no value of a record.")
    next: str = Field(description="What to do.")


class WrongInput(HubError):
    """A form was filled in wrong."""


STATUS[WrongInput] = 422


def status_of(error: HubError) -> int:
    """The status of the nearest ancestor in the table."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def answer(request: Request, status: int, detail: str = "", hint: str = "") -> Response:
    """An error as a page or as a problem body: what happened and the next step."""
    page = Page(request)
    told = status if status in TOLD else 400 if status < 500 else 500
    title, step = page.t(f"error.{told}"), hint or page.t(f"error.{told}.next")
    if request.url.path.startswith(API):
        body = Problem(title=title, status=status, detail=page.message(detail) or title, next=page.message(step)).model_dump()
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse(body, status, headers, "application/problem+json")
    return page.render("error.html", status, code=status, title=title, detail=detail, step=step)


Handler = Callable[[Request, Any], Awaitable[Response]]


async def hub_error(request: Request, error: HubError) -> Response:
    """An error the hub raises on purpose: its message names no value, so it may be shown."""
    return answer(request, status_of(error), error.message, error.hint)


async def http_error(request: Request, error: HTTPException) -> Response:
    """No such page, or a method that the page does not have: then which ones it has is said too."""
    response = answer(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def invalid(request: Request, error: RequestValidationError) -> Response:
    """A body that does not fit; where it is wrong is told, what was sent is not. An address that does not fit leads nowhere."""
    if any(fault["loc"][0] == "path" for fault in error.errors()):
        return answer(request, 404)
    page = Page(request)
    faults = sorted({_fault(page, fault) for fault in error.errors()})
    return answer(request, 422, "; ".join(faults), page.t("error.422.next.api") if request.url.path.startswith(API) else "")


# What can be told of a place that does not fit, by the library's word for it. Its own sentences are English, and some quote what was sent.
_FAULTS = {
    "missing": "fault.missing",
    "greater_than_equal": "fault.greater_than_equal",
    "less_than_equal": "fault.less_than_equal",
    "string_too_short": "fault.string_too_short",
    "string_too_long": "fault.string_too_long",
    "int_parsing": "fault.int_parsing",
    "int_parsing_size": "fault.int_parsing_size",
    "date_from_datetime_parsing": "fault.date_from_datetime_parsing",
    "model_attributes_type": "fault.model_attributes_type",
    "json_invalid": "fault.json_invalid",
}


def _fault(page: Page, fault: Mapping[str, Any]) -> str:
    """Where a question does not fit, and what is expected there."""
    place = ".".join(str(part) for part in fault["loc"])
    expected = _FAULTS.get(fault["type"])
    return f"{place}: {page.t(expected, **fault.get('ctx', {}))}" if expected else place


def unexpected(scope: Scope, error: Exception) -> Response:
    """Anything else is a fault of the hub; its text may quote a record and is shown to nobody. What the hub raises on purpose, before a page is
    reached, is told as on a page."""
    if isinstance(error, HubError):
        return answer(Request(scope), status_of(error), error.message, error.hint)
    return answer(Request(scope), 500, type(error).__name__)


def add_handlers(app: FastAPI) -> None:
    """Put the table into an application."""
    table: dict[type[Exception], Handler] = {
        HubError: hub_error,
        HTTPException: http_error,
        RequestValidationError: invalid,
    }
    for kind, handler in table.items():
        app.add_exception_handler(kind, handler)
