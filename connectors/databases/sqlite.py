"""SQLite through DuckDB's scanner.

The values come from one statement, so they are one state of the database: the scanner's own table scan opens a connection for every range
of rows, and with a writer beside it six reads of six were torn. SQLite's types belong to values, not to columns; each value is written by
its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from connectors.claim import Claim
from connectors.columns import plan_columns
from connectors.databases.identifiers import no_such_table, quote, split_object
from connectors.databases.increment import Parameter, Request
from connectors.databases.scanner import scanner_engine
from connectors.databases.sqlite_claim import counting
from connectors.databases.sqlite_increment import choose_part
from connectors.extraction import ASK_DEPARTMENT, BATCH_ROWS, TRY_LATER, Described, Extraction, Note, numbered, text_schema
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections
from core.errors import SourceError
from core.nouns import noun

_MAGIC = b"SQLite format 3\x00"


def extract(contract: Contract, connections: Connections, request: Request | None = None) -> Extraction:
    """Read one table or view, or the part that is asked for; raises SourceError if the file or the table is not there."""
    assert isinstance(contract.source, DatabaseSource)
    path = connections.path(contract.source.connection, "sqlite")
    engine = _attached(contract, path)
    found = _columns(contract, engine)
    plan = plan_columns(contract, found, contract.source.object)
    select = ", ".join(_as_text(found[place]) for place in plan.places)
    relation = _relation(contract.source.object)

    def ask(what: str, condition: str, parameters: Sequence[Parameter]) -> Sequence[Any]:
        with _translated(contract):
            row: Sequence[Any] = _query(engine, f"SELECT {what} FROM {relation} WHERE {condition}", *parameters).fetchall()[0]
            return row

    part = choose_part(contract.id, request, found, ask)
    statement = f"SELECT {select} FROM {relation}{part.where}"
    schema = text_schema(plan.names)
    claims: list[Claim] = []

    def read() -> Iterator[pa.RecordBatch]:
        damaged = 0
        try:
            with counting(contract, path, relation + part.where, plan.names, part.parameters) as counter:
                with _translated(contract):
                    first, reader = counter.beside(lambda: _begun(engine, statement, part.parameters))
                    for batch in chain(first, reader):
                        some, wrong = _as_utf8(batch)
                        damaged += wrong
                        yield some
                if damaged:
                    extraction.notes.append(Note("undecodable", f"{damaged} {noun(damaged, 'value is', 'values are')} not UTF-8", damaged))
                claims.append(counter.claim())
        finally:
            engine.close()

    extraction = Extraction(
        schema,
        iter(()),
        notes=[*plan.notes, *part.notes],
        is_whole=part.is_whole,
        cursor=part.cursor,
        interrupt=engine.interrupt,
        claims=claims,
    )
    extraction.batches = numbered(read(), schema)
    return extraction


def _as_utf8(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """A batch whose texts are UTF-8, and how many values were not: SQLite keeps what it is given. Bytes that are none become U+FFFD, as in a file."""
    columns, damaged = [], 0
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            stored = column.cast(pa.binary()).to_pylist()
            texts = [None if value is None else value.decode("utf-8", "replace") for value in stored]
            damaged += sum(
                value is not None and value != text.encode() for value, text in zip(stored, texts, strict=True) if text is not None
            )
            column = pa.array(texts, pa.string())
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema), damaged


def claim(contract: Contract, connections: Connections) -> Claim:
    """What the database says of the table as it is now; raises SourceError as reading does."""
    assert isinstance(contract.source, DatabaseSource)
    path = connections.path(contract.source.connection, "sqlite")
    engine = _attached(contract, path)
    try:
        plan = plan_columns(contract, _columns(contract, engine), contract.source.object)
    finally:
        engine.close()
    with counting(contract, path, _relation(contract.source.object), plan.names) as counter:
        counter.beside(lambda: None)
        return counter.claim()


def described(contract: Contract, connections: Connections) -> Described:
    """What the catalog says of a table: its primary key; it keeps no comments."""
    assert isinstance(contract.source, DatabaseSource)
    engine = _attached(contract, connections.path(contract.source.connection, "sqlite"))
    try:
        with _translated(contract):
            _, table = split_object(contract.source.object)
            found = _query(engine, "SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk", table).fetchall()
    finally:
        engine.close()
    return Described(key=tuple(str(name) for (name,) in found))


def _attached(contract: Contract, path: Path) -> duckdb.DuckDBPyConnection:
    check_file(contract, path)
    engine = scanner_engine("sqlite_scanner")
    with _translated(contract):
        engine.execute(f"ATTACH {_literal(str(path))} AS source (TYPE sqlite, READ_ONLY)")
    return engine


def _begun(
    engine: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[Parameter]
) -> tuple[list[pa.RecordBatch], pa.RecordBatchReader]:
    """A statement with its first batch: only then has it a state of the database."""
    reader = _query(engine, statement, *parameters).to_arrow_reader(BATCH_ROWS)
    first = next(reader, None)
    return ([] if first is None else [first]), reader


def check_file(contract: Contract, path: Path) -> None:
    """Raise SourceError where a file is not there, cannot be opened or is no database."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        raise SourceError(
            f"{contract.id}: there is no file {path.name} (connection {contract.source.connection})",
            hint="the department's system may be down; the next run tries again",
            transient=True,
        ) from None
    except OSError as error:
        raise SourceError(
            f"{contract.id}: {path.name} cannot be opened ({error.strerror})",
            hint=ASK_DEPARTMENT if isinstance(error, PermissionError) else TRY_LATER,
            transient=not isinstance(error, PermissionError),
        ) from None
    if start != _MAGIC:
        raise SourceError(f"{contract.id}: {path.name} is not an SQLite database", hint=ASK_DEPARTMENT)


