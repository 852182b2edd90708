"""Runs of DAGs, asked for and watched over Airflow's REST interface: what a person or the demo does by hand and a schedule by itself."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from core.errors import StoreError
from dags.defaults import PUBLISH_TAG
from deploy.airflow_api import AirflowApi, ApiRefusal, retry_until

# Airflow is asked this often; an answer costs it some hundredths of a second of the processor that the tasks need as well.
LOOK_SECONDS = 1.0
# After start or registration a DAG exists as soon as its file has been parsed.
PARSE_SECONDS = 90.0
PAGE = 100
# Airflow answers 500 while its database is locked by others.
BUSY_SECONDS = 60.0


@dataclass(frozen=True, order=True)
class Run:
    """One run of one DAG. `state` is queued, running, success or failed."""

    dag_id: str
    run_id: str
    state: str = "queued"

    @property
    def has_ended(self) -> bool:
        """True if the state will not change any more by itself."""
        return self.state in ("success", "failed")


@dataclass(frozen=True)
class Triggered:
    """Runs asked for together, and when: whatever an asset starts after that is their consequence."""

    runs: tuple[Run, ...]
    since: datetime


Progress = Callable[[list[Run]], None]


def trigger(api: AirflowApi, dag_ids: Iterable[str], run_id_prefix: str) -> Triggered:
    """Start one run of each DAG now; run ids are `<prefix>__<dag id>`.

    Waits for DAGs that are not parsed yet, and unpauses them. Raises `StoreError` if one does not appear, `RequestError` if such a
    run exists already.
    """
    wanted = sorted(set(dag_ids))
    wait_for_dags(api, wanted)
    since = datetime.now(UTC)
    return Triggered(tuple(_trigger_one(api, dag_id, f"{run_id_prefix}__{dag_id}") for dag_id in wanted), since)


def wait_for_dags(api: AirflowApi, dag_ids: Iterable[str]) -> None:
    """Return when Airflow knows all these DAGs and none of them is paused."""
    missing, deadline = set(dag_ids), time.monotonic() + PARSE_SECONDS
    while missing:
        known = {dag["dag_id"]: dag["is_paused"] for dag in _pages(api, "/api/v2/dags", "dags")}
        for dag_id in missing & known.keys():
            if known[dag_id]:
                api.patch(f"/api/v2/dags/{quote(dag_id)}", {"is_paused": False})
        missing -= known.keys()
        if missing and not retry_until(deadline):
            raise StoreError(f"Airflow does not know {', '.join(sorted(missing))}.", hint="look for import errors on its pages")


def wait(api: AirflowApi, triggered: Triggered, progress: Progress = lambda _: None, *, seconds: float = 3600.0) -> list[Run]:
    """Wait until these runs, and every run that an asset starts because of them, have ended. Return all of them.

    `progress` gets the runs whenever the state of one has changed. A failed run is an answer, not an error: the caller decides. Raises
    `StoreError` when the time is over.
    """
    shown: list[Run] = []
    deadline = time.monotonic() + seconds
    while True:
        now = _runs_since(api, triggered)
        if now != shown:
            shown = now
            progress(now)
        if len(now) >= len(triggered.runs) and all(run.has_ended for run in now) and _is_settled(api, triggered, now):
            return now
        if not retry_until(deadline, LOOK_SECONDS):
            unfinished = ", ".join(run.dag_id for run in now if not run.has_ended)
            raise StoreError(f"Runs did not end in {seconds:.0f} s: {unfinished}.", hint="see their task logs", transient=True)


def _trigger_one(api: AirflowApi, dag_id: str, run_id: str) -> Run:
    """Ask for one run; a busy database (5xx) is asked again, and a run that is there after all (409) is the one that was asked for."""
    deadline, asked_before = time.monotonic() + BUSY_SECONDS, False
    while True:
        try:
            api.post(f"/api/v2/dags/{quote(dag_id)}/dagRuns", {"dag_run_id": run_id, "logical_date": None})
        except ApiRefusal as refusal:
            if refusal.status == 409 and asked_before:
                return Run(dag_id, run_id)
            if refusal.status < 500 or not retry_until(deadline, 1.0):
                raise
            asked_before = True
        else:
            return Run(dag_id, run_id)


def _runs_since(api: AirflowApi, triggered: Triggered) -> list[Run]:
    """Return the runs that were asked for, and those started by an asset since then."""
    asked = {(run.dag_id, run.run_id) for run in triggered.runs}
    found = _pages(api, "/api/v2/dags/~/dagRuns", "dag_runs", run_after_gte=triggered.since.isoformat())
    return sorted(
        Run(row["dag_id"], row["dag_run_id"], row["state"])
        for row in found
        if row["run_type"] == "asset_triggered" or (row["dag_id"], row["dag_run_id"]) in asked
    )


def _is_settled(api: AirflowApi, triggered: Triggered, now: list[Run]) -> bool:
    """True if no asset event waits to become a run. An event that became one since `now` was read shows as one more run."""
    publishing = [dag["dag_id"] for dag in _pages(api, "/api/v2/dags", "dags", tags=PUBLISH_TAG)]
    return not any(_has_queued_events(api, dag_id) for dag_id in publishing) and _runs_since(api, triggered) == now


def _has_queued_events(api: AirflowApi, dag_id: str) -> bool:
    try:
        return bool(api.get(f"/api/v2/dags/{quote(dag_id)}/assets/queuedEvents")["queued_events"])
    except ApiRefusal as refusal:
        if refusal.status == 404:
            return False
        raise


def _pages(api: AirflowApi, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of all pages of a listing."""
    offset = 0
    while True:
        answer = api.get(path, limit=PAGE, offset=offset, **query)
        yield from answer[key]
        offset += PAGE
        if offset >= answer["total_entries"]:
            return
