"""The registered datasets as the catalog writes them at registration, one JSON file per department: all that `dags/` reads."""

import json
import warnings
import zlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Dataset(BaseModel):
    """One registered dataset, as far as its schedule is concerned. `id` is that of its contract, `<department>__<dataset>`; `feeds` are all
    registries that it has ever fed, and one that has ended is not `collected`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9_]+__[a-z0-9_]+$")
    title: str
    feeds: tuple[str, ...]
    collected: bool = True
    cron: str | None
    retries: int = Field(ge=0)
    retry_seconds: int = Field(ge=0)
    pool: str = Field(min_length=1)


class Department(BaseModel):
    """One department with its registered datasets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    department: str
    datasets: tuple[Dataset, ...]


def read_registered(folder: Path, *, shard: int | None = None, shards: int = 1) -> tuple[Dataset, ...]:
    """Return the datasets of all departments, or of those in one shard, ordered by id.

    A file that cannot be read is left out with a warning, which Airflow shows: one department's fault must not stop the others.
    """
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    chosen = [file for file in files if shard is None or shard_of(file.stem, shards) == shard]
    return tuple(sorted((dataset for file in chosen for dataset in _read(file)), key=lambda dataset: dataset.id))


def shard_of(department: str, shards: int) -> int:
    """Return the shard of a department: the same for ever, whoever else registers."""
    return zlib.crc32(department.encode()) % shards


def _read(file: Path) -> tuple[Dataset, ...]:
    try:
        return Department.model_validate(json.loads(file.read_text(encoding="utf-8"))).datasets
    except (OSError, ValueError) as error:  # no JSON, in another encoding, or not of this form: each is a ValueError
        warnings.warn(f"registered/{file.name} cannot be used ({type(error).__name__}): its datasets have no DAG", stacklevel=2)
        return ()
