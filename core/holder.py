"""Who holds something, as one text: `actor@machine/process id/start time of the process`.

A process id alone is not enough: after a crash or a restart it may belong to anybody.
"""

import os
import socket

import psutil


def me(actor: str = "") -> str:
    """This process, on behalf of an actor."""
    process = f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.0f}"
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
        return f"{psutil.Process(int(pid)).create_time():.0f}" == started
    except psutil.NoSuchProcess:
        return False


def words(holder: str) -> str:
    """The holder for a person to read: who, and which process to look for."""
    actor, _, _ = holder.rpartition("@")
    process = f"process {holder.rsplit('/', 2)[1]} on {_machine(holder)}"
    return f"{actor} ({process})" if actor else process


def _machine(holder: str) -> str:
    return holder.rpartition("@")[2].rsplit("/", 2)[0]
