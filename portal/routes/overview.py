"""The first page: what needs attention, and where the registries stand."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from pipeline.operation.datasets import DatasetState, dataset_states, needing_attention
from pipeline.publication.pins import unpublished
from portal.context import Hub, PageDep
from quality.charts import Part
from registries.attempts import Attempt, standing_attempt
from registries.publications import Publication, latest
from standards.model import Schema

router = APIRouter()
SHOWN = 20


@dataclass(frozen=True)
class RegistryState:
    """A registry with its current publication, the attempt that came to nothing since, and the datasets that say something else by now."""

    schema: Schema
    publication: Publication
    attempt: Attempt | None
    parts: tuple[Part, ...]
    waiting: tuple[DatasetState, ...]


@router.get("/")
def overview(page: PageDep) -> Response:
    """What needs attention first, then the registries."""
    states = dataset_states(page.hub.home.catalog)
    attention = needing_attention(states.values())
    return page.render(
        "overview.html",
        states=states,
        attention=attention,
        shown=attention[:SHOWN],
        quarantined=sum(item.quarantined or 0 for item in states.values()),
        registries=registries_in_use(page.hub, states),
    )


def registries_in_use(hub: Hub, states: dict[str, DatasetState]) -> list[RegistryState]:
    """Registries that a dataset feeds or that have been published; before there is any, all of them."""
    fed = {name for item in states.values() for name in item.contract.feeds}
    found = [registry_state(hub, schema, states) for schema in hub.schemas]
    return [item for item in found if item.schema.id in fed or item.publication.number] or found


def registry_state(hub: Hub, schema: Schema, states: dict[str, DatasetState]) -> RegistryState:
    """Where one registry stands."""
    current = latest(hub.home.serving, schema.id)
    waiting = tuple(states[dataset] for dataset in unpublished(hub.home, schema.id))
    parts = tuple(Part(name, getattr(current, name)) for name in ("linked", "unlinked", "withheld"))
    return RegistryState(schema, current, standing_attempt(hub.home.serving, current), parts, waiting)
