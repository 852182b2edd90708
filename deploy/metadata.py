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


def end_former_schedulers(path: Path) -> None:
    """Mark the schedulers that still count as running as ended, so that the next one starts anew at once what they left half done.

    Airflow would wait for their heartbeats to grow old, two minutes in which a killed run's datasets stand still. A file is used by one
    machine, and whoever starts a scheduler here has ended the former one with all its tasks (deploy/processes.py): nothing to wait for.
    """
    with closing(sqlite3.connect(path, timeout=CONNECT_ARGS["timeout"])) as connection, connection:
        connection.execute("UPDATE job SET state = 'failed' WHERE job_type = 'SchedulerJob' AND state = 'running'")
