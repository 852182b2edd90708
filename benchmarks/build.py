"""The whole build after landing, in processor seconds: beside its limit, its floor, and what a user would write instead.

Every part runs in a process of its own, one after the other on the same machine; of several runs the median counts. The limit is the engine
copying the landed Parquet with the same codec and threads; the floor is the engine leaving behind what every build has to, with no rule of the
standard (`benchmarks.floor`). The comparison runs on a sample, since it takes longer than anyone would wait.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.hub import CORE, STEPS
from core.errors import HubError
from core.settings import REPOSITORY

SEED = 1
SAMPLE_PEOPLE = 50_000
LIMIT_RUNS = 3
HUB_RUNS = 3  # an odd number, so that the median is one of them
LARGEST_RATIO, LARGEST_CORE_RATIO, LEAST_SPEEDUP, LARGEST_PEAK_MB = 8.0, 4.0, 12.0, 4096.0
LARGEST_OVER_FLOOR = 2.5


@dataclass(frozen=True)
class Result:
    """What was measured; seconds are the processor's, of all threads, user and system."""

    people: int
    hub: dict[str, Any]
    limit: float
    floor: dict[str, float]
    pandas: dict[str, float]

    @property
    def total(self) -> float:
        """All stages after landing; imports and building of statements are not among them, they happen once while Airflow starts."""
        return float(sum(self.hub["steps"].values()))

    @property
    def core(self) -> float:
        """Standardizing, resolving and writing."""
        return float(sum(self.hub["steps"][name] for name in CORE))

    @property
    def over_floor(self) -> float:
        """All stages, in floors."""
        return self.total / self.floor["seconds"]

    @property
    def pandas_total(self) -> float:
        """The comparison as a whole."""
        return sum(seconds for name, seconds in self.pandas.items() if name not in ("rows", "entities"))

    @property
    def speedup(self) -> float:
        """How many times less the hub works on a row."""
        return (self.pandas_total / self.pandas["rows"]) / (self.total / float(self.hub["landed"]))


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document."""
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as folder:
        result = measure(people, Path(folder))
    summary = {
        "people": people,
        **result.hub,
        "limit": result.limit,
        "floor": result.floor,
        "pandas": result.pandas,
        "total": result.total,
        "ratio": result.total / result.limit,
        "core_ratio": result.core / result.limit,
        "over_floor": result.over_floor,
        "speedup": result.speedup,
    }
    if as_json:
        print(json.dumps(summary))
    else:
        _show(result)


def measure(people: int, folder: Path) -> Result:
    """Make the city, land it, build, and measure limit and comparison."""
    sample = min(people, SAMPLE_PEOPLE)
    for name, count in (("city", people), ("sample", sample)):
        run_python("-c", f"from demo.benchmark_city import *; benchmark_city({count}, {SEED}, Path({str(folder / name)!r}))", home=folder)
    home = folder / "hub"
    run_python("-m", "benchmarks.landing", str(folder / "city"), home=home)
    # All of them several times, and the limit before and after: the same work takes a fifth more or less on the same machine within hours.
    limits = [measured("benchmarks.limit", home=home) for _ in range(LIMIT_RUNS)]
    floors = [measured("benchmarks.floor", home=home)]
    builds = [_built(home, folder / f"hub-{run}") for run in range(HUB_RUNS)]
    hub = sorted(builds, key=lambda build: sum(build["steps"].values()))[HUB_RUNS // 2]
    floors.append(measured("benchmarks.floor", home=home))
    limits += [measured("benchmarks.limit", home=home) for _ in range(LIMIT_RUNS)]
    (folder / "pandas").mkdir()
    pandas = measured("benchmarks.pandas_pipeline", str(folder / "sample"), str(folder / "pandas"), home=home)
    floor = {**floors[0], "seconds": median(item["seconds"] for item in floors)}
    return Result(people, hub, median(limits), floor, pandas)


def _built(landed: Path, home: Path) -> Any:
    """What the hub's part says of a build in a home of its own, of what was landed in another."""
    shutil.copytree(landed, home)
    try:
        return measured("benchmarks.hub", home=home)
    finally:
        shutil.rmtree(home)


def measured(module: str, *arguments: str, home: Path) -> Any:
    """What a part of a benchmark prints last, as JSON, run in a process of its own."""
    return json.loads(run_python("-m", module, *arguments, home=home).splitlines()[-1])


def run_python(*arguments: str, home: Path) -> str:
    """What Python prints with these arguments and this home."""
    environment = {**os.environ, "HUB_HOME": str(home), "GX_ANALYTICS_ENABLED": "false"}
    done = subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HubError(f"the benchmark's part {' '.join(arguments[:2])} failed", hint=done.stderr[-2000:])
    return done.stdout


def _show(result: Result) -> None:
    hub, landed = result.hub, result.hub["landed"]
    table = Table(title=f"Build of {landed:,} landed rows of {result.people:,} people")
    table.add_column("stage")
    for name in ("CPU s", "× limit", "µs/row", "rows/CPU s"):
        table.add_column(name, justify="right")
    for step, title in STEPS.items():
        _line(table, title, hub["steps"][step], landed, result.limit)
    table.add_section()
    _line(table, "all stages", result.total, landed, result.limit)
    _line(table, "of which standardize, resolve, merge, write", result.core, landed, result.limit)
    _line(table, "limit: the landed Parquet copied", result.limit, landed, result.limit)
    _line(table, "floor: the same outputs with no rule of the standard", result.floor["seconds"], landed, result.limit)
    table.add_section()
    rows = int(result.pandas["rows"])
    _line(table, f"pandas + python-stdnum + GX on {rows:,} rows", result.pandas_total, rows, None)
    console = Console()
    console.print(table)
    for text, value, bound, holds in (
        ("all stages, times the limit", result.total / result.limit, LARGEST_RATIO, result.total <= LARGEST_RATIO * result.limit),
        (
            "standardize, resolve and write, times the limit",
            result.core / result.limit,
            LARGEST_CORE_RATIO,
            result.core <= LARGEST_CORE_RATIO * result.limit,
        ),
        (
            "all stages, times the floor",
            result.over_floor,
            LARGEST_OVER_FLOOR,
            result.over_floor <= LARGEST_OVER_FLOOR,
        ),
        ("less work per row than pandas, times", result.speedup, LEAST_SPEEDUP, result.speedup >= LEAST_SPEEDUP),
        ("peak memory of the stages, MB", hub["peak_mb"], LARGEST_PEAK_MB, hub["peak_mb"] <= LARGEST_PEAK_MB),
    ):
        console.print(f"{'✓' if holds else '✗'} {text}: {value:,.1f} (aim {bound:,g})")
    console.print(
        f"Imports and statements of the standard, once while Airflow starts and not counted: {hub['imports']:.1f} CPU s. "
        f"Entities {hub['entities']:,}, digest {hub['digest']}."
    )


def _line(table: Table, title: str, seconds: float, rows: int, limit: float | None) -> None:
    ratio = f"{seconds / limit:.2f}" if limit else ""
    table.add_row(title, f"{seconds:,.2f}", ratio, f"{seconds / rows * 1e6:,.2f}", f"{rows / seconds:,.0f}" if seconds > 0 else "")
