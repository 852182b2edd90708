"""Who holds something, as one text: `actor@machine/process id/start time of the process`.

A process id alone is not enough: after a crash or a restart it may belong to anybody.
"""

import os
import socket
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START_TICKS = 0, 19  # proc(5): state is the 3rd field, starttime the 22nd, and these count from 0 behind the second
# What has ended stays listed until its parent asks for its status. In a container the first process often never asks, and whatever a killed
# process held would be held for good.
_ENDED = ("Z", "X")


def me(actor: str = "") -> str:
    """This process, on behalf of an actor."""
    process = f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"
    return f"{actor}@{process}" if actor else process


def is_here(holder: str) -> bool:
    """Whether the holder runs on this machine, so that it can be asked whether it lives."""
    return _machine(holder) == socket.gethostname()


def is_alive(holder: str) -> bool:
    """Whether the holder may still run: on this machine by process id and start time, elsewhere it is believed to."""
    _, pid, started = holder.rsplit("/", 2)
    if not is_here(holder):
        return True
    try:
        return (_started_by_the_clock if started.isdigit() else _started)(int(pid)) == started
    except psutil.NoSuchProcess:
        return False


def _started(pid: int) -> str:
    """When a process started: which run of the system and how far into it, as the kernel counts. By the clock it would be another time, and
    another process, whenever somebody sets the clock.
    """
    if not _BOOT.exists():
        return _started_by_the_clock(pid)
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    if told[_STATE] in _ENDED:
        raise psutil.NoSuchProcess(pid)
    return f"{_BOOT.read_text(encoding='ascii')[:8]}.{told[_START_TICKS]}"


def _started_by_the_clock(pid: int) -> str:
    process = psutil.Process(pid)
    if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
        raise psutil.NoSuchProcess(pid)
    return f"{process.create_time():.0f}"


def words(holder: str) -> str:
    """The holder for a person to read: who, and which process to look for."""
    actor, _, _ = holder.rpartition("@")
    process = f"process {holder.rsplit('/', 2)[1]} on {_machine(holder)}"
    return f"{actor} ({process})" if actor else process


def _machine(holder: str) -> str:
    return holder.rpartition("@")[2].rsplit("/", 2)[0]
