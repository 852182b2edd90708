"""Instances of DuckDB, each used by one engine at a time.

Making one takes ten milliseconds, for it enters every function that it knows. So an engine that has ended well leaves its own, empty, to the
next one of its process: whatever an engine makes is in a database of its own in the instance, which goes with it.
"""

import atexit
import os
from collections.abc import Mapping
from functools import cached_property

import duckdb

from core.recurring import Recurring

DATABASE = "task"
# No file is read so often by one engine that it pays to keep its bytes in memory, beside what the system keeps of it.
_ALWAYS = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
}
_MOST_IDLE = 3  # as many kinds of limits as a delivery and its publication use


class Instance:
    """One DuckDB in memory, with nothing in it but the empty `DATABASE` whenever an engine gets it."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._root = duckdb.connect(config={**settings, **_ALWAYS})
        self._settings = dict(settings)
        self._begin(settings)

    @cached_property
    def recurring(self) -> Recurring:
        """Statements that come again with every batch; kept from one engine to the next."""
        return Recurring(self._root)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection for queries."""
        return self._root.cursor()

    def begin_again(self, settings: Mapping[str, str]) -> None:
        """Be there for another engine, under its settings. Raises NotImplementedException where it had to spill: it keeps to its folder."""
        for name, value in settings.items():
            self.set(name, value)
        self._begin(settings)

    def set(self, name: str, value: str) -> None:
        """Change a setting, if it is another one: to set as many threads as there are takes two milliseconds."""
        if self._settings.get(name) != value:
            text = value.replace("'", "''")  # bound as a parameter, it would make DuckDB import pandas
            self._root.execute(f"SET {name} = '{text}'")
            self._settings[name] = value

    def is_emptied(self) -> bool:
        """Remove what the engine has made, and say whether nothing is held any more. The engine's cursors are closed."""
        try:
            self._root.execute(f"DETACH {DATABASE}")
            if "recurring" in vars(self):
                self.recurring.release()
            held = self._root.execute("SELECT sum(memory_usage_bytes + temporary_storage_bytes) FROM duckdb_memory()").fetchall()
        except duckdb.Error:
            return False
        return held == [(0,)]

    def close(self) -> None:
        """Close every connection of its own."""
        if "recurring" in vars(self):
            self.recurring.close()
        self._root.close()

    def _begin(self, settings: Mapping[str, str]) -> None:
        self.limits = _limits(settings)
        self._root.execute(f"ATTACH ':memory:' AS {DATABASE}")


def _limits(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings but for the folder, which is each engine's own."""
    return {name: value for name, value in settings.items() if name != "temp_directory"}


_idle: list[Instance] = []
# A forked process has none of the threads of its parent's instances: it must neither use nor close them.
_inherited: list[Instance] = []


def take_instance(settings: Mapping[str, str]) -> Instance:
    """An instance under these settings of DuckDB: an idle one that had the same limits, or a new one, or in place of one too many any idle one.

    One of narrow limits has to spill now and then, and is of no use after that: it is not to be the one that has planned what the others ask.
    """
    while (instance := _next_idle(_limits(settings))) is not None:
        try:
            instance.begin_again(settings)
        except duckdb.NotImplementedException:
            instance.close()
        else:
            return instance
    return Instance(settings)


def leave_instance(instance: Instance) -> None:
    """Leave it to the next engine, if nothing is in it any more. One whose engine has failed is closed instead."""
    if len(_idle) < _MOST_IDLE and instance.is_emptied():
        _idle.append(instance)
    else:
        instance.close()


def _next_idle(limits: Mapping[str, str]) -> Instance | None:
    waiting = list(_idle)
    fitting = [instance for instance in waiting if instance.limits == limits]
    for instance in fitting or waiting[: len(waiting) - _MOST_IDLE + 1]:
        try:
            _idle.remove(instance)
        except ValueError:  # another thread has just taken it
            continue
        return instance
    return None


def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


def _leave_to_parent() -> None:
    _inherited.extend(_idle)
    _idle.clear()


atexit.register(_close_idle)
os.register_at_fork(after_in_child=_leave_to_parent)
