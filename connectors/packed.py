"""A contract's table as its department's program would pack it, read from here: within the hours, at the pace, as long and from where was agreed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa

from connectors.cut_off import ended_by
from connectors.databases.dialects import dialects
from connectors.databases.increment import Request
from connectors.databases.sqlite import check_file
from connectors.databases.statement_limits import Ending
from connectors.extract import extract
from connectors.extraction import Extraction
from connectors.offline.bundle import BundleError, Reading, driven, prepared, reading_of, sqlite_connection, texts_of
from contracts.model import Contract
from core.connections import Connections
from core.errors import RequestError

_BLOCK_ROWS = 5_000
KINDS = ("sqlite", "postgresql", "mysql")


@contextmanager
def reading_for_bundle(
    contract: Contract, connections: Connections, terms: dict[str, Any], tell: Callable[[str], None]
) -> Iterator[Reading]:
    """What a bundle is packed from; `tell` is told what is worth knowing of it. Raises SourceError, here or while it is consumed, where the
    source fails, RequestError where the source is of a kind for which no driver is installed here, and BundleError where the table is not what
    the terms want.
    """
    if contract.source.kind not in KINDS:
        raise RequestError(
            f"{contract.id}: a source of kind {contract.source.kind} is not packed here",
            hint="run connectors/offline/bundle.py pack on the department's side, with --driver and --query",
        )
    excluded: dict[str, str] = {}
    extraction = extract(contract, connections, connector=partial(_extract, terms=terms, excluded=excluded))
    for note in extraction.notes:
        tell(note.message)
    try:
        yield list(extraction.schema.names), _rows(extraction.batches), excluded
    finally:
        extraction.close()


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[Sequence[str | None]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _extract(
    contract: Contract, connections: Connections, request: Request | None, *, terms: dict[str, Any], excluded: dict[str, str]
) -> Extraction:
    """Texts of the table; `excluded`, whole with the last of them, says why the values of some columns cannot be compared."""
    assert request is None
    excluded.clear()
    ending = Ending(dialects()[contract.source.kind].limit, lambda: _connected(contract, connections))
    ended_by(ending.end)
    with _told_as_when_read(contract):
        connection = _connected(contract, connections)
        cursor = _cursor(contract, connection)
        try:
            ending.opened(connection)
            reading = reading_of(cursor, terms["query"], terms)
        except BaseException:
            _close(contract, cursor)
            raise
    batches = _batches(contract, cursor, ending, reading, excluded)
    # The first batch is empty: begun, they close the connection also where nobody wants their rows.
    return Extraction(next(batches).schema, batches, interrupt=ending.end)


def _batches(contract: Contract, cursor: Any, ending: Ending, reading: Reading, excluded: dict[str, str]) -> Iterator[pa.RecordBatch]:
    names, rows, found = reading
    schema, left = pa.schema([pa.field(name, pa.string()) for name in names]), iter(rows)
    try:
        with _told_as_when_read(contract), ending.where_left(cursor):
            yield pa.RecordBatch.from_pylist([], schema=schema)
            while texts := [texts_of(names, row, found) for row in islice(left, _BLOCK_ROWS)]:
                columns = [pa.array(column, pa.string()) for column in zip(*texts, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
        excluded.update(found)
    finally:
        _close(contract, cursor)


def _close(contract: Contract, cursor: Any) -> None:
    connection = cursor.connection
    if contract.source.kind == "postgresql":  # MariaDB's would read the rest of the table first
        cursor.close()
    connection.close()


def _connected(contract: Contract, connections: Connections) -> Any:
    """A connection of the driver, told how values are written and how long a statement may run."""
    name, seconds = contract.source.connection, contract.reading.statement_timeout_seconds
    match contract.source.kind:
        case "sqlite":
            path = connections.path(name, "sqlite")
            check_file(contract, path)
            return sqlite_connection(path)
        case "postgresql":
            import psycopg

            connection = driven(psycopg.connect, connections.url(name, "postgresql", "postgres").replace("+psycopg", "", 1))
        case _:
            from connectors.databases.mysql import connected

            connection = driven(connected, connections.url(name, "mysql", "mariadb"), seconds)
    prepared(connection)
    with closing(connection.cursor()) as cursor:
        for statement in dialects()[contract.source.kind].limit.statements(seconds):
            driven(cursor.execute, statement)
    return connection


def _cursor(contract: Contract, connection: Any) -> Any:
    """A cursor that streams: the drivers' own ones would hold all of the table."""
    match contract.source.kind:
        case "postgresql":
            return connection.cursor(name="hub_bundle")
        case "mysql":
            from pymysql.cursors import SSCursor

            return connection.cursor(SSCursor)
    return connection.cursor()


@contextmanager
def _told_as_when_read(contract: Contract) -> Iterator[None]:
    """Raise what a sync says where it is the driver of the source that has failed."""
    try:
        yield
    except BundleError as error:
        failed = error.__context__  # what `driven` keeps to itself
        if contract.source.kind == "postgresql":
            from psycopg import Error as PostgreSQLError

            from connectors.databases.postgresql import translated as of_postgresql

            if isinstance(failed, PostgreSQLError):
                with of_postgresql(contract):
                    raise failed from None
        if contract.source.kind == "mysql":
            from pymysql import Error as MySQLError

            from connectors.databases.mysql import translated as of_mysql

            if isinstance(failed, MySQLError):
                with of_mysql(contract):
                    raise failed from None
        raise
