"""DuckDB with one of its scanners, loaded from the installed wheel: nothing is downloaded and nothing is written to a home folder."""

import importlib.util
from pathlib import Path

import duckdb


def scanner_engine(*names: str) -> duckdb.DuckDBPyConnection:
    """An empty engine that can read what its scanners (`sqlite_scanner`, `mysql_scanner`) are for; one that needs another comes after it."""
    engine = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 1})
    for name in names:
        engine.load_extension(str(_extension(name)))
    return engine


def _extension(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    places = spec.submodule_search_locations or [] if spec else []
    files = [file for place in places for file in sorted(Path(place).glob(f"extensions/v{duckdb.__version__}/**/{name}.duckdb_extension"))]
    if not files:
        raise ImportError(f"no {name} for DuckDB {duckdb.__version__} is installed")
    return files[0]
