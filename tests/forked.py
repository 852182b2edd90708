"""A process that forks one child for each line it is told, and kills that may come in between.

The program writes the number of the child, and when it has ended, how.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress


def run_child(
    process: "subprocess.Popen[str]", line: str, seconds: float | None = None, *, kill: Callable[[int, int], None] = os.kill
) -> int:
    """Have a child run, killed (with its group: `os.killpg`) after some seconds if given; returns how it ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    child = int(process.stdout.readline())
    if seconds is not None:
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    return int(process.stdout.readline())
