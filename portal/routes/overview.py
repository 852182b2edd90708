"""The first page: what needs attention, and where the registries stand."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response

from catalog.batches import latest_change
from pipeline.datasets import DatasetState, dataset_states, needing_attention
from portal.context import Hub, PageDep
from quality.charts import Part
from registries.attempts import Attempt, standing_attempt
from registries.publications import Publication, inputs_of, latest
from standards.model import Schema

router = APIRouter()
SHOWN = 20


@dataclass(frozen=True)
class RegistryState:
    """A registry with its current publication, the attempt that came to nothing since, and the datasets whose newer batches wait."""

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
    inputs = inputs_of(hub.home.serving, schema.id, current.number)
    waiting = tuple(
        item
        for item in states.values()
        if schema.id in item.contract.feeds
        and item.accepted is not None
        and (item.id not in inputs or _has_news(hub, item.id, inputs[item.id].batch_seq, item.accepted.seq))
    )
    parts = tuple(Part(name, getattr(current, name)) for name in ("linked", "unlinked", "withheld"))
    return RegistryState(schema, current, standing_attempt(hub.home.serving, current), parts, waiting)


def _has_news(hub: Hub, contract_id: str, published: int, accepted: int) -> bool:
    """Whether a dataset has changed since a publication: batches that brought nothing new are not waited for."""
    if accepted <= published:
        return False
    change = latest_change(hub.home.catalog, contract_id)
    return change is not None and change.seq > published
