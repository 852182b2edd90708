"""DuckDB with one of its scanners, loaded from the installed wheel: nothing is downloaded and nothing is written to a home folder."""

import importlib.util
from pathlib import Path

import duckdb


def scanner_engine(name: str) -> duckdb.DuckDBPyConnection:
    """An empty engine that can read the kind of database its scanner (`sqlite_scanner`, `mysql_scanner`) is for."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    places = spec.submodule_search_locations or [] if spec else []
    files = [file for place in places for file in sorted(Path(place).glob(f"extensions/v{duckdb.__version__}/**/{name}.duckdb_extension"))]
    if not files:
        raise ImportError(f"no {name} for DuckDB {duckdb.__version__} is installed")
    engine = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False, "threads": 1})
    engine.load_extension(str(files[0]))
    return engine
