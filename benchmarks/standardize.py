"""What standardizing costs: every population element, and the elements of before the standard was completed, then and now.

A million mixed rows; processor seconds, each part in a process of its own, beside the limit: the engine copying the same columns from Parquet
to Parquet. The version of before is taken out of the repository's history; where there is none (a copy without it), that part is left out.
Then and now run in turn, several times, and the smaller times count: other work on the machine only ever adds.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from core.engine import literal, quote
from core.errors import HubError
from core.settings import REPOSITORY

SEED = 1
# The last version with the first, small standard.
BEFORE = "14e10f8"
ROUNDS = 3
LARGEST_GROWTH = 1.2


@dataclass(frozen=True)
class Part:
    """One set of columns standardized by one version; processor seconds, those of the limit beside them."""

    title: str
    columns: int
    rows: int
    seconds: float
    limit: float

    @property
    def ratio(self) -> float:
        """How many times the limit it takes."""
        return self.seconds / self.limit


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document. `people` is the number of rows."""
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as folder:
        parts = measure(people, Path(folder))
    growth = parts[1].seconds / parts[2].seconds if len(parts) > 2 else None
    if as_json:
        print(json.dumps({"parts": [{**asdict(part), "ratio": part.ratio} for part in parts], "growth": growth}))
        return
    _show(parts, growth)


def measure(rows: int, folder: Path) -> list[Part]:
    """All elements now; the elements of before, now and then (the last only where the history is there)."""
    path = folder / "rows.parquet"
    _python(
        "-c", f"from benchmarks.mixed_rows import *; write_mixed_rows({rows}, {SEED}, Path({str(path)!r}))", tree=REPOSITORY, home=folder
    )
    before = _earlier(folder / "before")
    shared: list[str] = _standardized(before, path, folder)["columns"] if before else []
    now, then, whole = [], [], []
    for _ in range(ROUNDS):
        whole.append(_standardized(REPOSITORY, path, folder))
        if before:
            now.append(_standardized(REPOSITORY, path, folder, *shared))
            then.append(_standardized(before, path, folder, *shared))
    titles = ("every element, now", f"the {len(shared)} elements of before, now", "the same, before")
    return [_part(title, found, path) for title, found in zip(titles, (whole, now, then), strict=True) if found]


def _part(title: str, found: list[dict[str, Any]], path: Path) -> Part:
    best = min(found, key=lambda one: float(one["seconds"]))
    limit = min(_copied(path, best["columns"]) for _ in range(ROUNDS))
    return Part(title, len(best["columns"]), best["rows"], best["seconds"], limit)


def _copied(path: Path, columns: list[str]) -> float:
    """Processor seconds of copying the columns."""
    target = path.with_name("copy.parquet")
    with duckdb.connect(config={"threads": min(4, os.cpu_count() or 1)}) as connection:
        began = time.process_time()
        names = ", ".join(map(quote, columns))
        connection.execute(
            f"COPY (SELECT {names} FROM read_parquet({literal(str(path))})) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
        )
        return time.process_time() - began


def _earlier(folder: Path) -> Path | None:
    """The version of before, with today's measuring part in it; None where the history does not reach there."""
    if shutil.which("git") is None:
        return None
    packed = subprocess.run(["git", "archive", BEFORE], cwd=REPOSITORY, capture_output=True, check=False)  # noqa: S607
    if packed.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(folder, filter="data")
    shutil.copy(REPOSITORY / "benchmarks" / "standardizing.py", folder / "benchmarks")
    return folder


def _standardized(tree: Path, path: Path, folder: Path, *columns: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        _python("-m", "benchmarks.standardizing", str(path), *columns, tree=tree, home=folder / "home").splitlines()[-1]
    )
    return found


def _python(*arguments: str, tree: Path, home: Path) -> str:
    environment = {**os.environ, "HUB_HOME": str(home)}
    done = subprocess.run([sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HubError(f"the benchmark's part {' '.join(arguments[:2])} failed", hint=done.stderr[-2000:])
    return done.stdout


def _show(parts: list[Part], growth: float | None) -> None:
    table = Table(title=f"Standardizing {parts[0].rows:,} mixed rows")
    table.add_column("columns")
    for name in ("CPU s", "limit", "× limit", "µs/row", "ns/value"):
        table.add_column(name, justify="right")
    for part in parts:
        row = part.seconds / part.rows * 1e6
        figures = (f"{part.seconds:,.2f}", f"{part.limit:,.2f}", f"{part.ratio:.2f}", f"{row:,.2f}", f"{row * 1e3 / part.columns:,.0f}")
        table.add_row(part.title, *figures)
    console = Console()
    console.print(table)
    if growth is None:
        console.print("The version of before is not in this copy's history: nothing to compare with.")
    else:
        console.print(
            f"{'✓' if growth <= LARGEST_GROWTH else '✗'} the same columns, now against before: {growth:.2f} times (aim {LARGEST_GROWTH})"
        )
