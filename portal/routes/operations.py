"""How the hub runs: freshness, lag, receipts, quarantine, next runs, alerts; and the same as figures for a monitoring system."""

import shutil
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from catalog.alerts import alerts
from catalog.batches import waiting_of
from catalog.purges import latest_purge
from core.clock import now
from core.space import MB, held
from pipeline.operation.datasets import STATES, dataset_states
from pipeline.publication.pins import lagging
from portal.context import HubDep, Page, PageDep
from portal.export import exported
from portal.metrics import CONTENT_TYPE, exposition
from quality.report import element_title, issue_type

router = APIRouter()
CLOSED = 20  # closed alerts that are shown
MOST_RULES = 30  # of those that rows wait by


@router.get("/operations")
def operations(page: PageDep) -> Response:
    """Every dataset with its age and its next run, and what is to be looked after."""
    catalog = page.hub.home.catalog
    states, lag = dataset_states(catalog), lagging(page.hub.home)
    rows, sorting = page.sort(
        states.values(),
        {
            "title": lambda item: page.words(item.contract.title),
            "state": lambda item: STATES.index(item.state),
            "age": lambda item: item.age,
            "allowed": lambda item: item.allowed_age,
            "lag": lambda item: lag.get(item.id) and now() - lag[item.id],
            "next": lambda item: item.next_run,
            "waiting": lambda item: item.quarantined,
            "since": lambda item: item.waiting_since,
        },
        "state",
    )
    return exported(page, "operations", [item.row() | {"unpublished_since": lag.get(item.id)} for item in rows]) or page.render(
        "operations.html",
        rows=rows,
        sorting=sorting,
        standing=alerts(catalog),
        closed=alerts(catalog, is_open=False, limit=CLOSED),
        told=lambda item: item.message_zh if page.lang == "zh" else item.message_en,
        lag={name: now() - since for name, since in lag.items()},
        waiting=[(row, states[row["contract_id"]]) for row in waiting_of(catalog) if not states[row["contract_id"]].contract.ended],
        most=MOST_RULES,
        issue_of=lambda name: issue_type(name, page.hub.standards),
        title_of=lambda name: page.words(element_title(name, page.hub.standards)),
        span=lambda time: _span(page, time),
        age_of=lambda since: _span(page, now() - since),
        space=_space(page),
        purged=latest_purge(catalog),
    )


def _space(page: Page) -> dict[str, Any]:
    """What the layers hold and what is free, in megabytes."""
    settings = page.hub.home.settings
    usage = shutil.disk_usage(settings.home)
    layers = (("landing", settings.landing, settings.landing_quota_mb), ("lake", settings.lake_dir, settings.lake_quota_mb))
    rows = [
        {"name": name, "files": found[0], "megabytes": found[1] // MB, "quota": quota} for name, at, quota in layers if (found := held(at))
    ]
    return {"free": usage.free // MB, "total": usage.total // MB, "least": settings.least_free_mb, "layers": rows}


def _span(page: Page, time: timedelta | None) -> str:
    """A length of time in its largest unit."""
    if time is None:
        return "—"
    seconds = int(time.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return page.t(f"span.{unit}", count=seconds // length)
    return page.t("span.minutes", count=seconds // 60)


@router.get("/metrics")
def metrics(hub: HubDep) -> Response:
    """OpenMetrics; the token goes into the header `Authorization: Bearer …`, as with the API."""
    return Response(exposition(hub), media_type=CONTENT_TYPE)
