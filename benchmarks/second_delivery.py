"""The second delivery of the benchmark's table by a PostgreSQL that is asked what differs, as `benchmarks.memory` measures it.

`first ADDRESS` lands the whole table and accepts it, `second ADDRESS` lands what has changed since; each is a process of its
own, so that the peak of the second is its own. One JSON line out.
"""

import json
import sys
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


def measure(address: str, folder: Path) -> dict[str, Any]:
    """Peak memory in MB of landing again a table of which one row of a hundred has changed, and how many `rows` were read; or what is `missing`."""
    import psycopg

    whole = measured("benchmarks.second_delivery", "first", address, home=folder)
    with psycopg.connect(address, autocommit=True) as connection:
        sql = f"UPDATE {TABLE} SET address = address || '甲' WHERE id % {CHANGED} = 0"
        connection.execute(sql.encode())
    part: dict[str, Any] = measured("benchmarks.second_delivery", "second", address, home=folder)
    return part if part["rows"] < whole["rows"] else {"missing": f"so few rows as {whole['rows']:,} are read whole"}


def deliver(home: Home, address: str, *, first: bool) -> dict[str, Any]:
    """Land what the table has; the first time, register it before and accept it all."""
    if first:
        (home.settings.home / "connections.yml").write_text(json.dumps({CONNECTION: address}))
        # An element that may be missing and takes any text: nothing of this table is to wait.
        contract = bench_contract(
            "postgresql",
            source_digest=True,
            feeds=["geography"],
            columns={"address": "place_address"},
        )
        register(home.catalog, contract, "bench", home.settings.registered)
    batch_id = land(DATASET, home)
    peak = peak_mb()
    if first:
        accept(batch_id, home)
    return {"rows": get_batch(home.catalog, batch_id).landed, "peak_mb": peak}


if __name__ == "__main__":
    way, address = sys.argv[1:]
    print(json.dumps(deliver(open_home(), address, first=way == "first")))
