"""Lands the generated tables by the hub's own stage, so that what the build reads has the layout of any other batch."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog.datasets import register
from connectors.extraction import BATCH_ROWS, Extraction, numbered, text_schema
from contracts.loader import load_contracts
from core.settings import REPOSITORY
from demo.benchmark_city import DATASETS
from pipeline.home import open_home
from pipeline.land import land
from standards.loader import load_standards


def land_all(sources: Path) -> None:
    """Register the five contracts of the demo and land the file `<dataset>.parquet` of each, in place of its source."""
    home = open_home()
    paths = [REPOSITORY / "demo" / "contracts" / f"{dataset}.yml" for dataset in DATASETS]
    for contract in load_contracts(paths, load_standards()):
        register(home.catalog, contract, "benchmark", home.settings.registered)
        land(contract.id, home, from_parquet(sources / f"{contract.id}.parquet"))


def from_parquet(path: Path) -> Extraction:
    """A Parquet file as a connector would hand it over: every column as text."""
    file = pq.ParquetFile(path)
    schema = text_schema(tuple(file.schema_arrow.names))
    return Extraction(schema, numbered(texts_of(file), schema))


def texts_of(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Its rows, every column as text."""
    for batch in file.iter_batches(BATCH_ROWS):
        yield pa.RecordBatch.from_arrays([_text(column) for column in batch.columns], names=batch.schema.names)


def _text(column: pa.Array) -> pa.Array:
    """Dates and times in ISO form, to the second."""
    whole = pc.cast(column, pa.timestamp("s")) if pa.types.is_timestamp(column.type) else column
    return pc.cast(whole, pa.string())


if __name__ == "__main__":
    land_all(Path(sys.argv[1]))
