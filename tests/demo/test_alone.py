"""Two demos at once, or one beside a running hub: the second is refused, and does nothing to the first."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator

import pytest

from core.errors import RequestError
from demo import story
from deploy.environment import airflow_folder
from deploy.local import stop
from deploy.processes import is_alive, record
from deploy.record import Record, load_record, save_record
from tests.factories import Hub


@pytest.fixture
def alive() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of somebody else."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.fixture
def untouched(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is begun and nothing is stopped."""
    monkeypatch.setenv("HUB_HOME", str(hub.home.settings.home))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the first demo was touched")

    for name in ("demo.story._run", "demo.story.local.stop", "demo.story.postgres.stop"):
        monkeypatch.setattr(name, never)


@pytest.mark.usefixtures("untouched")
def test_a_demo_beside_another_is_refused(hub: Hub) -> None:
    with (hub.home.settings.home / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RequestError, match="Another demo") as refused:
            story.tell(400, 7, serve=False, as_json=True)
    assert "HUB_HOME" in refused.value.hint


@pytest.mark.usefixtures("untouched")
def test_a_demo_beside_a_running_hub_is_refused_and_leaves_it_running(hub: Hub, alive: "subprocess.Popen[bytes]") -> None:
    settings = hub.home.settings
    airflow_folder(settings).mkdir(parents=True, exist_ok=True)
    mine = Record(port=18_099, owner=record("owner", alive.pid), processes=(record("launcher", alive.pid),))
    save_record(settings, mine)
    with pytest.raises(RequestError, match=f"started by process {alive.pid}"):
        story.tell(400, 7, serve=False, as_json=True)
    assert stop(settings) == []
    assert is_alive(mine.owner)
    assert load_record(settings) == mine


def test_a_demo_that_has_ended_is_in_nobodys_way(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HOME", str(hub.home.settings.home))
    ended = []

    def failing(*_: object) -> None:
        ended.append(True)
        raise RequestError("the department is closed")

    monkeypatch.setattr("demo.story._run", failing)
    for _ in range(2):
        with pytest.raises(RequestError, match="closed"):
            story.tell(400, 7, serve=False, as_json=True)
    assert len(ended) == 2
