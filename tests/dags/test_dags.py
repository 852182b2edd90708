"""The DAGs that come out of a folder of registered datasets, seen as Airflow's DAG processor sees them: in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.settings import REPOSITORY
from dags.defaults import SHARDS, pool_slots
from dags.registered import read_registered, shard_of
from tests.deploy.helpers import settings_at

RESIDENT = {
    "id": "public_security__resident",
    "title": "户籍人口",
    "feeds": ["population"],
    "cron": "0 2 * * *",
    "retries": 2,
    "retry_seconds": 60,
    "pool": "ps_db",
}
LICENSE = {
    **RESIDENT,
    "id": "market_regulation__license",
    "feeds": ["legal_entity", "certificate"],
    "cron": None,
    "retries": 0,
    "pool": "mr_db",
}
BIRTH = {**RESIDENT, "id": "health__birth", "pool": "health_db"}

# Parses every DAG file as Airflow does, and prints what a reader of its pages would see.
PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1], load_op_links=False)
print("RESULT" + json.dumps({
    "errors": sorted(bag.import_errors),
    "heavy": sorted(set(sys.argv[2].split(",")) & set(sys.modules)),
    "dags": {
        dag.dag_id: {
            "file": dag.fileloc.rsplit("/", 1)[-1],
            "schedule": type(dag.timetable).__name__,
            "conditions": type(getattr(dag.timetable, "asset_condition", None)).__name__,
            "cron": [
                str(getattr(getattr(dag.timetable, "timetable", dag.timetable), name, None))
                for name in ("expression", "timezone", "run_immediately")
            ],
            "assets": sorted(asset.name for asset in getattr(dag.timetable.asset_condition, "objects", [])),
            "start": str(dag.start_date),
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "tasks": {
                task.task_id: {
                    "pool": task.pool,
                    "retries": task.retries,
                    "retry_seconds": task.retry_delay.total_seconds(),
                    "back_off": task.retry_exponential_backoff,
                    "longest_delay": task.max_retry_delay and task.max_retry_delay.total_seconds(),
                    "limit": task.execution_timeout and task.execution_timeout.total_seconds(),
                    "outlets": [asset.name for asset in task.outlets],
                    "after": sorted(task.upstream_task_ids),
                }
                for task in dag.tasks
            },
        }
        for dag in bag.dags.values()
    },
}))
"""
HEAVY = "great_expectations,pandas,duckdb,ibis,pyarrow,pyiceberg,psycopg,pymysql,adbc_driver_manager,python_calamine,openpyxl,pipeline"


def register(home: Path, *datasets: dict[str, Any]) -> None:
    """Write the files the catalog writes at registration."""
    (home / "registered").mkdir(parents=True, exist_ok=True)
    for department in {str(dataset["id"]).partition("__")[0] for dataset in datasets}:
        own = [dataset for dataset in datasets if str(dataset["id"]).startswith(f"{department}__")]
        (home / "registered" / f"{department}.json").write_text(json.dumps({"department": department, "datasets": own}))


def parse(home: Path, **environment: str) -> dict[str, Any]:
    """Return what Airflow finds in `dags/`."""
    env = {
        **os.environ,
        "HUB_HOME": str(home),
        "AIRFLOW_HOME": str(REPOSITORY),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs"),
        **environment,
    }
    command = [sys.executable, "-c", PARSE, str(REPOSITORY / "dags"), HEAVY]
    done = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert lines, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT"))
    return result


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("hub")
    register(home, RESIDENT, LICENSE, BIRTH)
    return parse(home)


