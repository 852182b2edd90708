"""What `./hub test` runs: format, rules, types, import contracts, and the tests; each step says how long it took."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from cli.output import print_json
from core.settings import REPOSITORY

TOOLS = Path(sys.executable).parent
STATIC = (
    ("format", ("ruff", "format", "--check", ".")),
    ("rules", ("ruff", "check", ".")),
    ("imports", ("lint-imports",)),
)
# It keeps one core busy for a minute where nothing is cached: it works beside the others, and is heard last.
TYPES = ("types", ("mypy",))
# The longest tests first would leave a quick failure for last; the order of the folders is the order of the layers.
QUICK, ORDINARY, LONG = "not long and not slow", "not long", ""


@dataclass(frozen=True)
class Step:
    """One step that was run."""

    name: str
    passed: bool
    seconds: float


def run_all(*, quick: bool, long: bool, as_json: bool = False) -> int:
    """Run every step, also after one has failed, and return 0 if all passed. As JSON, what the tools say goes to standard error."""
    marker = QUICK if quick else LONG if long else ORDINARY
    said = sys.stderr if as_json else sys.stdout
    with tempfile.TemporaryFile("w+", encoding="utf-8") as kept, ThreadPoolExecutor(1) as beside:
        types = beside.submit(_run, *TYPES, kept)
        steps = [_run(name, command, said) for name, command in (*STATIC, ("tests", _pytest(marker, parallel=not long)))]
        steps.append(types.result())
        kept.seek(0)
        shutil.copyfileobj(kept, said)
    failed = [step.name for step in steps if not step.passed]
    print(f"hub test: {'all steps passed' if not failed else 'failed: ' + ', '.join(failed)}", file=said, flush=True)
    if as_json:
        print_json([asdict(step) for step in steps])
    return 1 if failed else 0


def _pytest(marker: str, *, parallel: bool) -> tuple[str, ...]:
    # Two workers, a file to each at a time: fixtures of a module (a database, a filled hub) are made once.
    workers = ("-n", "2", "--dist", "loadfile") if parallel else ()
    return ("pytest", "-q", *workers, *(("-m", marker) if marker else ()))


def _run(name: str, command: Sequence[str], said: TextIO) -> Step:
    print(f"hub test: {name}", file=said, flush=True)
    begun = time.monotonic()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "GX_ANALYTICS_ENABLED": "false"}
    command = [str(TOOLS / command[0]), *command[1:]]
    status = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False, stdout=said).returncode
    step = Step(name, status == 0, round(time.monotonic() - begun, 1))
    print(f"hub test: {name} {'passed' if step.passed else 'FAILED'} after {step.seconds:.0f} s", file=said, flush=True)
    return step
