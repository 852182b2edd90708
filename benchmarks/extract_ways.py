"""One way of bringing the benchmark's table into a Parquet file (zstd), in a process of its own: `WAY KIND ADDRESS FOLDER`, one JSON line out."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.extract_table import COLUMNS, TABLE
from contracts.model import Contract
from core.connections import Connections
from core.engine import Engine, literal, quote
from core.settings import load_settings, prepare_home

_CODEC = "zstd"


DATASET, CONNECTION = "bench__extract", "bench_source"


def _any_elements() -> list[str]:
    from standards.loader import load_standards

    return [element.id for element in load_standards().schemas["population"].elements]


def bench_contract(kind: str, *, source_digest: bool, **more: Any) -> Contract:
    """The contract of the benchmark's table in one kind of source; `more` replaces entries."""
    source = (
        {"kind": kind, "connection": CONNECTION, "path": f"rows.{kind}"}
        if kind in ("csv", "xlsx")
        else {"kind": kind, "connection": CONNECTION, "object": TABLE}
    )
    return Contract.model_validate(
        {
            "id": DATASET,
            "title": {"zh": "数据", "en": "Data"},
            "department": {"id": "bench", "title": {"zh": "部门", "en": "Department"}},
            "feeds": ["population"],
            "source": source,
            "record_key": ["id"],
            # Landing keeps texts as they are, whatever they are read as later: any elements will do.
            "columns": dict(zip(COLUMNS, _any_elements(), strict=False)),
            "reading": {"source_digest": source_digest},
            **more,
        }
    )


def rows_only(kind: str, address: str, folder: Path) -> None:
    """What the connector gives, written by the engine: no ids, no digests."""
    from connectors.extract import extract

    extraction = extract(
        bench_contract(kind, source_digest=False), Connections({"HUB_CONNECTION_BENCH_SOURCE": address}, folder / "connections.yml")
    )
    settings = load_settings({"HUB_HOME": str(folder)})
    prepare_home(settings)
    with Engine(settings) as engine:
        engine.stream("arrivals", extraction.schema, extraction.batches)
        columns = ", ".join(map(quote, extraction.schema.names))
        target = literal(str(folder / "rows.parquet"))
        engine.run(f"COPY (SELECT {columns} FROM arrivals) TO {target} (FORMAT parquet, COMPRESSION {_CODEC})", doing="copying")


def landed(kind: str, address: str, folder: Path) -> None:
    """A batch as it lands, with record ids and row digests."""
    from pipeline.home import open_home
    from pipeline.land import land

    land(DATASET, open_home(load_settings({"HUB_HOME": str(folder)})))


def prepare(way: str, kind: str, address: str, folder: Path) -> None:
    """What is there before the first batch: an installation with the contract, everything imported. It is not measured."""
    from importlib import import_module

    from connectors.extract import CONNECTORS

    import_module(CONNECTORS[kind])
    if way not in ("landed", "receipt"):
        return
    from catalog.datasets import register
    from pipeline.home import open_home

    import_module("pipeline.land")
    home = open_home(load_settings({"HUB_HOME": str(folder)}))
    (folder / "connections.yml").write_text(json.dumps({CONNECTION: address}))
    register(home.catalog, bench_contract(kind, source_digest=way == "receipt"), "bench", home.settings.registered)


def bare(kind: str, address: str, folder: Path) -> None:
    """The shortest way there is: an ADBC stream, or Arrow's reader of CSV, into Arrow's writer."""
    if kind == "csv":
        import pyarrow.csv

        with pyarrow.csv.open_csv(folder / "rows.csv") as reader:
            _write(reader, folder)
        return
    from importlib import import_module

    dbapi = import_module({"postgresql": "adbc_driver_postgresql.dbapi", "sqlite": "adbc_driver_sqlite.dbapi"}[kind])
    with dbapi.connect(address.removeprefix("sqlite:///")) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {TABLE}")
        with cursor.fetch_record_batch() as reader:
            _write(reader, folder)


def _write(reader: Any, folder: Path) -> None:
    with pq.ParquetWriter(folder / "rows.parquet", reader.schema, compression=_CODEC) as writer:
        for batch in reader:
            writer.write_batch(batch)


def peak_mb() -> float:
    """Of this process alone: what getrusage says may be the peak of the one that has started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))) / 1024


WAYS: dict[str, Callable[[str, str, Path], None]] = {"rows_only": rows_only, "landed": landed, "receipt": landed, "bare": bare}


def measured(way: str, kind: str, address: str, folder: Path) -> dict[str, float]:
    """Seconds by the clock and of the processor, peak memory, and the rows in the file."""
    prepare(way, kind, address, folder)
    began, before = time.monotonic(), time.process_time()
    WAYS[way](kind, address, folder)
    seconds, cpu = time.monotonic() - began, time.process_time() - before
    [path] = folder.rglob("rows.parquet")
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak_mb(), "rows": pq.ParquetFile(path).metadata.num_rows}


if __name__ == "__main__":
    way, kind, address, folder = sys.argv[1:]
    print(json.dumps(measured(way, kind, address, Path(folder))))
