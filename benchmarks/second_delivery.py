"""The second delivery of the benchmark's table by a PostgreSQL that is asked what differs, as `benchmarks.memory` measures it.

`first ADDRESS FOLDER` lands the whole table and accepts it, `second ADDRESS FOLDER` lands what has changed since; each is a process of its
own, so that the peak of the second is its own. One JSON line out.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.extract_table import TABLE
from benchmarks.extract_ways import peak_mb
from catalog.batches import get_batch
from catalog.datasets import register
from contracts.model import Contract
from core.errors import HubError
from core.settings import REPOSITORY, load_settings
from pipeline.accept import accept
from pipeline.home import Home, open_home
from pipeline.land import land

CHANGED = 100  # of so many rows one
_DATASET, _CONNECTION = "bench__second_delivery", "bench_source"


def measure(address: str, folder: Path) -> dict[str, Any]:
    """Peak memory in MB of landing again a table of which one row of a hundred has changed, and how many `rows` were read; or what is `missing`."""
    import psycopg

    whole = _run("first", address, folder)
    with psycopg.connect(address, autocommit=True) as connection:
        sql = f"UPDATE {TABLE} SET address = address || '甲' WHERE id % {CHANGED} = 0"
        connection.execute(sql.encode())
    part = _run("second", address, folder)
    return part if part["rows"] < whole["rows"] else {"missing": f"so few rows as {whole['rows']:,} are read whole"}


def _run(way: str, address: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.second_delivery", way, address, str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HubError(f"the {way} delivery of the benchmark failed", hint=done.stderr[-2000:])
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def first(home: Home, address: str) -> dict[str, Any]:
    """Register, land all, accept all."""
    (home.settings.home / "connections.yml").write_text(json.dumps({_CONNECTION: address}))
    register(home.catalog, _contract(), "bench", home.settings.registered)
    batch = accept(land(_DATASET, home), home)
    return {"rows": batch.landed, "peak_mb": peak_mb()}


def second(home: Home, address: str) -> dict[str, Any]:
    """Land what differs."""
    return {"rows": get_batch(home.catalog, land(_DATASET, home)).landed, "peak_mb": peak_mb()}


def _contract() -> Contract:
    source = {"kind": "postgresql", "connection": _CONNECTION, "object": TABLE}
    return Contract.model_validate(
        {
            "id": _DATASET,
            "title": {"zh": "数据", "en": "Data"},
            "department": {"id": "bench", "title": {"zh": "部门", "en": "Department"}},
            "feeds": ["geography"],
            "source": source,
            "record_key": ["id"],
            "change_tracking": "snapshot",
            "columns": {"address": "place_address"},
        }
    )


if __name__ == "__main__":
    way, address, folder = sys.argv[1:]
    print(json.dumps({"first": first, "second": second}[way](open_home(load_settings({"HUB_HOME": folder})), address)))
