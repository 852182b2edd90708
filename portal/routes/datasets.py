"""The list of datasets and the page of each."""

from collections.abc import Callable
from dataclasses import asdict
from operator import attrgetter
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from catalog.batches import Batch, batches_of, latest_accepted, waiting_of
from catalog.datasets import contract_in_force
from core.clock import now
from core.errors import RequestError
from pipeline.operation.datasets import STATES, DatasetState, dataset_states
from portal.context import EXPORTED, PageDep
from portal.cron_words import schedule_words
from portal.export import exported
from portal.quarantine import read_waiting
from portal.routes.batches import rows_page
from quality.report import element_title, issue_type

router = APIRouter()
TREND = 30  # batches in a trend line
BATCHES = 30  # on one page
COUNTS = ("read", "accepted", "unchanged", "repeated", "quarantined", "unreadable", "deleted", "records")
BATCH_KEYS: dict[str, Callable[[Batch], Any]] = {
    "seq": lambda item: item.seq,
    "state": lambda item: (STATES.index(item.status), -item.seq),
    **{name: attrgetter(name) for name in COUNTS},
}


@router.get("/datasets")
def datasets(page: PageDep) -> Response:
    """Every dataset, sorted and filtered as the address says; as CSV or JSON with `format`."""
    states = dataset_states(page.hub.home.catalog)
    query = page.request.query_params
    chosen = {name: query.get(name, "") for name in ("department", "registry", "state")}
    rows, sorting = page.sort(
        [item for item in states.values() if _fits(item, chosen)],
        {
            "department": lambda item: (page.words(item.contract.department.title), page.words(item.contract.title)),
            "title": lambda item: page.words(item.contract.title),
            "state": lambda item: STATES.index(item.state),
            "seen": lambda item: item.seen_at,
            "records": lambda item: item.records,
            "quarantined": lambda item: item.quarantined,
            "freshness": lambda item: item.freshness,
        },
        "state",
    )
    departments = {item.contract.department.id: item.contract.department.title for item in states.values()}
    return exported(page, "datasets", [item.row() for item in rows]) or page.render(
        "datasets.html",
        rows=rows,
        sorting=sorting,
        chosen=chosen,
        total=len(states),
        departments=sorted(departments.items()),
        registries=page.hub.schemas,
        states=[name for name in STATES if any(item.state == name for item in states.values())],
    )


def _fits(item: DatasetState, chosen: dict[str, str]) -> bool:
    return (
        chosen["department"] in ("", item.contract.department.id)
        and (not chosen["registry"] or chosen["registry"] in item.contract.feeds)
        and chosen["state"] in ("", item.state)
    )


@router.get("/datasets/{dataset_id}")
def dataset(page: PageDep, dataset_id: str) -> Response:
    """One dataset: what its contract says and how its batches went."""
    state = dataset_states(page.hub.home.catalog, dataset_id).get(dataset_id)
    if state is None:
        raise RequestError(f"no dataset {dataset_id} is registered", hint=page.t("dataset.unknown.next"))
    found, part = batches_of(page.hub.home.catalog, dataset_id, EXPORTED), page.part(BATCHES)
    trend = [item for item in reversed(found[:TREND]) if item.landed is not None]
    batches, sorting = page.sort(found, BATCH_KEYS, "-seq")
    return exported(page, dataset_id, [_batch_row(item) for item in batches]) or page.render(
        "dataset.html",
        state=state,
        contract=state.contract,
        mapping=_mapping(page, state),
        waiting=waiting_of(page.hub.home.catalog, dataset_id),
        days_since=lambda moment: (now() - moment).days,
        issue_of=lambda name: issue_type(name, page.hub.standards),
        schedule=schedule_words(state.contract.schedule.cron or "", page.t),
        title_of=lambda name: page.words(element_title(name, page.hub.standards)),
        batches=batches[part.offset : part.offset + BATCHES],
        total=len(batches),
        part=part,
        sorting=sorting,
        counts=COUNTS,
        title_key=lambda name: f"{'col' if name in ('deleted', 'records') else 'ledger'}.{name}",
        landed_trend=[item.landed or 0 for item in trend],
        quarantine_trend=[item.quarantined or 0 for item in trend if item.quarantined is not None],
    )


@router.get("/datasets/{dataset_id}/quarantine")
def waiting(page: PageDep, dataset_id: str) -> Response:
    """The rows of a dataset that are in quarantine now, with masked values."""
    contract_in_force(page.hub.home.catalog, dataset_id)
    newest = latest_accepted(page.hub.home.catalog, dataset_id)
    if newest is None:
        raise RequestError(f"{dataset_id} has no batch yet", hint=f"./hub sync {dataset_id}")
    return rows_page(page, newest, "waiting", read_waiting)


def _batch_row(item: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if name not in ("notes", "seconds")}


def _mapping(page: PageDep, state: DatasetState) -> list[dict[str, Any]]:
    """Source columns, then constants, then what is ignored; every column of the contract stands somewhere."""
    elements = page.hub.standards.elements
    contract = state.contract
    rows: list[dict[str, Any]] = [
        {
            "column": column,
            "element": elements[item.element],
            "formats": item.formats,
            "lookup": len(item.lookup),
            "list": item.written_in,
            "unit": item.unit,
            "constant": None,
        }
        for column, items in contract.columns.items()
        for item in items
    ]
    return rows + [
        {"column": None, "element": elements[name], "formats": (), "lookup": 0, "list": None, "unit": None, "constant": value}
        for name, value in contract.constants.items()
    ]
