"""The JSON API: what the pages show, for programs. The token goes into the header `Authorization: Bearer …`."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from catalog.batches import batches_of, checks_of, fills_of, get_batch, issues_of
from core.clock import utc_text
from core.errors import RequestError
from exchange.audit import Selection, entries
from pipeline.operation.datasets import dataset_states
from portal import records
from portal.context import LARGEST_NUMBER, HubDep
from portal.routes.registries import schema_of
from registries.publications import history, inputs_of, latest, shown

router = APIRouter(prefix="/api/v1")
Json = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=1000)]
VALID_AT = "As it was in the world on this day."
KNOWN_AT = "As it was known by this publication."
BEFORE = "Only publications before this number: the last one of the page before."


class Lookup(BaseModel):
    """A question for one record. Without a purpose the answer is masked; either way the audit log has it first."""

    model_config = ConfigDict(extra="forbid")

    identifier: str = Field(min_length=1, max_length=200, description="Identifier or canonical id; a certificate's is `type name/number`.")
    purpose: str = Field(default="", max_length=records.LONGEST_PURPOSE, description="Why the full values are needed.")
    valid_at: date | None = Field(default=None, description=VALID_AT)
    known_at: int | None = Field(default=None, ge=1, le=LARGEST_NUMBER, description=KNOWN_AT)


def _told(fields: Mapping[str, Any]) -> Json:
    """Named values, of which the times, which are kept in UTC, say so."""
    return {name: utc_text(value) if isinstance(value, datetime) else value for name, value in fields.items()}


@router.get("/datasets")
def datasets(hub: HubDep) -> list[Json]:
    """Where every dataset stands."""
    return [_told(item.row()) for item in dataset_states(hub.home.catalog).values()]


@router.get("/datasets/{dataset_id}")
def dataset(hub: HubDep, dataset_id: str) -> Json:
    """One dataset with its contract in force."""
    state = dataset_states(hub.home.catalog, dataset_id).get(dataset_id)
    if state is None:
        raise RequestError(f"no dataset {dataset_id[:120]} is registered")
    return _told(state.row()) | {"contract": state.contract.model_dump(mode="json", by_alias=True)}


@router.get("/datasets/{dataset_id}/batches")
def batches(hub: HubDep, dataset_id: str, limit: Limit = 50) -> list[Json]:
    """Batches of a dataset, newest first."""
    dataset(hub, dataset_id)
    return [_told(asdict(item)) for item in batches_of(hub.home.catalog, dataset_id, limit)]


@router.get("/batches/{batch_id}")
def batch(hub: HubDep, batch_id: str) -> Json:
    """One batch: ledger, issues, checks and fill."""
    found = _told(asdict(get_batch(hub.home.catalog, batch_id)))
    catalog = hub.home.catalog
    return found | {"issues": issues_of(catalog, batch_id), "checks": checks_of(catalog, batch_id), "fills": fills_of(catalog, batch_id)}


@router.get("/registries")
def registries(hub: HubDep) -> list[Json]:
    """Every base registry with its current publication."""
    return [registry(hub, schema.id) for schema in hub.schemas]


@router.get("/registries/{registry_id}")
def registry(hub: HubDep, registry_id: str) -> Json:
    """One base registry with its current publication and the batches it is pinned to."""
    schema = schema_of(hub, registry_id)
    current = latest(hub.home.serving, registry_id)
    inputs = inputs_of(hub.home.serving, registry_id, current.number)
    return {
        "id": schema.id,
        "title": schema.title.model_dump(),
        "elements": [element.id for element in schema.elements],
        "publication": _told(shown(current)) if current.number else None,
        "inputs": [asdict(item) for item in inputs.values()],
    }


@router.get("/registries/{registry_id}/publications")
def publications(
    hub: HubDep,
    registry_id: str,
    limit: Limit = 100,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER, description=BEFORE)] = None,
) -> list[Json]:
    """Publications of a registry, newest first, so many at a time."""
    schema_of(hub, registry_id)
    return [_told(shown(item)) for item in history(hub.home.serving, registry_id, limit, before)]


@router.get("/registries/{registry_id}/records/{canonical_id}")
def record(
    hub: HubDep,
    registry_id: str,
    canonical_id: str,
    valid_at: Annotated[date | None, Query(description=VALID_AT)] = None,
    known_at: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER, description=KNOWN_AT)] = None,
) -> Json:
    """One record, masked: now, or as of any two times."""
    schema = schema_of(hub, registry_id)
    return _shown(records.read_record(hub, schema.id, canonical_id, channel="api", valid_at=valid_at, known_at=known_at))


@router.post("/registries/{registry_id}/lookup")
def lookup(hub: HubDep, registry_id: str, asked: Lookup) -> Json:
    """One record by its identifier; in full where a purpose is given."""
    schema = schema_of(hub, registry_id)
    parts = asked.identifier.split("/", len(schema.identity) - 1)
    known = len(parts) == len(schema.identity)
    text = "/".join(records.identifier_text(schema, parts)) if known and "-" not in asked.identifier else asked.identifier
    canonical_id, number = records.find(hub, registry_id, text, asked.known_at)
    purpose = asked.purpose.strip()
    return _shown(
        records.read_record(hub, registry_id, canonical_id, purpose=purpose, channel="api", valid_at=asked.valid_at, known_at=number)
    )


def _shown(found: records.Record) -> Json:
    return {
        "registry": found.registry,
        "canonical_id": found.canonical_id,
        "publication": found.number,
        "published_by": found.since,
        "valid_from": found.valid_from,
        "revealed": found.revealed,
        "elements": {
            line.element.id: {
                "value": line.value,
                "masked": line.is_masked,
                "source": line.chosen.contract_id if line.chosen else None,
                "batch": line.chosen.batch_id if line.chosen else None,
                "repaired": asdict(line.chosen.repair) if line.chosen and line.chosen.repair else None,
                "competing": [
                    {"source": word.contract_id, "batch": word.batch_id, "value": word.value, "verdict": word.verdict}
                    for word in line.words
                    if word.verdict != "chosen"
                ],
                "beside": [
                    {
                        "value": item.value,
                        "role": item.role,
                        "title": item.title.model_dump() if item.title else None,
                        "sources": item.sources,
                        "valid_from": item.valid_from,
                    }
                    for item in line.beside
                ],
            }
            for line in found.lines
        },
    }


@router.get("/standards/elements")
def elements(hub: HubDep) -> list[Json]:
    """Every data element of the standard in force."""
    return [item.model_dump(mode="json") for item in hub.standards.elements.values()]


@router.get("/audit")
def audit(hub: HubDep, subject: str | None = None, limit: Limit = 100) -> list[Json]:
    """The latest entries of the audit log."""
    return [_told(entry) for entry in entries(hub.home.audit, Selection(subject or ""), limit=limit)]
