"""The embedded engine: DuckDB in memory, one per task, spilling to a folder of its own.

This is the only place that runs a query. An engine's error texts quote values and SQL, so none of them leaves this module:
what is raised names the kind of failure and what the hub was doing.
"""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import duckdb

from core.errors import HubError, StoreError
from core.instances import DATABASE, leave_instance, take_instance
from core.settings import Settings
from core.work import make_work_folder

if TYPE_CHECKING:
    import ibis.backends.duckdb
    import pyarrow as pa

Parameters = Mapping[str, Any] | Sequence[Any]


class EngineError(HubError):
    """The engine refused a statement; a fault of the hub, not of the data."""


def quote(name: str) -> str:
    """Quote an identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for SQL; for paths and names only, values are bound as parameters."""
    return "'" + text.replace("'", "''") + "'"


def uuid_literal(value: UUID | str) -> str:
    """A UUID for SQL, parsed first, so that nothing else can get in. Binding a parameter would make DuckDB import pandas, most of a second."""
    return f"'{UUID(str(value))}'::uuid"


def parquet(paths: Iterable[object]) -> str:
    """SQL that reads Parquet files, in the order given."""
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"


class Engine:
    """One DuckDB in memory under the limits of the settings. Use it as a context manager."""

    def __init__(self, settings: Settings, *, threads: int | None = None, memory_limit_mb: int | None = None) -> None:
        self._spill = make_work_folder(settings, "spill")
        self.threads, self.memory_limit_mb = threads or settings.threads, memory_limit_mb or settings.memory_limit_mb
        limits = {"threads": str(self.threads), "memory_limit": f"{self.memory_limit_mb}MB", "temp_directory": str(self._spill)}
        self._instance = take_instance(limits)
        self.connection = self.another_connection()
        self._ibis: ibis.backends.duckdb.Backend | None = None

    def another_connection(self) -> duckdb.DuckDBPyConnection:
        """A connection that sees the engine's tables; its settings and temporary tables are its own."""
        connection = self._instance.cursor()
        connection.execute(f"USE {DATABASE}")
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connection and remove its spill folder. What still runs ends: a key was pressed, or its rows are wanted no more."""
        self.connection.interrupt()  # or closing would wait for the end of a statement, which may be minutes away
        self.connection.close()
        if error is None:
            leave_instance(self._instance)
        else:
            self._instance.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    @property
    def ibis(self) -> "ibis.backends.duckdb.Backend":
        """An Ibis backend on this very connection; Ibis is imported on first use."""
        if self._ibis is None:
            import ibis

            self._ibis = ibis.duckdb.from_connection(self.connection)
        return self._ibis

    def run(self, sql: str, parameters: Parameters | None = None, *, doing: str = "running a query") -> None:
        """Run a statement for its effect."""
        with scrubbed(doing):
            self.connection.execute(sql, parameters) if parameters else self.connection.execute(sql)

    def staying(self, tables: Mapping[str, str]) -> None:
        """Have tables (name: columns) in the database `STAYING`, for statements that come again with every batch; `empty` empties them."""
        with scrubbed("making tables"):
            self._instance.recurring.make(tables)

    def again(self, sql: str, *, once: bool = False, doing: str = "running a query") -> list[tuple[Any, ...]]:
        """Run a statement over tables of `STAYING` and return its rows. It is planned when it first comes, for few rows; with `once` for this
        time, and for many.
        """
        recurring = self._instance.recurring
        with scrubbed(doing):
            return recurring.rows_once(sql) if once else recurring.rows(sql)

    def empty(self, tables: Iterable[str], *, many: bool) -> None:
        """Empty tables of `STAYING`; what many rows took is given back at once, what few took with the engine."""
        with scrubbed("emptying tables"):
            for name in tables:
                self._instance.recurring.rows(f"DELETE FROM {name}")
            if many:
                self._instance.recurring.release()

    def use_one_thread(self) -> None:
        """For what follows and has few rows: one thread does it, and while it does, a second would not sleep but ask again and again."""
        self.threads = 1
        with scrubbed("running a query"):
            self._instance.set("threads", "1")

    @contextmanager
    def planned_briefly(self, briefly: bool = True) -> Iterator[None]:
        """Statements in the block are run as they are written: over few rows, finding a better plan takes longer than a better plan saves."""
        if not briefly:
            yield
            return
        self.run("PRAGMA disable_optimizer")
        try:
            yield
        finally:
            self.run("PRAGMA enable_optimizer")

    @contextmanager
    def joined_as_written(self) -> Iterator[None]:
        """Joins in the block hold the relation on their right. What is joined in full has a size that the engine can only guess, and by its
        guess it would hold the wide rows of the joins before in place of one more source.
        """
        self.run("SET disabled_optimizers = 'build_side_probe_side'")
        try:
            yield
        finally:
            self.run("RESET disabled_optimizers")

    def rows(self, sql: str, parameters: Parameters | None = None, *, doing: str = "running a query") -> list[tuple[Any, ...]]:
        """Run a query and return its rows; for counts and small results."""
        with scrubbed(doing):
            result = self.connection.execute(sql, parameters) if parameters else self.connection.execute(sql)
            return result.fetchall()

    def row(self, sql: str, parameters: Parameters | None = None, *, doing: str = "running a query") -> tuple[Any, ...]:
        """Run a query that has exactly one row and return it."""
        (only,) = self.rows(sql, parameters, doing=doing)
        return only

    def value(self, sql: str, parameters: Parameters | None = None, *, doing: str = "running a query") -> Any:
        """Run a query that has one row and one column and return that value."""
        return self.row(sql, parameters, doing=doing)[0]

    def columns(self, relation: str) -> dict[str, str]:
        """The columns of a table, a view or a SELECT, in their order, with the engine's name of each one's type."""
        return {name: kind for name, kind, *_ in self.rows(f"DESCRIBE {relation}")}

    def records(self, sql: str, parameters: Parameters | None = None, *, doing: str = "running a query") -> list[dict[str, Any]]:
        """Run a query and return its rows as dictionaries; for small results."""
        with scrubbed(doing):
            result = self.connection.execute(sql, parameters) if parameters else self.connection.execute(sql)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def batches(self, sql: str, size: int = 65_536, *, doing: str = "running a query") -> Iterator["pa.RecordBatch"]:
        """Stream a query as Arrow record batches of at most `size` rows."""
        with scrubbed(doing):
            yield from self.connection.execute(sql).to_arrow_reader(size)

    def arrow(self, sql: str, *, doing: str = "running a query") -> "pa.Table":
        """Run a query and return an Arrow table."""
        with scrubbed(doing):
            return self.connection.execute(sql).to_arrow_table()

    def register(self, name: str, data: "pa.Table") -> None:
        """Make an Arrow table visible to queries under a name."""
        self.connection.register(name, data)

    def stream(self, name: str, schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> None:
        """Make batches visible to one query under a name; they are taken when it asks for them, and held no longer than it needs them.

        The engine is given the bare stream: a reader it would put behind a scanner of Arrow's, which reads up to a gigabyte ahead.
        """
        import pyarrow as pa

        self.connection.register(name, pa.RecordBatchReader.from_batches(schema, batches).__arrow_c_stream__())

    @contextmanager
    def streamed(self, name: str, schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> Iterator[None]:
        """`stream` for the block. The engine reports any failure of its input as its own; what is raised is the error of the batches."""
        failures: list[HubError] = []

        def remembering() -> Iterator["pa.RecordBatch"]:
            try:
                yield from batches
            except HubError as error:
                failures.append(error)
                raise

        self.stream(name, schema, remembering())
        try:
            yield
        except HubError:
            if failures:
                raise failures[0] from None
            raise


# What the engine says of a file of the hub's that it cannot read; the path says nothing of what is in it.
_UNREADABLE = re.compile(
    r"(No files found|Cannot open|No magic bytes|too small to be|Could not read|Failed to read|Invalid Parquet|Footer length|corrupt)",
    re.IGNORECASE,
)
_PARQUET = re.compile(r"[\"'](/[^\n]*?\.parquet)[\"']")


@contextmanager
def scrubbed(doing: str) -> Iterator[None]:
    """Turn an engine's error into one without values and SQL."""
    try:
        yield
    except RuntimeError as error:  # the engine's word for a key that was pressed
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    except duckdb.OutOfMemoryException:
        raise StoreError(f"the engine ran out of memory while {doing}", hint="raise HUB_MEMORY_MB or free disk for spilling") from None
    except duckdb.Error as error:
        said = str(error).partition("\n")[0]
        if (found := _PARQUET.search(said)) and _UNREADABLE.search(said):
            raise StoreError(
                f"{found.group(1)} is missing or damaged, as was found while {doing}",
                hint="put the file back from a backup: ./hub restore; docs/operating.md says how",
            ) from None
        if isinstance(error, duckdb.IOException):
            raise StoreError(f"the engine could not read or write a file while {doing}", hint="check disk space and HUB_HOME") from None
        raise EngineError(f"the engine refused a statement ({type(error).__name__}) while {doing}") from None
