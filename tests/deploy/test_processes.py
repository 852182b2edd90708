"""Leftovers are ended by pid and start time, with everything in their session, and nothing else is touched."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from deploy.processes import Recorded, end, is_alive, members, record

# A leader that starts a child in another process group, prints the child's pid, and ignores requests to stop.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], process_group=0)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def leader() -> "Iterator[tuple[subprocess.Popen[str], int]]":
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    with process:
        child = int(process.stdout.readline())
        recorded = record("test", process.pid)
        yield process, child
        end([recorded], grace_seconds=0)


def test_a_stubborn_process_is_killed_with_its_whole_session(leader: "tuple[subprocess.Popen[str], int]") -> None:
    process, child = leader
    recorded = record("scheduler", process.pid)
    assert {entry.pid for entry in members(recorded)} == {process.pid, child}
    assert end([recorded], grace_seconds=0.2) == ["scheduler"]
    assert process.wait(5) < 0
    # A killed child is listed until the system has taken it away.
    deadline = time.monotonic() + 5
    while members(recorded) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert members(recorded) == []


def test_children_left_by_a_killed_leader_are_found(leader: "tuple[subprocess.Popen[str], int]") -> None:
    process, child = leader
    recorded = record("scheduler", process.pid)
    process.kill()
    process.wait(5)
    assert not is_alive(recorded)
    assert [entry.pid for entry in members(recorded)] == [child]
    assert end([recorded], grace_seconds=0.1) == ["scheduler"]
    assert members(recorded) == []


def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(leader: "tuple[subprocess.Popen[str], int]") -> None:
    process, _ = leader
    earlier = record("scheduler", process.pid).model_copy(update={"started": time.time() - 3600})
    assert not is_alive(earlier)
    assert end([earlier], grace_seconds=0.1) == []
    assert process.poll() is None


def test_nothing_is_left_of_a_process_that_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True) as process:
        recorded = Recorded(name="x", pid=process.pid, started=time.time())
    assert not is_alive(recorded)
    assert end([recorded]) == []
