"""How much memory landing takes for few rows and for four times as many: what is read must never be held.

Each landing is a process of its own, whose peak the system tells (VmHWM): the server's memory is not the hub's. A hundred thousand rows show
nothing yet, since engine, readers and writer fill their buffers; from two million on they are full. A server that can be asked what differs
delivers a second time: one row of a hundred. A sheet of a workbook ends at a million rows: it has to stay below the line, however it grows, since
the texts that its cells share are held.
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
from benchmarks.workbook import FULL, make_workbook
from core.errors import RequestError
from pipeline.delivery.differing import ASKABLE

TIMES = 4
MOST_GROWTH, MOST_MB = 1.10, 1024.0
SECOND, WORKBOOK = "what differs", "xlsx"
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
    """Peak memory by source: `few`, `many` in MB, of so many rows, and their `ratio`, or why there is no figure. Where only what differs was
    read, also the processor's and the clock's seconds as parts of reading all of it (of many rows)."""
    found: Found = {"rows": rows, "times": TIMES, "sources": {}}
    for size, count in (("few", rows), ("many", TIMES * rows)):
        place = folder / size
        place.mkdir()
        csv = make_csv(count, place)
        sheet_rows = min(count, FULL - 1 if size == "many" else FULL // TIMES)
        make_workbook(csv, place, sheet_rows)
        with ExitStack() as servers:
            for kind, address in (*sources(csv, place, servers), (WORKBOOK, place.as_uri())):
                turns = {kind: landed_once(kind, address, csv, place, count)}
                if kind in ASKABLE:
                    again = turns[kind] if "missing" in turns[kind] else second_delivery.measure(kind, address, place / f"{kind}-again")
                    turns[f"{kind}, {SECOND}"] = again
                for source, figures in turns.items():
                    peaks = found["sources"].setdefault(source, {})
                    peaks[size] = figures.get("peak_mb")
                    peaks[f"{size}_rows"] = sheet_rows if source == WORKBOOK else count
                    peaks |= {name: value for name, value in figures.items() if name.endswith("_of_whole")}
                    if "missing" in figures:
                        peaks["missing"] = figures["missing"]
        shutil.rmtree(place)
    for peaks in found["sources"].values():
        peaks["ratio"] = None if "missing" in peaks else peaks["many"] / peaks["few"]
    return found


def is_bounded(kind: str, peaks: Found) -> bool:
    """Whether four times the rows took as much memory as the line allows."""
    return bool((kind == WORKBOOK or peaks["ratio"] <= MOST_GROWTH) and peaks["many"] < MOST_MB)


def _show(found: Found) -> None:
    table = Table(title=f"peak memory of landing, MB (aims: at most {MOST_GROWTH} times, below {MOST_MB:,.0f} MB)")
    table.add_column("source")
    rows, many = found["rows"], TIMES * found["rows"]
    for name in (f"{rows:,} rows", f"{many:,} rows", "ratio", "", "CPU of whole", "time of whole"):
        table.add_column(name, justify="right")
    for kind, peaks in found["sources"].items():
        if "missing" in peaks:
            table.add_row(kind, f"– {peaks['missing']}")
        else:
            mark = "✓" if is_bounded(kind, peaks) else "✗"
            parts = [f"{peaks[name]:.0%}" for name in ("cpu_of_whole", "seconds_of_whole") if name in peaks]
            title = kind if peaks["many_rows"] == many else f"{kind} ({peaks['few_rows']:,} and {peaks['many_rows']:,} rows)"
            table.add_row(title, f"{peaks['few']:,.0f}", f"{peaks['many']:,.0f}", f"{peaks['ratio']:.2f}", mark, *parts)
    Console().print(table)
