"""Instances of DuckDB, each used by one engine at a time.

Making one takes ten milliseconds, for it enters every function that it knows. So an engine that has ended well leaves its own, empty, to the
next one of its process: whatever an engine makes is in a database of its own in the instance, which goes with it.
"""

import atexit
import os
from collections.abc import Mapping

import duckdb

DATABASE = "task"
_MOST_IDLE = 2
_idle: list[duckdb.DuckDBPyConnection] = []
# A forked process has none of the threads of its parent's instances: it must neither use nor close them.
_inherited: list[duckdb.DuckDBPyConnection] = []


def take_instance(settings: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """An instance with nothing in it but the empty `DATABASE`, under these settings of DuckDB. Queries run on cursors of it."""
    instance = _idle_with(settings) or duckdb.connect(
        config={**settings, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    instance.execute(f"ATTACH ':memory:' AS {DATABASE}")
    return instance


def leave_instance(instance: duckdb.DuckDBPyConnection) -> None:
    """Leave it to the next engine, if nothing is in it any more; its cursors are closed. One whose engine has failed is closed instead."""
    if len(_idle) < _MOST_IDLE and _is_emptied(instance):
        _idle.append(instance)
    else:
        instance.close()


def _idle_with(settings: Mapping[str, str]) -> duckdb.DuckDBPyConnection | None:
    while (instance := _next_idle()) is not None:
        try:
            for name, value in settings.items():
                text = value.replace("'", "''")  # bound as a parameter, it would make DuckDB import pandas
                instance.execute(f"SET {name} = '{text}'")
        except duckdb.NotImplementedException:  # it had to spill, and keeps to its folder for good
            instance.close()
        else:
            return instance
    return None


def _next_idle() -> duckdb.DuckDBPyConnection | None:
    try:
        return _idle.pop()
    except IndexError:  # also where another thread has just taken the last
        return None


def _is_emptied(instance: duckdb.DuckDBPyConnection) -> bool:
    try:
        instance.execute(f"DETACH {DATABASE}")
        # What was read of files is forgotten when it is to be remembered no more.
        for remembered in ("false", "true"):
            instance.execute(f"SET enable_external_file_cache = {remembered}")
        held = instance.execute("SELECT sum(memory_usage_bytes + temporary_storage_bytes) FROM duckdb_memory()").fetchall()
    except duckdb.Error:
        return False
    return held == [(0,)]


def _close_idle() -> None:
    while (instance := _next_idle()) is not None:
        instance.close()


def _leave_to_parent() -> None:
    _inherited.extend(_idle)
    _idle.clear()


atexit.register(_close_idle)
os.register_at_fork(after_in_child=_leave_to_parent)
