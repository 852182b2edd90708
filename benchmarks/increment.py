"""What a delivery costs in which one row of a hundred has changed and one of a thousand is gone, beside the full build of the same tables.

On three days, for the work goes by people: on two, what all departments hold of one person of a hundred is another, of which the second finds
planned what the first had to plan; then any one row of a hundred in each table, which are those of about three times as many people.

Five departments deliver everything again, as sources do that cannot say what is new: five tables of a PostgreSQL, read by the hub's own
connector. Finding the changes (landing and the comparison of keys and digests) is measured beside a bare read of the same tables, the driver's
stream written as Parquet with the same codec; what follows, up to the publication that readers see, beside the same stages of the full
build. One process, in which everything is imported and prepared; its own processor seconds. What the server works for either is told beside it.

All of it is done three times, and of each day the run counts whose share of the full build is the median: an increment takes seconds, and what
else the machine does meanwhile makes it half as long again.
"""

import json
import shutil
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
RUNS = 3  # an odd number, so that the median is one of them
LARGEST_SHARE, LARGEST_READ, LARGEST_OVER_FLOOR = 0.08, 1.5, 2.5
KINDS = {
    "people": "those of one person of a hundred, in every department; one of a thousand is gone",
    "again": "the day after, those of another one of a hundred; one of a thousand is gone",
    "any": "any one of a hundred in each department, so of three times as many people; one of a thousand is gone",
}


def run(people: int, as_json: bool) -> None:
    """Measure, and print a table or one JSON document."""
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as name:
        folder = Path(name)
        city = folder / "city"
        run_python("-c", f"from demo.benchmark_city import *; benchmark_city({people}, {SEED}, Path({str(city)!r}))", home=folder)
        with postgresql_server() as url:
            runs = [_measured(city, url, folder / f"hub-{number}") for number in range(RUNS)]
    found = {kind: _middle([item[kind] for item in runs]) for kind in KINDS}
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def _measured(city: Path, url: str, home: Path) -> dict[str, Any]:
    """What one process finds on the days of `KINDS`, each with the full build that went before."""
    try:
        found = measured("benchmarks.incremental", str(city), url, home=home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    # As many people are another on both days.
    found["again"]["floor"] = found["people"]["floor"]
    for kind in KINDS:
        part = found[kind] | {name: found[name] for name in ("full", "rows", "entities")}
        if floor := part.get("floor"):
            part["over_floor"] = taken(part["steps"]) / floor["seconds"]
        found[kind] = part | {"share": taken(part["steps"]) / taken(part["full"]), "read": reading(part)}
    return dict(found)


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of the median share, which has the shares of all beside it."""
    ordered = sorted(runs, key=lambda item: float(item["share"]))
    return ordered[len(ordered) // 2] | {"shares": [item["share"] for item in ordered]}


def taken(steps: dict[str, float]) -> float:
    """Processor seconds of the stages after the comparison."""
    return sum(steps[name] for name in AFTER)


def reading(part: dict[str, Any]) -> float:
    """Landing and comparing, in bare reads."""
    return float((part["landing"] + part["steps"]["compare"]) / part["bare"])


def _show(found: dict[str, Any]) -> None:
    console = Console()
    for kind, said in KINDS.items():
        part = found[kind]
        console.print(_steps(part, f"{part['changed']:,} of {part['rows']:,} rows changed, {part['gone']:,} gone: {said}"))
        console.print(f"Records updated {part['updated']:,}, deleted {part['deleted']:,}; published {part['published']}.")
        _show_reading(console, part)
        measures = [
            ("of the full build's CPU after the comparison", part["share"], LARGEST_SHARE),
            ("bare reads for reading and comparing", part["read"], LARGEST_READ),
        ]
        if floor := part.get("floor"):
            console.print(
                f"The floor, which exchanges {floor['entities']:,} entities and takes {floor['gone']:,} away by no rule of the standard, "
                f"took {floor['seconds']:.2f} CPU s."
            )
            measures.append(("floors for what follows the comparison", part["over_floor"], LARGEST_OVER_FLOOR))
        console.print(
            f"Of the full build in all runs: {', '.join(f'{value:.1%}' for value in part['shares'])}; the one in the middle counts."
        )
        for text, value, bound in measures:
            shown = (f"{value:.1%}", f"{bound:.0%}") if bound < 1 else (f"{value:.2f}", f"{bound:.1f}")
            console.print(f"{'✓' if value <= bound else '✗'} {text}: {shown[0]} (aim {shown[1]})")


def _steps(part: dict[str, Any], title: str) -> Table:
    table = Table(title=title)
    table.add_column("stage")
    for name in ("full build, CPU s", "increment, CPU s", "share"):
        table.add_column(name, justify="right")
    for step in AFTER:
        whole, some = part["full"][step], part["steps"][step]
        table.add_row(STEPS[step], f"{whole:,.2f}", f"{some:,.2f}", f"{some / whole:.1%}" if whole else "")
    return table


def _show_reading(console: Console, part: dict[str, Any]) -> None:
    took = part["landing"] + part["steps"]["compare"]
    console.print(
        f"Reading from PostgreSQL: landing {part['landing']:.2f} + comparing {part['steps']['compare']:.2f} CPU s, a bare read into Parquet "
        f"{part['bare']:.2f}; all of the client, which takes {1e6 * took / part['rows']:.1f} µs a row."
    )
    if None not in part["server"].values():
        console.print(
            f"The server worked {part['server']['landing']:.2f} s for landing and its receipt, {part['server']['bare']:.2f} s for the bare read."
        )
