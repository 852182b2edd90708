"""What a delivery costs in which one row of a hundred has changed and one of a thousand is gone, beside the full build of the same tables.

Five departments deliver everything again, as sources do that cannot say what is new: five tables of a PostgreSQL, read by the hub's own
connector. Finding the changes (landing and the comparison of keys and digests) is measured beside a bare read of the same tables, the driver's
stream written as Parquet with the same codec; what follows, up to the publication that readers see, beside the same stages of the full
build. One process, in which everything is imported and prepared; its own processor seconds. What the server works for either is told beside it.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.build import SEED, measured, run_python
from benchmarks.hub import STEPS
from benchmarks.server import postgresql_server

# The comparison belongs to the reading.
AFTER = tuple(name for name in STEPS if name != "compare")
LARGEST_SHARE, LARGEST_READ = 0.08, 1.5


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document."""
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as name:
        folder, home = Path(name), Path(name, "hub")
        city = folder / "city"
        run_python("-c", f"from demo.benchmark_city import *; benchmark_city({people}, {SEED}, Path({str(city)!r}))", home=folder)
        with postgresql_server() as url:
            found = measured("benchmarks.incremental", str(city), url, home=home)
    found |= {"share": share(found), "read": reading(found)}
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def share(found: dict[str, Any]) -> float:
    """What the increment takes of the full build, in the stages after the comparison."""
    return float(sum(found["steps"][name] for name in AFTER) / sum(found["full"][name] for name in AFTER))


def reading(found: dict[str, Any]) -> float:
    """Landing and comparing, in bare reads."""
    return float((found["landing"] + found["steps"]["compare"]) / found["bare"])


def _show(found: dict[str, Any]) -> None:
    table = Table(title=f"{found['changed']:,} of {found['rows']:,} rows changed, {found['gone']:,} gone")
    table.add_column("stage")
    for name in ("full build, CPU s", "increment, CPU s", "share"):
        table.add_column(name, justify="right")
    for step in AFTER:
        full, part = found["full"][step], found["steps"][step]
        table.add_row(STEPS[step], f"{full:,.2f}", f"{part:,.2f}", f"{part / full:.1%}" if full else "")
    console = Console()
    console.print(table)
    console.print(f"Records updated {found['updated']:,}, deleted {found['deleted']:,}; published {found['published']}.")
    console.print(
        f"Reading from PostgreSQL: landing {found['landing']:.2f} + comparing {found['steps']['compare']:.2f} CPU s, a bare read into Parquet "
        f"{found['bare']:.2f}; all of the client, which takes {1e6 * (found['landing'] + found['steps']['compare']) / found['rows']:.1f} µs a row."
    )
    if None not in found["server"].values():
        console.print(
            f"The server worked {found['server']['landing']:.2f} s for landing and its receipt, {found['server']['bare']:.2f} s for the bare read."
        )
    for text, value, bound in (
        ("of the full build's CPU after the comparison", found["share"], LARGEST_SHARE),
        ("bare reads for reading and comparing", found["read"], LARGEST_READ),
    ):
        shown = (f"{value:.1%}", f"{bound:.0%}") if bound < 1 else (f"{value:.2f}", f"{bound:.1f}")
        console.print(f"{'✓' if value <= bound else '✗'} {text}: {shown[0]} (aim {shown[1]})")
