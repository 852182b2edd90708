"""The change feed of the base registries for programs: masked, or in full where a purpose is given; the audit log has each page first."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from exchange import audit
from portal import records
from portal.context import LARGEST_NUMBER, Hub, HubDep
from portal.routes.registries import schema_of
from registries.definition import get_definition
from registries.feed import LONGEST_PAGE, read_changes, read_state
from registries.further_values import COLUMN, masked_document
from standards.masked import is_personal, masked_named
from standards.model import Schema

router = APIRouter(prefix="/api/v1/registries/{registry_id}")
Json = dict[str, Any]
DEFAULT_PAGE = 1000
LONGEST_ID = 36
After = Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="The number of the last change that the reader has.")]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE)]
Purposeful = Annotated[str, Field(min_length=records.SHORTEST_PURPOSE, max_length=records.LONGEST_PURPOSE, description="Why.")]


GONE: dict[int | str, Json] = {410: {"description": "The number is older than what is kept, or none yet; start anew from `state`."}}


class AskedChanges(BaseModel):
    """A page of the feed in full."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    after: int = Field(default=0, ge=0, le=LARGEST_NUMBER)
    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=LONGEST_PAGE)
    purpose: Purposeful


class AskedState(BaseModel):
    """A page of the table in full."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    publication: int | None = Field(default=None, ge=1, le=LARGEST_NUMBER)
    after_id: str = Field(default="", max_length=LONGEST_ID)
    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=LONGEST_PAGE)
    purpose: Purposeful


@router.get("/changes", responses=GONE)
def changes(hub: HubDep, registry_id: str, after: After = 0, limit: Limit = DEFAULT_PAGE) -> Json:
    """What changed after a number, masked."""
    return _changes(hub, schema_of(hub, registry_id), after, limit, "")


@router.post("/changes", responses=GONE)
def changes_in_full(hub: HubDep, registry_id: str, asked: AskedChanges) -> Json:
    """What changed after a number, in full for a purpose."""
    return _changes(hub, schema_of(hub, registry_id), asked.after, asked.limit, asked.purpose)


@router.get("/state")
def state(
    hub: HubDep,
    registry_id: str,
    publication: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER, description="The publication that the first page told.")] = None,
    after_id: Annotated[str, Query(max_length=LONGEST_ID, description="`after_id` of the page before.")] = "",
    limit: Limit = DEFAULT_PAGE,
) -> Json:
    """The whole table as of one publication, masked, by canonical id; then follow `changes` after the number `resume_after`."""
    return _state(hub, schema_of(hub, registry_id), publication, after_id, limit, "")


@router.post("/state")
def state_in_full(hub: HubDep, registry_id: str, asked: AskedState) -> Json:
    """The whole table as of one publication, in full for a purpose."""
    return _state(hub, schema_of(hub, registry_id), asked.publication, asked.after_id, asked.limit, asked.purpose)


def _changes(hub: Hub, schema: Schema, after: int, limit: int, purpose: str) -> Json:
    _written_down(hub, schema, f"{after + 1}-{after + limit}", purpose)
    page = asdict(read_changes(hub.home.serving, get_definition(schema.id), schema, after, limit))
    return page | {"revealed": bool(purpose), "events": [_shown(schema, event, purpose) for event in page["events"]]}


def _state(hub: Hub, schema: Schema, number: int | None, after_id: str, limit: int, purpose: str) -> Json:
    _written_down(hub, schema, "state", purpose)
    page = asdict(read_state(hub.home.serving, schema, number, after_id, limit))
    return page | {"revealed": bool(purpose), "rows": [_shown(schema, row, purpose) for row in page["rows"]]}


def _written_down(hub: Hub, schema: Schema, part: str, purpose: str) -> None:
    action = "api-changes" if purpose else "api-changes-masked"
    subject = audit.part_subject(schema.id, part)
    audit.record(hub.home.audit, actor=hub.actor, action=action, subject=subject, purpose=purpose or records.MASKED)


def _shown(schema: Schema, item: Mapping[str, Any], purpose: str) -> Json:
    """An event or row as it may be shown: values of a person masked where no purpose was given."""
    if purpose or item["values"] is None:
        return dict(item)
    elements = {element.id: element for element in schema.elements}
    values = dict(item["values"])
    further = {COLUMN: masked_document(values[COLUMN], elements)} if values.get(COLUMN) else {}
    values |= {
        name: masked_named(str(value), name, elements)
        for name, value in values.items()
        if name != COLUMN and value is not None and (name not in elements or is_personal(elements[name]))
    }
    return {**item, "values": values | further}
