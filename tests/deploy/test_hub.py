"""What is noticed when components die: by the launcher, and by the command that started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import StoreError
from core.settings import load_settings
from deploy import hub, local
from deploy.launcher import MOST_RESTARTS, RESTART_SECONDS, needs_a_human, supervise
from deploy.processes import record
from deploy.record import Record, load_record, save_record


def test_only_what_dies_often_within_a_short_time_needs_a_human() -> None:
    at_once = [100.0 + moment for moment in range(MOST_RESTARTS + 1)]
    assert needs_a_human(at_once, 110.0)
    assert not needs_a_human(at_once[1:], 110.0)
    assert not needs_a_human(at_once, 110.0 + RESTART_SECONDS)
    now_and_then = [RESTART_SECONDS * day for day in range(100)]
    assert not needs_a_human(now_and_then, now_and_then[-1])


@pytest.fixture
def termination() -> Iterator[None]:
    """The command answers to TERM and HUP in its own way; afterwards it is as it was."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("termination")
def test_pools_that_could_not_be_made_are_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose pool is missing would wait for ever."""
    settings, forked = load_settings({"HUB_HOME": str(tmp_path)}), list[str]()
    settings.registered.mkdir()
    (settings.registered / "health.json").write_text("{}")

    def fork(name: str, *_: object) -> int:
        forked.append(name)
        if len(forked) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return len(forked)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("deploy.launcher.fork", fork)
    reaped = [{}, {1: 256}]
    monkeypatch.setattr("deploy.launcher._reap", lambda: reaped.pop(0) if reaped else {})
    monkeypatch.setattr("deploy.launcher.POOLS_AGAIN_SECONDS", 0.1)
    assert supervise({}, settings) == 0
    signal.signal(signal.SIGINT, before)
    assert forked == ["database", "database"]


@pytest.mark.usefixtures("termination")
def test_the_portal_does_not_go_on_alone_when_airflow_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("portal.serve.WATCH_SECONDS", 0.1)
    settings = load_settings()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as launcher:

        def started(*_: object) -> local.Running:
            process = record("launcher", launcher.pid)
            save_record(settings, Record(port=1, owner=record("owner", launcher.pid), processes=(process,)))
            return local.Running(1, "http://127.0.0.1:1", "admin", "x", {"launcher": launcher.pid})

        def ready(text: str, **_: object) -> None:
            if text.startswith("the portal: "):
                launcher.kill()
                launcher.wait()

        monkeypatch.setattr("deploy.local.start", started)
        monkeypatch.setattr("builtins.print", ready)
        with pytest.raises(StoreError, match="Airflow has ended by itself") as raised:
            hub.run_hub()
    assert "launcher.log" in raised.value.hint
    assert load_record(settings) is None


@pytest.mark.usefixtures("termination")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_airflow_is_ended_also_when_the_terminal_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """Nobody reads any more what is said then."""
    monkeypatch.setenv("HUB_HOME", str(tmp_path / "home"))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    stopped = list[bool]()

    def closed(text: str, **_: object) -> None:
        if text.startswith("the portal: "):
            signal.raise_signal(number)
        if stopped:
            raise OSError

    def stop(_settings: object, say: Callable[[str], None]) -> None:
        stopped.append(True)
        say("stopping Airflow")
        signal.raise_signal(number)
        stopped.append(False)

    monkeypatch.setattr("deploy.local.start", lambda *_: local.Running(1, "http://127.0.0.1:1", "admin", "x", {}))
    monkeypatch.setattr("deploy.local.stop", stop)
    monkeypatch.setattr("builtins.print", closed)
    with pytest.raises(SystemExit) as ended:
        hub.run_hub()
    assert (ended.value.code, stopped) == (0, [True, False])
