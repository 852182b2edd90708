"""PostgreSQL through ADBC: the server writes every value as text, one read-only transaction sees one state of the table.

Casting on the server is a third faster than fetching native types and casting in Arrow, and it is PostgreSQL's own idea of the text.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from connectors.columns import plan_columns
from connectors.extraction import ASK_DEPARTMENT, TRY_LATER, Comments, Extraction, numbered, text_schema
from connectors.identifiers import no_such_table, quote, split_object
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections
from core.errors import SourceError

_CONNECT_SECONDS = 15
# What the server says (SQLSTATE), what it means here, and whether waiting can help.
_STATES = {
    "28": ("the server refuses the hub's user or password", False),
    "3D": ("the server has no database of that name", False),
    "3F": ("there is no such schema", False),
    "42501": ("the hub's user may not read this table", False),
    "42P01": ("the table is gone", False),
    "42703": ("a column is gone", False),
    "22": ("a value of the table cannot be written as text", False),
    "57014": ("the statement ran longer than the contract allows", True),
    "55P03": ("the table is locked", True),
}


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read one table or view; raises SourceError if it is not there or the server cannot be reached."""
    assert isinstance(contract.source, DatabaseSource)
    url = connections.url(contract.source.connection, "postgresql", "postgres")
    stack = _opened(contract, url)
    cursor = next(stack)
    columns = _columns(contract, cursor)
    plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
    select = ", ".join(f"{_as_text(*columns[place])} AS {quote(columns[place][0])}" for place in plan.places)
    relation = _relation(contract.source)
    schema = text_schema(plan.names)
    with _translated(contract):
        cursor.execute(f"SELECT {select} FROM {relation}")
        reader = cursor.fetch_record_batch()
    return Extraction(schema, numbered(_stream(contract, reader, stack), schema), notes=list(plan.notes))


def comments(contract: Contract, connections: Connections) -> Comments:
    """The comments of a table and its columns, empty where there are none."""
    assert isinstance(contract.source, DatabaseSource)
    stack = _opened(contract, connections.url(contract.source.connection, "postgresql", "postgres"))
    cursor = next(stack)
    with _translated(contract):
        cursor.execute(
            "SELECT attname::text, coalesce(col_description(attrelid, attnum), ''), coalesce(obj_description(attrelid, 'pg_class'), '')"
            " FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            parameters=[_relation(contract.source)],
        )
        rows = cursor.fetchall()
    for _ in stack:
        pass
    return Comments(str(rows[0][2]) if rows else "", {str(name): str(text) for name, text, _ in rows})


def _relation(source: DatabaseSource) -> str:
    schema_name, table = split_object(source.object)
    return f"{quote(schema_name)}.{quote(table)}" if schema_name else quote(table)


def _opened(contract: Contract, url: str) -> Iterator[dbapi.Cursor]:
    """A cursor in a read-only transaction; resumed, it closes what it opened."""
    separator = "&" if "?" in url else "?"
    timeout = "" if "connect_timeout=" in url else f"{separator}connect_timeout={_CONNECT_SECONDS}"
    with _translated(contract), dbapi.connect(url.replace("+psycopg", "", 1) + timeout) as connection, connection.cursor() as cursor:
        for statement in (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"SET LOCAL statement_timeout = {contract.reading.statement_timeout_seconds * 1000}",
            # Dates as ISO text, instants as Beijing's clock, floats with the digits that give them back.
            "SET LOCAL DateStyle = 'ISO, YMD'",
            "SET LOCAL TimeZone = 'Asia/Shanghai'",
            "SET LOCAL extra_float_digits = 1",
            "SET LOCAL client_encoding = 'UTF8'",
        ):
            cursor.execute(statement)
        yield cursor


def _columns(contract: Contract, cursor: dbapi.Cursor) -> list[tuple[str, str]]:
    """Name and base type of each column, in the table's order."""
    assert isinstance(contract.source, DatabaseSource)
    relation = _relation(contract.source)
    with _translated(contract):
        cursor.execute(
            "SELECT attname::text, coalesce(nullif(typbasetype, 0), atttypid)::regtype::text FROM pg_attribute"
            " JOIN pg_type ON pg_type.oid = atttypid"
            " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            parameters=[relation],
        )
        columns = [(str(name), str(kind)) for name, kind in cursor.fetchall()]
        if not columns:
            cursor.execute(
                "SELECT schemaname || '.' || tablename FROM pg_tables UNION ALL SELECT schemaname || '.' || viewname FROM pg_views"
            )
            raise no_such_table(contract.id, contract.source.object, [str(name) for (name,) in cursor.fetchall()])
    return columns


def _as_text(name: str, kind: str) -> str:
    column = quote(name)
    match kind:
        case "bytea":
            return f"encode({column}, 'hex')"
        case "timestamp with time zone":
            return f"({column}::timestamp)::text"
        case "real" | "double precision":
            # Plain digits in place of an exponent.
            return f"{column}::text::numeric::text"
        case "money":
            return f"{column}::numeric::text"
        case _:
            return f"{column}::text"


def _stream(contract: Contract, reader: pa.RecordBatchReader, stack: Iterator[dbapi.Cursor]) -> Iterator[pa.RecordBatch]:
    try:
        with _translated(contract):
            yield from reader
    finally:
        reader.close()
        for _ in stack:
            pass


@contextmanager
def _translated(contract: Contract) -> Iterator[None]:
    """The one place where the driver's errors become the hub's; their text may quote values and addresses and goes no further."""
    try:
        yield
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        state = getattr(error, "sqlstate", None) or ""
        text = str(error)
        if "statement timeout" in text:
            state = "57014"
        known = _STATES.get(state) or _STATES.get(state[:2])
        if known is None and "authentication failed" in text:
            known = _STATES["28"]
        if known is None and "does not exist" in text and "database" in text:
            known = _STATES["3D"]
        reason, transient = known or ("the server cannot be reached or broke off", True)
        raise SourceError(
            f"{contract.id}: {reason} (connection {contract.source.connection}{f', SQLSTATE {state}' if state else ''})",
            hint=TRY_LATER if transient else ASK_DEPARTMENT,
            transient=transient,
        ) from None
