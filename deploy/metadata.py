"""Airflow's metadata database on SQLite: several processes write to it, so each has to wait for the others."""

import sqlite3
from contextlib import closing
from pathlib import Path

# Seconds; the driver's own five are over at once where two cores are busy with batches. Airflow finds this by its import path.
CONNECT_ARGS = {"timeout": 60}


def use_wal(path: Path) -> None:
    """Let readers read while one writes; the mode stays with the file."""
    with closing(sqlite3.connect(path, timeout=CONNECT_ARGS["timeout"])) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
