"""The base registries: publications, fill, and records one at a time."""

from collections.abc import Callable
from datetime import date
from operator import attrgetter
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi import Path as PathParameter
from fastapi.responses import RedirectResponse, Response

from core.errors import NoSuchEntity
from exchange.audit import entity_subject, is_readable
from pipeline.operation.datasets import dataset_states
from pipeline.report import base_fills, report_registry
from pipeline.standard import published_schema
from portal import records
from portal.context import EXPORTED, LARGEST_NUMBER, Hub, Page, PageDep, link
from portal.entities import PAGE, browse, is_browsable, listed_elements
from portal.errors import WrongInput
from portal.export import exported
from portal.routes.batches import report_download, report_page
from portal.routes.overview import registries_in_use, registry_state
from quality.charts import Part
from registries.candidates import count_open
from registries.definition import get_definition
from registries.publications import Publication, get_publication, history, inputs_of, shown
from standards.model import Schema

router = APIRouter()
PUBLICATIONS = 20  # on one page
COUNTS = ("entities", "inserted", "updated", "deleted", "records", "linked", "unlinked", "withheld")
PUBLICATION_KEYS: dict[str, Callable[[Publication], Any]] = {name: attrgetter(name) for name in ("number", *COUNTS)}


def schema_of(hub: Hub, registry: str) -> Schema:
    """The schema by which a registry is published. Raises RequestError, naming those there are."""
    return published_schema(hub.home, get_definition(registry).id)


@router.get("/registries")
def registries(page: PageDep) -> Response:
    """The base registries in use side by side, and the names of the others."""
    found = registries_in_use(page.hub, dataset_states(page.hub.home.catalog))
    in_use = {item.schema.id for item in found}
    return page.render("registries.html", registries=found, others=[schema for schema in page.hub.schemas if schema.id not in in_use])


@router.get("/registries/{registry}")
def registry(page: PageDep, registry: str) -> Response:
    """One registry: ledger, search, elements, publications."""
    schema = schema_of(page.hub, registry)
    states = dataset_states(page.hub.home.catalog)
    state = registry_state(page.hub, schema, states)
    published, part = history(page.hub.home.serving, registry, EXPORTED), page.part(PUBLICATIONS)
    publications, sorting = page.sort(published, PUBLICATION_KEYS, "-number")
    fills = base_fills(page.hub.home, schema, state.publication.number)
    feeding = [item.contract for item in states.values() if registry in item.contract.feeds]
    supplied = {name for contract in feeding for name in (*contract.elements, *contract.constants)}
    return exported(page, f"{registry}-publications", [shown(item) | {"seconds": None} for item in publications]) or page.render(
        "registry.html",
        schema=schema,
        state=state,
        states=states,
        publications=publications[part.offset : part.offset + PUBLICATIONS],
        total=len(publications),
        part=part,
        sorting=sorting,
        entities_trend=[item.entities for item in reversed(published[:30])],
        fills=fills,
        supplied=supplied | {name for name, (filled, _) in fills.items() if filled},
        browsable=is_browsable(schema),
        waiting=count_open(page.hub.home.serving, registry),
    )


@router.get("/registries/{registry}/publications/{number}")
def publication(page: PageDep, registry: str, number: Annotated[int, PathParameter(ge=1, le=LARGEST_NUMBER)]) -> Response:
    """One publication: its ledger and the batches that it is pinned to."""
    schema = schema_of(page.hub, registry)
    found = get_publication(page.hub.home.serving, registry, number)
    return page.render(
        "publication.html",
        schema=schema,
        publication=found,
        digest=shown(found)["digest"],
        parts=[Part(name, getattr(found, name)) for name in ("linked", "unlinked", "withheld")],
        inputs=inputs_of(page.hub.home.serving, registry, number),
        states=dataset_states(page.hub.home.catalog),
    )