def _query(engine: duckdb.DuckDBPyConnection, sql: str, *parameters: Parameter) -> duckdb.DuckDBPyConnection:
    # The statement runs inside SQLite; it is passed as a value, so DuckDB reads nothing into it.
    marks = ", ".join("?::bigint" if isinstance(value, int) else "?" for value in parameters)
    values = f", params := row({marks})" if parameters else ""
    return engine.execute(f"SELECT * FROM sqlite_query('source', ?{values})", [sql, *parameters])


def _columns(contract: Contract, engine: duckdb.DuckDBPyConnection) -> list[str]:
    assert isinstance(contract.source, DatabaseSource)
    _, table = split_object(contract.source.object)
    with _translated(contract):
        # table_xinfo, unlike table_info, names generated columns too; 1 marks the hidden ones of virtual tables.
        names = [
            str(name)
            for (name,) in _query(engine, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid", table).fetchall()
        ]
        if not names:
            tables = _query(engine, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
            raise no_such_table(contract.id, contract.source.object, [str(name) for (name,) in tables])
    return names


def _relation(name: str) -> str:
    schema_name, table = split_object(name)
    return f"{quote(schema_name)}.{quote(table)}" if schema_name else quote(table)


def _as_text(name: str) -> str:
    """Bytes as hex, reals with the 15 digits SQLite itself shows of them, without an exponent."""
    column = quote(name)
    text = f"CAST({column} AS TEXT)"
    places = f"14 - CAST(substr({text}, instr({text}, 'e') + 1) AS INTEGER)"
    plain = f"CASE WHEN abs({column}) < 1 THEN rtrim(printf('%.*f', {places}, {column}), '0') ELSE printf('%.0f', {column}) END"
    real = f"CASE WHEN instr({text}, 'e') THEN {plain} ELSE {text} END"
    return f"CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) WHEN 'real' THEN {real} ELSE {text} END AS {column}"


def _literal(text: str) -> str:
    return quote(text, "'")


@contextmanager
def _translated(contract: Contract) -> Iterator[None]:
    """The one place where the driver's errors become the hub's; their text may quote values and goes no further."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        text = str(error).lower()
        where = f"(connection {contract.source.connection})"
        if "locked" in text or "busy" in text:
            raise SourceError(f"{contract.id}: the database is locked by another program {where}", hint=TRY_LATER, transient=True) from None
        if "malformed" in text or "not a database" in text:
            raise SourceError(f"{contract.id}: the database file is damaged {where}", hint="ask the department for a fresh copy") from None
        if "no such" in text:
            raise SourceError(f"{contract.id}: the table or a table behind the view is gone {where}", hint=ASK_DEPARTMENT) from None
        raise SourceError(
            f"{contract.id}: the database cannot be read {where}",
            hint=TRY_LATER,
            transient="unable to open" in text or "disk i/o" in text,
        ) from None