def test_every_dag_file_imports_and_loads_no_library_of_the_pipeline(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == []
    assert parsed["heavy"] == []


def test_there_is_one_dag_per_dataset_and_one_per_registry_that_is_fed(parsed: dict[str, Any]) -> None:
    assert set(parsed["dags"]) == {
        "collect__public_security__resident",
        "collect__market_regulation__license",
        "collect__health__birth",
        "publish__population",
        "publish__legal_entity",
        "publish__certificate",
        "watch__hub",
        "purge__hub",
    }
    for dag in parsed["dags"].values():
        assert (dag["max_active_runs"], dag["catchup"], dag["start"]) == (1, False, "None")


def test_a_dataset_is_landed_from_its_source_and_then_accepted(parsed: dict[str, Any]) -> None:
    dag = parsed["dags"]["collect__public_security__resident"]
    assert (dag["schedule"], dag["cron"]) == ("CronTriggerTimetable", ["0 2 * * *", "Asia/Shanghai", "0:00:00"])
    again = {"retries": 2, "retry_seconds": 60, "back_off": 2.0, "longest_delay": 3600}
    assert dag["tasks"] == {
        "land": {**again, "pool": "ps_db", "limit": 2 * 3600, "outlets": [], "after": []},
        "accept": {**again, "pool": "accept", "limit": 4 * 3600, "outlets": ["std/public_security__resident"], "after": ["land"]},
    }


def test_no_task_keeps_its_place_for_ever_and_each_waits_longer_before_it_is_tried_again(parsed: dict[str, Any]) -> None:
    tasks = [task for dag in parsed["dags"].values() for task in dag["tasks"].values()]
    assert all(task["limit"] and task["limit"] <= 4 * 3600 for task in tasks)
    assert {task["back_off"] for task in tasks} == {2.0}


def test_a_dataset_without_a_cron_runs_only_when_asked(parsed: dict[str, Any]) -> None:
    assert parsed["dags"]["collect__market_regulation__license"]["schedule"] == "NullTimetable"


def test_a_registry_is_published_after_any_of_its_datasets(parsed: dict[str, Any]) -> None:
    dag = parsed["dags"]["publish__population"]
    assert dag["conditions"] == "AssetAny"
    # And every morning: what happened while it was paused is nobody's event any more.
    assert (dag["schedule"], dag["cron"]) == ("AssetOrTimeSchedule", ["40 5 * * *", "Asia/Shanghai", "0:00:00"])
    assert dag["assets"] == ["std/health__birth", "std/public_security__resident"]
    assert list(dag["tasks"]) == ["publish"]


def test_a_running_task_builds_only_its_own_dag(tmp_path: Path) -> None:
    register(tmp_path, RESIDENT, LICENSE, BIRTH)
    found = parse(tmp_path, _AIRFLOW_PARSING_CONTEXT_DAG_ID="collect__health__birth", _AIRFLOW_PARSING_CONTEXT_TASK_ID="land")
    assert set(found["dags"]) == {"collect__health__birth"}


def test_a_dataset_that_has_ended_is_published_without_and_not_collected(tmp_path: Path) -> None:
    register(tmp_path, {**LICENSE, "collected": False})
    assert set(parse(tmp_path)["dags"]) == {"publish__legal_entity", "publish__certificate", "watch__hub", "purge__hub"}


def test_a_department_keeps_its_shard_and_is_in_exactly_one(tmp_path: Path) -> None:
    register(tmp_path, RESIDENT, LICENSE, BIRTH)
    in_shards = [read_registered(tmp_path / "registered", shard=shard, shards=SHARDS) for shard in range(SHARDS)]
    assert sorted(dataset.id for shard in in_shards for dataset in shard) == sorted(
        str(entry["id"]) for entry in (RESIDENT, LICENSE, BIRTH)
    )
    assert [shard_of(name, 4) for name in ("public_security", "tax", "health")] == [2, 2, 3]
    assert sorted(path.name for path in (REPOSITORY / "dags").glob("collect_*.py")) == [f"collect_{shard}.py" for shard in range(SHARDS)]


@pytest.mark.parametrize(
    "content",
    ['{"department": "tax", "datasets": [{"id": "tax__payer"', '{"department": "税务", "datasets": []}', '{"department": "tax"}', "[]", ""],
    ids=["half", "saved in another encoding", "of another form", "no object", "empty"],
)
def test_a_broken_file_of_one_department_leaves_the_others_their_dags(tmp_path: Path, content: str) -> None:
    register(tmp_path, RESIDENT)
    (tmp_path / "registered" / "tax.json").write_bytes(content.encode("gb18030"))
    with pytest.warns(UserWarning, match=r"registered/tax\.json cannot be used"):
        assert [dataset.id for dataset in read_registered(tmp_path / "registered")] == ["public_security__resident"]


def test_every_source_has_a_pool_of_its_own(tmp_path: Path) -> None:
    register(tmp_path, RESIDENT, LICENSE)
    assert pool_slots(settings_at(tmp_path)) == {"ps_db": 1, "mr_db": 1, "accept": 2, "publish": 2}


def test_before_any_registration_there_is_nothing(tmp_path: Path) -> None:
    assert read_registered(tmp_path / "registered") == ()
