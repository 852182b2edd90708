"""The hub's part of the increment: the full build and then deliveries in which little is new, in one process, in processor seconds."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.changed_rows import Rows, change_people, change_rows, write_changed
from benchmarks.floor_increment import follow
from benchmarks.hub import brought_in, build
from benchmarks.server import load_tables, server_seconds
from catalog.datasets import contract_in_force, register
from connectors.databases.identifiers import quote
from contracts.loader import load_contracts
from core.settings import REPOSITORY
from demo.benchmark_city import DATASETS
from pipeline.home import Home, open_home
from pipeline.land import land
from standards.loader import load_standards

SEEDS = {"people": 2, "again": 3, "any": 2}
IDENTITY = "resident_id"
CONNECTION = "benchmark_source"
# What changes in the life of a person; whoever has one of them in a row may have another the next day.
CHANGING = ("household_address", "residence_address", "phone_number", "employer_name", "marital_status_code", "education_code")

# From a table, the name of its column of identity numbers and a seed, the places of the rows that change and of those that go.
Choose = Callable[[pa.Table, str, int], tuple[Rows, Rows]]


def measure(sources: Path, url: str) -> dict[str, Any]:
    """Build, and bring in what changes in every table of the server at an address: of some people on two
    days, then of any rows of what is then there.
    """
    home = open_home()
    load_tables(url, {dataset: sources / f"{dataset}.parquet" for dataset in DATASETS})
    _register(home, url)
    for dataset in DATASETS:
        land(dataset, home)
    full = build()
    found: dict[str, Any] = {"full": full.steps, "rows": full.landed, "entities": full.entities}
    with tempfile.TemporaryDirectory(dir=home.settings.work) as name:
        before = sources
        for kind, seed in SEEDS.items():
            choose = change_rows if kind == "any" else change_people
            found[kind] = _increment(home, url, before, Path(name, kind), choose, seed)
            before = Path(name, kind)
            if kind == "people":
                found[kind]["floor"] = follow(home)
    return found


def _increment(home: Home, url: str, sources: Path, folder: Path, choose: Choose, seed: int) -> dict[str, Any]:
    """Change the tables of one folder, which are the server's, into those of another, and bring in what is then there."""
    folder.mkdir()
    made = [_changed(home, dataset, sources, folder, choose, seed) for dataset in DATASETS]
    load_tables(url, {dataset: folder / f"{dataset}.parquet" for dataset in DATASETS})
    began, served = time.process_time(), server_seconds(url)
    for dataset in DATASETS:
        read_bare(url, dataset, folder.with_suffix(".bare"))
    bare, began, serving_bare, served = time.process_time() - began, time.process_time(), _since(url, served), server_seconds(url)
    landed = [land(dataset, home) for dataset in DATASETS]
    landing, serving = time.process_time() - began, _since(url, served)
    steps, batches, publication = brought_in(home, landed)
    return {
        "steps": steps,
        "bare": bare,
        "landing": landing,
        "server": {"bare": serving_bare, "landing": serving},
        "changed": sum(changed for changed, _ in made),
        "gone": sum(gone for _, gone in made),
        "updated": sum(batch.updated or 0 for batch in batches),
        "deleted": sum(batch.deleted or 0 for batch in batches),
        "published": {name: getattr(publication, name) for name in ("inserted", "updated", "deleted")},
    }


def _register(home: Home, url: str) -> None:
    """The contracts of the demo, each with a table of the server in place of its source, read as a whole."""
    (home.settings.home / "connections.yml").write_text(yaml.safe_dump({CONNECTION: url}))
    folder = home.settings.work / "contracts"
    folder.mkdir(parents=True)
    for dataset in DATASETS:
        contract = yaml.safe_load((REPOSITORY / "demo" / "contracts" / f"{dataset}.yml").read_text())
        contract |= {"source": {"kind": "postgresql", "connection": CONNECTION, "object": dataset}, "change_tracking": "snapshot"}
        (folder / f"{dataset}.yml").write_text(yaml.safe_dump(contract, allow_unicode=True))
    for contract in load_contracts([folder / f"{dataset}.yml" for dataset in DATASETS], load_standards()):
        register(home.catalog, contract, "benchmark", home.settings.registered)


def _changed(home: Home, dataset: str, sources: Path, folder: Path, choose: Choose, seed: int) -> tuple[int, int]:
    _, contract = contract_in_force(home.catalog, dataset)
    columns = [contract.elements[element].column for element in CHANGING if element in contract.elements]
    table = pq.read_table(sources / f"{dataset}.parquet")
    places = choose(table, contract.elements[IDENTITY].column, seed)
    return write_changed(table, folder / f"{dataset}.parquet", columns, places, seed)


def read_bare(url: str, table: str, target: Path) -> None:
    """The shortest way there is: the driver's stream of the table, in its own types, into Arrow's writer."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {quote(table)}")
        with cursor.fetch_record_batch() as reader, pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)


def _since(url: str, before: float | None) -> float | None:
    now = server_seconds(url)
    return None if now is None or before is None else now - before


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2])))