@router.post("/registries/{registry}/search")
async def search(page: PageDep, request: Request, registry: str) -> Response:
    """Look an entity up by its identifier. A form, so that no identity number stands in an address."""
    schema = schema_of(page.hub, registry)
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    given = [form.get(name, [""])[0].strip() for name in schema.identity]
    whole = form.get("canonical_id", [""])[0].strip()
    if not whole and not all(given):
        raise WrongInput(page.t("search.empty"), hint=page.t("search.empty.next"))
    try:
        canonical_id, _ = records.find(page.hub, registry, whole or "/".join(records.identifier_text(schema, given)))
    except NoSuchEntity:
        wanted = " + ".join(page.words(page.hub.standards.elements[name].title) for name in schema.identity)
        said = page.t("search.none", registry=page.words(schema.title))
        raise NoSuchEntity(said, hint=page.t("search.none.next", wanted=wanted)) from None
    return RedirectResponse(f"{link('registry', registry)}/records/{canonical_id}", 303)


@router.get("/records/{canonical_id}")
def record_anywhere(page: PageDep, canonical_id: str) -> Response:
    """Lead a canonical id to the registry that has it, with the language and the times that are asked for."""
    registry = records.registry_of(page.hub, canonical_id)
    asked = page.request.url.query
    return RedirectResponse(f"{link('registry', registry)}/records/{canonical_id}{'?' if asked else ''}{asked}", 303)


@router.get("/registries/{registry}/records/{canonical_id}")
def record(page: PageDep, registry: str, canonical_id: str, valid_at: str = "", known_at: str = "") -> Response:
    """One record, masked: now, or as of any two times."""
    return _record_page(page, schema_of(page.hub, registry), canonical_id, "", valid_at, known_at)


@router.post("/registries/{registry}/records/{canonical_id}")
async def reveal(page: PageDep, request: Request, registry: str, canonical_id: str) -> Response:
    """One record in full, for a purpose."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    purpose = form.get("purpose", [""])[0].strip()[: records.LONGEST_PURPOSE]
    if not is_readable(purpose):
        raise WrongInput(page.t("purpose.missing"), hint=page.t("purpose.missing.next"))
    times = (form.get(name, [""])[0] for name in ("valid_at", "known_at"))
    return _record_page(page, schema_of(page.hub, registry), canonical_id, purpose, *times)


def _record_page(page: Page, schema: Schema, canonical_id: str, purpose: str, valid_at: str, known_at: str) -> Response:
    """Times as a person types them; empty means now."""
    try:
        day, number = date.fromisoformat(valid_at) if valid_at else None, int(known_at) if known_at else None
        if number is not None and not 1 <= number <= LARGEST_NUMBER:
            raise ValueError(known_at)
    except ValueError:
        raise WrongInput(page.t("record.times.wrong"), hint=page.t("record.times.wrong.next")) from None
    found = records.read_record(page.hub, schema.id, canonical_id, purpose=purpose, valid_at=day, known_at=number)
    return page.render(
        "record.html",
        schema=schema,
        record=found,
        subject=entity_subject(schema.id, found.canonical_id),
        states=dataset_states(page.hub.home.catalog),
        shortest=records.SHORTEST_PURPOSE,
        valid_at=valid_at,
        known_at=known_at,
    )


@router.get("/registries/{registry}/entities")
def entities(page: PageDep, registry: str) -> Response:
    """A list, for a registry that holds no persons; public elements only."""
    schema, text, part = schema_of(page.hub, registry), page.request.query_params.get("q", "").strip(), page.part(PAGE)
    elements = listed_elements(page.hub, schema)
    sorting = page.sorting([element.id for element in elements], schema.identity[0])
    found = browse(page.hub, schema, part, text, [sorting.column], descending=sorting.descending)
    return exported(page, f"{registry}-entities", found.rows) or page.render(
        "entities.html",
        schema=schema,
        found=found,
        part=part,
        sorting=sorting,
        text=text,
        elements=elements,
        naming=next((element.id for element in elements if element.representation == "name"), ""),
        meaning=lambda element, value: page.words(records.meaning(page.hub, element, value)),
    )


@router.get("/registries/{registry}/report")
def report(page: PageDep, registry: str) -> Response:
    """The quality report of the current publication."""
    schema_of(page.hub, registry)
    return report_page(page, report_registry(page.hub.home, registry), {"registry": registry})


@router.get("/registries/{registry}/report.html")
def report_file(page: PageDep, registry: str) -> Response:
    """The same report as one file on its own."""
    schema_of(page.hub, registry)
    return report_download(page, report_registry(page.hub.home, registry))
