"""The limit of the build: the engine reads what was landed and writes it again as Parquet with the same codec, and does nothing else."""

import json
import tempfile
import time
from pathlib import Path

from catalog.batches import batches_of
from core.engine import Engine, literal
from demo.benchmark_city import DATASETS
from pipeline.home import open_home
from pipeline.landing import landed_rows


def copy_all() -> float:
    """Copy every landed batch, and return the processor seconds of it."""
    home = open_home()
    with tempfile.TemporaryDirectory(dir=home.settings.work) as folder, Engine(home.settings) as engine:
        began = time.process_time()
        for dataset in DATASETS:
            rows = landed_rows(home.settings, batches_of(home.catalog, dataset)[0])
            target = literal(str(Path(folder) / f"{dataset}.parquet"))
            engine.run(f"COPY (SELECT * FROM {rows}) TO {target} (FORMAT parquet, COMPRESSION zstd)", doing="copying")
        return time.process_time() - began


if __name__ == "__main__":
    print(json.dumps(copy_all()))
