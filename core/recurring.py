"""Statements that come again with every batch, planned once for an instance of DuckDB.

What reads the values of an element is ten thousand characters of expressions: planning them takes twenty milliseconds, running them over the
few values of a batch one. DuckDB plans a prepared statement anew once anything has been made or dropped in a database that it speaks of. So
these speak of tables in a database of their own, which stay, and are emptied.
"""

from collections import OrderedDict
from collections.abc import Mapping
from itertools import count
from typing import Any

import duckdb

STAYING = "staying"
_MOST_PLANNED = 96  # a plan takes up to a megabyte


class Recurring:
    """The tables of an instance that stay, and the statements over them that are planned."""

    def __init__(self, instance: duckdb.DuckDBPyConnection) -> None:
        instance.execute(f"ATTACH ':memory:' AS {STAYING}")
        self._connection = instance.cursor()
        for statement in (f"USE {STAYING}", "SET TimeZone = 'UTC'", "PRAGMA disable_optimizer"):
            self._connection.execute(statement)
        self._made: set[str] = set()
        self._planned: OrderedDict[str, str] = OrderedDict()
        self._numbers = count()

    def make(self, tables: Mapping[str, str]) -> None:
        """Make the tables (name: columns) that are not there yet."""
        for name in tables.keys() - self._made:
            self._connection.execute(f"CREATE TABLE {name} ({tables[name]})")
            self._made.add(name)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement as it was planned when it first came, as it is written, and return its rows."""
        if sql not in self._planned:
            self._plan(sql)
        self._planned.move_to_end(sql)
        return self._connection.execute(f"EXECUTE {self._planned[sql]}").fetchall()

    def rows_once(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement over so many rows that the best plan for them is worth looking for, and return its rows."""
        self._connection.execute("PRAGMA enable_optimizer")
        try:
            return self._connection.execute(sql).fetchall()
        finally:
            self._connection.execute("PRAGMA disable_optimizer")

    def release(self) -> None:
        """Give back the memory of rows that were deleted."""
        self._connection.execute(f"CHECKPOINT {STAYING}")

    def close(self) -> None:
        """Let go of the instance; its other connections see the tables as long as it is there."""
        self._connection.close()

    def _plan(self, sql: str) -> None:
        if len(self._planned) >= _MOST_PLANNED:
            _, oldest = self._planned.popitem(last=False)
            self._connection.execute(f"DEALLOCATE {oldest}")
        name = f"planned_{next(self._numbers)}"
        self._connection.execute(f"PREPARE {name} AS {sql}")
        self._planned[sql] = name
