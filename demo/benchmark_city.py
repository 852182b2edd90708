"""Five departments' population tables straight to Parquet, for the build benchmark: about 3.4 million rows of a million people."""

from pathlib import Path

import pyarrow.parquet as pq

from demo.city import make_city
from demo.departments import supply

DATASETS = (
    "public_security__resident",
    "civil_affairs__marriage",
    "health__resident_card",
    "social_security__insured",
    "education__student",
)


def benchmark_city(people: int, seed: int, folder: Path) -> dict[str, Path]:
    """Write one Parquet file per dataset, with the source's own columns, and return dataset → file."""
    folder.mkdir(parents=True, exist_ok=True)
    city, paths = make_city(people, seed), {}
    for dataset in DATASETS:
        paths[dataset] = folder / f"{dataset}.parquet"
        pq.write_table(supply(city, 1, [dataset])[dataset], paths[dataset], compression="zstd", compression_level=1)
    return paths
