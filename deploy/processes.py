"""Processes this installation started, by pid and start time, so that leftovers of a killed run can be ended and nothing else ever is.

A pid alone is not enough: after a crash or a reboot it may belong to anybody. Every component leads a session of its own; its workers
and tasks stay in that session whatever process group they move to, so a session is what gets ended.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from core.errors import RequestError

# The operating system derives a start time from the boot time, which a clock correction moves a little.
SAME_START_SECONDS = 2.0
KILL_SECONDS = 3.0


class Recorded(BaseModel):
    """One process as it was when it was started; the leader of its session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pid: int
    started: float


@contextlib.contextmanager
def alone(lock_file: Path, refusal: str, hint: str) -> Iterator[None]:
    """Hold a lock for the block; it goes with the process, however that ends. Raises `RequestError` with these words where another has it."""
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(refusal, hint=hint) from None
        yield


def record(name: str, pid: int) -> Recorded:
    """Return what to remember of a running process. Raises `psutil.NoSuchProcess` if it is gone already."""
    return Recorded(name=name, pid=pid, started=psutil.Process(pid).create_time())


def is_alive(recorded: Recorded) -> bool:
    """True if exactly this process still runs: same pid, same start time, not a zombie."""
    try:
        process = psutil.Process(recorded.pid)
        same = abs(process.create_time() - recorded.started) < SAME_START_SECONDS
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def members(recorded: Recorded) -> list[psutil.Process]:
    """Return the living processes of the recorded session.

    The kernel gives a pid to nobody else while a session of that number has members; so if the leader is gone and members are there,
    they are ours. If the pid has a new owner with another start time, the session was empty before: none are ours.
    """
    found = [process for process in psutil.process_iter() if _session(process.pid) == recorded.pid and _is_running(process)]
    leader = [process for process in found if process.pid == recorded.pid]
    if leader and not is_alive(recorded):
        return []
    return [process for process in found if process.create_time() > recorded.started - SAME_START_SECONDS]


def end(recorded: Iterable[Recorded], grace_seconds: float = 10.0) -> list[str]:
    """Ask each leader to stop, wait, then kill whatever is left of the sessions. Return the names of those that were still there."""
    present = [entry for entry in recorded if members(entry)]
    for entry in present:
        if is_alive(entry):
            _signal(entry.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and any(is_alive(entry) for entry in present):
        time.sleep(0.1)
    for entry in present:
        for process in members(entry):
            _signal(process.pid, signal.SIGKILL)
    # A killed process gives its port and files back a moment later.
    deadline = time.monotonic() + KILL_SECONDS
    while time.monotonic() < deadline and any(members(entry) for entry in present):
        time.sleep(0.05)
    return [entry.name for entry in present]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
