"""The hub's part of the increment: the full build and then deliveries in which little is new, in one process, in processor seconds."""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.changed_rows import write_changed
from benchmarks.hub import brought_in, build
from benchmarks.landing import from_parquet
from catalog.datasets import contract_in_force
from demo.benchmark_city import DATASETS
from pipeline.home import Home, open_home
from pipeline.land import land

SEED = 2
# What changes in the life of a person; whoever has one of them in a row may have another the next day.
CHANGING = ("household_address", "residence_address", "phone_number", "employer_name", "marital_status_code", "education_code")


def measure(sources: Path) -> dict[str, Any]:
    """Build, change a few rows of every source, and bring them in."""
    full = build()
    home = open_home()
    with tempfile.TemporaryDirectory(dir=home.settings.work) as name:
        folder = Path(name)
        made = {dataset: _changed(home, dataset, sources, folder) for dataset in DATASETS}
        began = time.process_time()
        for dataset in DATASETS:
            _read(folder / f"{dataset}.parquet", folder / "bare.parquet")
        bare, began = time.process_time() - began, time.process_time()
        landed = [land(dataset, home, from_parquet(folder / f"{dataset}.parquet")) for dataset in DATASETS]
        landing = time.process_time() - began
    steps, batches, publication = brought_in(home, landed)
    return {
        "full": full.steps,
        "steps": steps,
        "bare": bare,
        "landing": landing,
        "rows": full.landed,
        "entities": full.entities,
        "changed": sum(changed for changed, _ in made.values()),
        "gone": sum(gone for _, gone in made.values()),
        "updated": sum(batch.updated or 0 for batch in batches),
        "deleted": sum(batch.deleted or 0 for batch in batches),
        "published": {name: getattr(publication, name) for name in ("inserted", "updated", "deleted")},
    }


def _changed(home: Home, dataset: str, sources: Path, folder: Path) -> tuple[int, int]:
    _, contract = contract_in_force(home.catalog, dataset)
    columns = [contract.elements[element].column for element in CHANGING if element in contract.elements]
    return write_changed(sources / f"{dataset}.parquet", folder / f"{dataset}.parquet", columns, SEED)


def _read(source: Path, target: Path) -> None:
    """The delivery as its connector hands it over, written as it comes."""
    extraction = from_parquet(source)
    with pq.ParquetWriter(target, extraction.schema, compression="zstd") as writer:
        for batch in extraction.batches:
            writer.write_table(pa.Table.from_batches([batch]))


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
