"""The two kinds of DAG: `collect__<dataset>` lands and accepts one dataset, `publish__<registry>` follows whatever was accepted."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, get_parsing_context, task

from core.settings import load_settings
from dags import defaults
from dags.registered import Dataset, read_registered
from dags.stages import run_stage

# Without a start date, and with this, the first run is the next one due. `run_immediately=False` would mean something else: start at
# once if the last time due is less than a tenth of the interval ago.
NOT_AT_ONCE = timedelta(0)


def collect_dags(shard: int) -> Iterator[DAG]:
    """Yield the DAGs of the departments in a shard; inside a running task, only the one it belongs to.

    A task whose dataset has ended since its run was due still finds its DAG, and says so: without one, the run would stand open for ever.
    """
    datasets = read_registered(load_settings().registered, shard=shard, shards=defaults.SHARDS)
    is_running = get_parsing_context().dag_id is not None
    return (collect_dag(item) for item in datasets if (item.collected or is_running) and _wanted(defaults.collect_id(item.id)))


def publish_dags() -> Iterator[DAG]:
    """Yield one DAG per base registry that a registered dataset feeds or has fed; inside a running task, only the one it belongs to."""
    datasets = read_registered(load_settings().registered)
    registries = sorted({registry for dataset in datasets for registry in dataset.feeds})
    feeding = {registry: [dataset for dataset in datasets if registry in dataset.feeds] for registry in registries}
    return (publish_dag(registry, feeding[registry]) for registry in registries if _wanted(defaults.publish_id(registry)))


def collect_dag(dataset: Dataset) -> DAG:
    """Return the DAG of one dataset, which runs on its cron or, without one, by hand."""
    with _dag(
        defaults.collect_id(dataset.id),
        dataset.title,
        _cron(dataset.cron) if dataset.cron else None,
        tags=[defaults.COLLECT_TAG, dataset.id.partition("__")[0]],
        retries=dataset.retries,
        retry_delay=timedelta(seconds=dataset.retry_seconds),
    ) as dag:

        @task(pool=dataset.pool, execution_timeout=defaults.LAND_LIMIT, priority_weight=defaults.LAND_PRIORITY)
        def land() -> str:
            """Read the source as it is into a batch; the batch's id is all that is passed on."""
            return str(run_stage("land", dataset.id))

        @task(
            pool=defaults.ACCEPT_POOL,
            execution_timeout=defaults.STAGE_LIMIT,
            priority_weight=defaults.ACCEPT_PRIORITY,
            outlets=[Asset(defaults.asset_name(dataset.id))],
        )
        def accept(batch_id: str) -> None:
            """Standardize and validate the batch, pass its gate, and split it into accepted and quarantined."""
            run_stage("accept", batch_id)

        accept(land())  # type: ignore[arg-type]
    return dag


def publish_dag(registry: str, datasets: Iterable[Dataset]) -> DAG:
    """Return the DAG of one base registry. It runs on any of its datasets: a list would wait for all, and so for the one that is down.

    And once a day: Airflow forgets what happened while the DAG was paused, and nothing arrives any more from a dataset that has ended.
    """
    assets = [Asset(defaults.asset_name(dataset.id)) for dataset in datasets]
    with _dag(
        defaults.publish_id(registry),
        f"Publish the base registry {registry}",
        AssetOrTimeSchedule(timetable=_cron(defaults.PUBLISH_CRON), assets=reduce(or_, assets)),
        tags=[defaults.PUBLISH_TAG],
        retries=defaults.PUBLISH_RETRIES,
        retry_delay=defaults.PUBLISH_RETRY_DELAY,
    ) as dag:

        @task(pool=defaults.PUBLISH_POOL, execution_timeout=defaults.STAGE_LIMIT, priority_weight=defaults.PUBLISH_PRIORITY)
        def publish() -> None:
            """Publish everything accepted since the last publication, link what waits, and publish that; ends at once if there is nothing."""
            run_stage("publish", registry)
            if run_stage("link", registry).judged:
                run_stage("publish", registry)

        publish()
    return dag


def housekeeping_dags() -> Iterator[DAG]:
    """Yield one DAG per chore of the hub; inside a running task, only the one it belongs to."""
    chores = defaults.HOUSEKEEPING.items()
    return (housekeeping_dag(stage, cron) for stage, cron in chores if _wanted(defaults.housekeeping_id(stage)))


def housekeeping_dag(stage: str, cron: str) -> DAG:
    """Return the DAG of one chore; a run that fails is no reason to repeat it, the next one comes soon."""
    with _dag(
        defaults.housekeeping_id(stage),
        f"Housekeeping: {stage}",
        _cron(cron),
        tags=[defaults.HOUSEKEEPING_TAG],
        retries=0,
        retry_delay=timedelta(0),
    ) as dag:

        @task(task_id=stage, execution_timeout=defaults.HOUSEKEEPING_LIMIT, priority_weight=defaults.HOUSEKEEPING_PRIORITY)
        def chore() -> None:
            """Do it once."""
            run_stage(f"operation.{stage}")

        chore()
    return dag


def _dag(dag_id: str, title: str, schedule: Any, *, tags: list[str], retries: int, retry_delay: timedelta) -> DAG:
    return DAG(
        dag_id,
        dag_display_name=title,
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        tags=tags,
        default_args={
            "owner": defaults.OWNER,
            "retries": retries,
            "retry_delay": retry_delay,
            "retry_exponential_backoff": defaults.BACK_OFF,
            "max_retry_delay": defaults.LONGEST_RETRY_DELAY,
            "weight_rule": "absolute",
        },
    )


def _cron(cron: str) -> CronTriggerTimetable:
    return CronTriggerTimetable(cron, timezone=defaults.TIMEZONE, run_immediately=NOT_AT_ONCE)


def _wanted(dag_id: str) -> bool:
    running: str | None = get_parsing_context().dag_id
    return running is None or running == dag_id
