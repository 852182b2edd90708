"""Starting, finding and stopping Airflow, without starting it; and once for real."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import RequestError
from core.settings import Settings
from deploy import local, runs
from deploy.environment import airflow_environment, airflow_folder, load_secrets
from deploy.processes import members, record
from deploy.record import Record, add_process, load_record, save_record
from tests.deploy.helpers import settings_at


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    assert load_secrets(settings) == load_secrets(settings)
    assert len(set(load_secrets(settings).values())) == 4
    airflow_environment(settings, 18080)
    for name in ("secrets.json", "passwords.json"):
        assert stat.S_IMODE((airflow_folder(settings) / name).stat().st_mode) == 0o600


def test_two_installations_share_nothing(tmp_path: Path) -> None:
    one, two = (airflow_environment(settings_at(tmp_path / name), port) for name, port in (("one", 18080), ("two", 18081)))
    own = {name for name in one if name.startswith("AIRFLOW__") and name not in os.environ} - {"AIRFLOW__CORE__PARALLELISM"}
    own -= {name for name in own if "CONNECT_ARGS" in name}
    assert len(own) == 10
    assert not [name for name in own if one[name] == two[name]]


def test_what_the_operator_has_set_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg://db/airflow")
    environment = airflow_environment(settings_at(tmp_path), 18080)
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql+psycopg://db/airflow"
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_a_task_makes_the_same_settings_from_its_environment(tmp_path: Path) -> None:
    from core.settings import load_settings

    settings = settings_at(tmp_path, HUB_CATALOG_URL="postgresql://db/catalog", HUB_MEMORY_MB="512", HUB_AIRFLOW_PORT="19000")
    again = load_settings(airflow_environment(settings, 19001))
    assert again == settings.model_copy(update={"actor": "scheduler"})


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        assert taken < local.free_port(taken) < taken + 100


def test_nothing_runs_before_the_first_start(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    assert local.running(settings) is None
    assert local.stop(settings) == []


def test_the_record_keeps_one_process_per_component(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    this = record("launcher", os.getpid())
    save_record(settings, Record(port=18080, owner=this, processes=(this,)))
    for started in (1.0, 2.0):
        add_process(settings, this.model_copy(update={"name": "scheduler", "started": started}))
    recorded = load_record(settings)
    assert recorded is not None
    assert [(process.name, process.started) for process in recorded.processes[1:]] == [("scheduler", 2.0)]


def test_leftovers_of_a_killed_run_are_ended_by_the_next_start(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as left:
        owner = record("owner", left.pid).model_copy(update={"started": 1.0})
        save_record(settings, Record(port=18080, owner=owner, processes=(record("scheduler", left.pid),)))
        told: list[str] = []
        local._end_leftovers(settings, told.append)
        assert left.wait(5) < 0
    assert told == ["ended leftovers of an earlier run: scheduler"]
    assert load_record(settings) is None


def test_what_another_living_command_runs_is_not_touched(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    load_secrets(settings)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as other:
        owner = record("owner", os.getppid())
        save_record(settings, Record(port=18080, owner=owner, processes=(record("launcher", other.pid),)))
        with pytest.raises(RequestError, match="already running here"):
            local._end_leftovers(settings, lambda _: None)
        assert other.poll() is None
        other.kill()


STAGES = {
    "land": "def land(contract_id):\n    if contract_id == 'tax__payer':\n"
    "        from core.errors import SourceError\n        raise SourceError('tax is down')\n    return 'batch-1'\n",
    "accept": "import sys\n\ndef accept(batch_id):\n    assert batch_id == 'batch-1' and 'great_expectations' in sys.modules\n",
    "publish": "def publish(registry):\n    assert registry == 'population'\n",
    "link": "class Linked:\n    judged = 0\n\ndef link(registry):\n    return Linked\n",
}


# Lands nothing at the first call and never ends.
STALLS_ONCE = """
import time
from pathlib import Path

def land(contract_id):
    called = Path(__file__).with_name("called")
    if not called.exists():
        called.touch()
        time.sleep(600)
    return "batch-1"
"""


def installation(folder: Path, monkeypatch: pytest.MonkeyPatch, stages: Mapping[str, str], *datasets: str) -> Settings:
    """The settings of an installation in which these datasets are registered and whose stages are stubs."""
    (folder / "stubs" / "pipeline").mkdir(parents=True)
    for name, text in {"__init__": "", **stages}.items():
        (folder / "stubs" / "pipeline" / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder / "stubs"))
    settings = settings_at(folder / "home")
    settings.registered.mkdir(parents=True)
    entry = {"title": "t", "feeds": ["population"], "cron": None, "retries": 3, "retry_seconds": 1, "pool": "db"}
    for dataset in datasets:
        department = dataset.partition("__")[0]
        (settings.registered / f"{department}.json").write_text(
            json.dumps({"department": department, "datasets": [{**entry, "id": dataset}]})
        )
    return settings


@pytest.mark.long
def test_real_processes_collect_publish_and_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One department is down; the other's dataset is collected and its registry published all the same."""
    settings = installation(tmp_path, monkeypatch, STAGES, "tax__payer", "health__birth")
    started = local.start(settings)
    try:
        triggered = runs.trigger(started.api, ["collect__tax__payer", "collect__health__birth"], "test")
        states = {run.dag_id: run.state for run in runs.wait(started.api, triggered, seconds=120)}
        assert states == {"collect__tax__payer": "failed", "collect__health__birth": "success", "publish__population": "success"}
        land = started.api.get("/api/v2/dags/collect__tax__payer/dagRuns/test__collect__tax__payer/taskInstances/land")
        assert land["try_number"] == 1
    finally:
        ended = local.stop(settings)
    assert ended == ["launcher"]
    assert local.running(settings) is None


@pytest.mark.long
def test_what_a_killed_run_left_half_done_starts_anew_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until Airflow has missed the heartbeats of processes that are known to be gone: here it never would."""
    settings = installation(tmp_path, monkeypatch, {**STAGES, "land": STALLS_ONCE}, "health__birth")
    for name in ("TASK_INSTANCE_HEARTBEAT_TIMEOUT", "ORPHANED_TASKS_CHECK_INTERVAL"):
        monkeypatch.setenv(f"AIRFLOW__SCHEDULER__{name}", "36000")
    started = local.start(settings)
    triggered = runs.trigger(started.api, ["collect__health__birth"], "test")
    while not (tmp_path / "stubs" / "pipeline" / "called").exists():
        time.sleep(0.2)
    recorded = load_record(settings)
    assert recorded is not None
    for process in [process for leader in recorded.processes for process in members(leader)]:
        process.kill()
    started = local.start(settings)
    try:
        states = {run.dag_id: run.state for run in runs.wait(started.api, triggered, seconds=240)}
    finally:
        local.stop(settings)
    assert states == {"collect__health__birth": "success", "publish__population": "success"}
