"""The second delivery of the benchmark's table by a server that is asked what differs, as `benchmarks.memory` measures it.

`first KIND ADDRESS` lands the whole table and accepts it, `second KIND ADDRESS` lands what has changed since; each is a process of its
own, so that the peak of the second is its own. One JSON line out.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.build import measured
from benchmarks.extract_table import TABLE
from benchmarks.extract_ways import CONNECTION, DATASET, bench_contract, peak_mb
from catalog.batches import get_batch
from catalog.datasets import register
from pipeline.accept import accept
from pipeline.home import Home, open_home
from pipeline.land import land

CHANGED = 100  # of so many rows one


def measure(kind: str, address: str, folder: Path) -> dict[str, Any]:
    """Landing again a table of which one row of a hundred has changed: the `rows` that were read, peak memory in MB, seconds of this process'
    `cpu` and by the clock, and these as parts of landing it whole; or what is `missing`."""
    whole = measured("benchmarks.second_delivery", "first", kind, address, home=folder)
    with _connected(kind, address) as connection:
        connection.cursor().execute(f"UPDATE {TABLE} SET address = concat(address, '甲') WHERE mod(id, {CHANGED}) = 0")
        connection.commit()
    part: dict[str, Any] = measured("benchmarks.second_delivery", "second", kind, address, home=folder)
    if part["rows"] == whole["rows"]:
        return {"missing": f"so few rows as {whole['rows']:,} are read whole"}
    return {**part, **{f"{name}_of_whole": part[name] / whole[name] for name in ("cpu", "seconds")}}


def _connected(kind: str, address: str) -> Any:
    if kind == "mysql":
        from connectors.databases.mysql import connected

        return connected(address)
    import psycopg

    return psycopg.connect(address)


def deliver(home: Home, kind: str, address: str, *, first: bool) -> dict[str, Any]:
    """Land what the table has; the first time, register it before and accept it all."""
    if first:
        (home.settings.home / "connections.yml").write_text(json.dumps({CONNECTION: address}))
        # An element that may be missing and takes any text: nothing of this table is to wait.
        contract = bench_contract(
            kind,
            source_digest=True,
            feeds=["geography"],
            columns={"address": "place_address"},
        )
        register(home.catalog, contract, "bench", home.settings.registered)
    began, before = time.monotonic(), time.process_time()
    batch_id = land(DATASET, home)
    taken = {"seconds": time.monotonic() - began, "cpu": time.process_time() - before, "peak_mb": peak_mb()}
    if first:
        accept(batch_id, home)
    return {"rows": get_batch(home.catalog, batch_id).landed, **taken}


if __name__ == "__main__":
    way, kind, address = sys.argv[1:]
    print(json.dumps(deliver(open_home(), kind, address, first=way == "first")))
