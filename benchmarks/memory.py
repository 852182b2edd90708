"""How much memory landing takes for few rows and for four times as many: what is read must never be held.

Each landing is a process of its own, whose peak the system tells (VmHWM): the server's memory is not the hub's. A hundred thousand rows show
nothing yet, since engine, readers and writer fill their buffers; from two million on they are full. A PostgreSQL delivers a second time, when it
is only asked what differs: one row of a hundred.
"""

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import second_delivery
from benchmarks.extract import landed_once, sources
from benchmarks.extract_table import make_csv
from core.errors import RequestError

TIMES = 4
MOST_GROWTH, MOST_MB = 1.10, 1024.0
SECOND = "postgresql, what differs"
Found = dict[str, Any]


def run(people: int, as_json: bool) -> None:
    """Measure `people` rows of each source and four times as many, and print a table or one JSON document."""
    if not Path("/proc/self/status").exists():
        raise RequestError("peak memory is read from /proc, which this system has not", hint="run it on Linux")
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as folder:
        found = measure(people, Path(folder))
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def measure(rows: int, folder: Path) -> Found:
    """Peak memory by source: `few`, `many` in MB and their `ratio`; or why there is no figure."""
    found: Found = {"rows": rows, "times": TIMES, "sources": {}}
    for size, count in (("few", rows), ("many", TIMES * rows)):
        place = folder / size
        place.mkdir()
        csv = make_csv(count, place)
        with ExitStack() as servers:
            for kind, address in sources(csv, place, servers):
                turns = {kind: landed_once(kind, address, csv, place, count)}
                if kind == "postgresql":
                    turns[SECOND] = turns[kind] if "missing" in turns[kind] else second_delivery.measure(address, place / "second")
                for source, figures in turns.items():
                    found["sources"].setdefault(source, {})[size] = figures.get("peak_mb")
                    if "missing" in figures:
                        found["sources"][source]["missing"] = figures["missing"]
        shutil.rmtree(place)
    for peaks in found["sources"].values():
        peaks["ratio"] = None if "missing" in peaks else peaks["many"] / peaks["few"]
    return found


def is_bounded(peaks: Found) -> bool:
    """Whether four times the rows took as much memory as the line allows."""
    return bool(peaks["ratio"] <= MOST_GROWTH and peaks["many"] < MOST_MB)


def _show(found: Found) -> None:
    rows, many = found["rows"], TIMES * found["rows"]
    table = Table(title=f"peak memory of landing, MB (aims: at most {MOST_GROWTH} times, below {MOST_MB:,.0f} MB)")
    table.add_column("source")
    for name in (f"{rows:,} rows", f"{many:,} rows", "ratio", ""):
        table.add_column(name, justify="right")
    for kind, peaks in found["sources"].items():
        if "missing" in peaks:
            table.add_row(kind, f"– {peaks['missing']}")
        else:
            mark = "✓" if is_bounded(peaks) else "✗"
            table.add_row(kind, f"{peaks['few']:,.0f}", f"{peaks['many']:,.0f}", f"{peaks['ratio']:.2f}", mark)
    Console().print(table)
