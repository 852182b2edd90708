"""Airflow on one machine: start it, find it, stop it.

`airflow standalone` is not used: ended by a signal it leaves its children behind, holding the ports. Here every component leads a
session of its own and is recorded by pid and start time; a later start ends what a killed run has left.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from core.errors import RequestError, StoreError
from core.settings import REPOSITORY, Settings, prepare_home
from deploy.airflow_api import AirflowApi
from deploy.environment import ADMIN, airflow_environment, airflow_folder, load_secrets, logs_folder
from deploy.processes import alone, end, is_alive, record
from deploy.record import Record, load_record, record_path, save_record

Progress = Callable[[str], None]
START_SECONDS = 180.0
# Log files above this size are set aside once, at the next start.
LARGEST_LOG = 20 * 1024 * 1024
# Launchers started by this process: a child has to be waited for by its parent.
_launched: "list[subprocess.Popen[bytes]]" = []


@dataclass(frozen=True)
class Running:
    """A running Airflow: where its pages are and how to sign in."""

    port: int
    url: str
    user: str
    password: str
    pids: dict[str, int]

    @property
    def api(self) -> AirflowApi:
        """Its REST interface, on loopback."""
        return AirflowApi(self.url, self.user, self.password)


def start(settings: Settings, progress: Progress = lambda _: None) -> Running:
    """Start Airflow and return when it is healthy.

    Raises `RequestError` if another living command runs it already, `StoreError` if it does not become healthy.
    """
    prepare_home(settings)
    for folder in (airflow_folder(settings), logs_folder(settings), logs_folder(settings) / "tasks"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _starting(settings):
        _end_leftovers(settings, progress)
        port = free_port(settings.airflow_port)
        progress(f"starting Airflow on port {port}")
        launcher = _launch(settings, port)
        owner = record("owner", os.getpid())
        save_record(settings, Record(port=port, owner=owner, processes=(record("launcher", launcher.pid),)))
    try:
        _wait_until_healthy(settings, launcher, progress)
    except BaseException:
        stop(settings)
        raise
    found = running(settings)
    if found is None:
        raise _not_started(settings)
    return found


def running(settings: Settings) -> Running | None:
    """Return the running Airflow of this installation, or None. Looks at the recorded processes only; quick."""
    recorded = load_record(settings)
    if recorded is None or not any(is_alive(process) for process in recorded.processes if process.name == "launcher"):
        return None
    return Running(
        port=recorded.port,
        url=f"http://127.0.0.1:{recorded.port}",
        user=ADMIN,
        password=load_secrets(settings)["admin_password"],
        pids={process.name: process.pid for process in recorded.processes},
    )


def stop(settings: Settings, progress: Progress = lambda _: None) -> list[str]:
    """End every recorded process, and what they have started, unless they are another living command's. Returns the names of those still there."""
    recorded = load_record(settings)
    if recorded is None or _other_owner(settings):
        return []
    progress("stopping Airflow")
    # The launcher first: it would start the others again.
    launcher = [process for process in recorded.processes if process.name == "launcher"]
    ended = end(launcher, grace_seconds=15.0)
    rest = (load_record(settings) or recorded).processes
    ended += end([process for process in rest if process.name != "launcher"], grace_seconds=5.0)
    record_path(settings).unlink(missing_ok=True)
    _reap()
    return ended


def free_port(wished: int) -> int:
    """Return the wished port, or the next free one above it: another installation may hold it."""
    for port in range(wished, wished + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RequestError(f"No free port between {wished} and {wished + 99}.", hint="name a free one in HUB_AIRFLOW_PORT")


def _starting(settings: Settings) -> AbstractContextManager[None]:
    """Let one command at a time start Airflow on this state folder."""
    return alone(
        airflow_folder(settings) / "start.lock", "Another command is starting Airflow here at this moment.", "wait for it, or stop it"
    )


def check_free(settings: Settings) -> None:
    """Raise `RequestError` if another living command runs Airflow on this state folder."""
    if other := _other_owner(settings):
        raise RequestError(
            f"Airflow is already running here, started by process {other}.",
            hint="use it, end that command, or take another state folder (HUB_HOME)",
        )


def _other_owner(settings: Settings) -> int | None:
    """The process of another living command that runs Airflow on this state folder."""
    recorded = load_record(settings)
    if recorded is None or recorded.owner.pid == os.getpid() or not (is_alive(recorded.owner) and running(settings)):
        return None
    return recorded.owner.pid


def _end_leftovers(settings: Settings, progress: Progress) -> None:
    check_free(settings)
    if ended := stop(settings):
        progress(f"ended leftovers of an earlier run: {', '.join(ended)}")


def _launch(settings: Settings, port: int) -> "subprocess.Popen[bytes]":
    for log in logs_folder(settings).glob("*.log"):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
    with (logs_folder(settings) / "launcher.log").open("ab") as log_file:
        launcher = subprocess.Popen(
            [sys.executable, "-P", "-m", "deploy.launcher"],
            cwd=REPOSITORY,
            env=airflow_environment(settings, port),
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )
    _launched.append(launcher)
    return launcher


def _reap() -> None:
    """Take note of launchers of this process that have ended, so that the system can forget them."""
    _launched[:] = [launcher for launcher in _launched if launcher.poll() is None]


def _wait_until_healthy(settings: Settings, launcher: "subprocess.Popen[bytes]", progress: Progress) -> None:
    """Report each component once, as it becomes healthy."""
    begun, reported = time.monotonic(), set[str]()
    while time.monotonic() - begun < START_SECONDS:
        if launcher.poll() is not None:
            raise _not_started(settings)
        found = running(settings)
        started = set(found.pids) - {"launcher"} if found else set()
        healthy = found.api.healthy() if found and "api-server" in started else set()
        for name in sorted(healthy & started - reported):
            reported.add(name)
            progress(f"{name} is healthy ({time.monotonic() - begun:.0f} s)")
        if reported >= {"api-server", "dag-processor", "scheduler"}:
            return
        time.sleep(0.3)
    raise _not_started(settings)


def _not_started(settings: Settings) -> StoreError:
    return StoreError("Airflow did not become healthy.", hint=f"read the logs in {logs_folder(settings)}", transient=True)
