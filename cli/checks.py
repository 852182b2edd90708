"""What `./hub test` runs: format, rules, types, import contracts, and the tests; each step says how long it took."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.settings import REPOSITORY

TOOLS = Path(sys.executable).parent
STATIC = (
    ("format", ("ruff", "format", "--check", ".")),
    ("rules", ("ruff", "check", ".")),
    ("imports", ("lint-imports",)),
    ("types", ("mypy",)),
)
# The longest tests first would leave a quick failure for last; the order of the folders is the order of the layers.
QUICK, ORDINARY, LONG = "not long and not slow", "not long", ""


def run_all(*, quick: bool, long: bool) -> int:
    """Run every step, also after one has failed, and return 0 if all passed."""
    marker = QUICK if quick else LONG if long else ORDINARY
    steps = [*STATIC, ("tests", _pytest(marker, parallel=not long))]
    failed = [name for name, command in steps if not _passes(name, command)]
    print(f"hub test: {'all steps passed' if not failed else 'failed: ' + ', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _pytest(marker: str, *, parallel: bool) -> tuple[str, ...]:
    # Two workers, a file to each at a time: fixtures of a module (a database, a filled hub) are made once.
    workers = ("-n", "2", "--dist", "loadfile") if parallel else ()
    return ("pytest", "-q", *workers, *(("-m", marker) if marker else ()))


def _passes(name: str, command: Sequence[str]) -> bool:
    print(f"hub test: {name}", flush=True)
    begun = time.monotonic()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "GX_ANALYTICS_ENABLED": "false"}
    status = subprocess.run([str(TOOLS / command[0]), *command[1:]], cwd=REPOSITORY, env=environment, check=False).returncode
    print(f"hub test: {name} {'passed' if status == 0 else 'FAILED'} after {time.monotonic() - begun:.0f} s", flush=True)
    return status == 0
