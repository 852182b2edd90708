"""Any database with a SQLAlchemy dialect, streamed: slower than a connector of its own, and with the same values as text.

Which dialect it is says the connection's address (`dialects.yml`). One statement reads the table, so it sees one state of it wherever the
database gives a statement that (SQL Server only does where the database allows it: READ_COMMITTED_SNAPSHOT).
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pyarrow as pa
import sqlalchemy as sa
import yaml
from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import exc
from sqlalchemy.dialects import registry

from connectors.claim import COUNTS_ONLY, Claim, plan_digest
from connectors.columns import plan_columns
from connectors.cut_off import ended_by
from connectors.databases.identifiers import no_such_table, split_object
from connectors.databases.increment import Request
from connectors.databases.sql_text import UnknownValue, converter, expression, texts
from connectors.databases.statement_limits import Ending, Limit
from connectors.extraction import ASK_DEPARTMENT, TRY_LATER, Described, Extraction, held_back, numbered, text_schema
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections
from core.errors import RequestError, SourceError

_FETCHED_ROWS = 10_000
_ONE_STATE = "one statement for rows and count"
registry.register("kingbase.ksycopg2", "connectors.databases.kingbase", "KingbaseDialect")


@dataclass(frozen=True)
class Dialect:
    """One kind of database: what SQLAlchemy calls it, whose ways it has, what has to be installed for it, how a connection begins, and how it is
    told how long a statement may run."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    title: str
    dialect: str
    family: str
    packages: tuple[str, ...] = ()
    connect: Mapping[str, Any] = field(default_factory=dict)
    session: tuple[str, ...] = ()
    limit: Limit = field(default_factory=Limit)


@cache
def dialects() -> dict[str, Dialect]:
    """The kinds of databases by the first part of an address."""
    found = yaml.safe_load(Path(__file__).with_name("dialects.yml").read_text(encoding="utf-8"))
    return {name: TypeAdapter(Dialect).validate_python(entry) for name, entry in found["dialects"].items()}


def extract(contract: Contract, connections: Connections, request: Request | None = None) -> Extraction:
    """Read one table or view; raises SourceError if it is not there or the server cannot be reached."""
    if request is not None:
        raise RequestError(f"{contract.id}: a source of kind sql is only read whole", hint="track it by snapshot")
    dialect, engine = _engine(contract, connections)
    ending = Ending(dialect.limit, engine.raw_connection)
    sa.event.listen(engine, "connect", lambda connection, _: ending.opened(connection))
    ended_by(ending.end)
    try:
        columns = [(str(column["name"]), column["type"]) for column in _reflected(contract, dialect, engine)]
        assert isinstance(contract.source, DatabaseSource)
        plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
    except BaseException:
        engine.dispose()
        raise
    schema = text_schema(plan.names)
    chosen = [columns[place] for place in plan.places]
    claims: list[Claim] = []
    batches = numbered(_stream(contract, dialect, engine, chosen, claims, ending), schema)
    return Extraction(schema, batches, notes=list(plan.notes), interrupt=ending.end, claims=claims)


def claim(contract: Contract, connections: Connections) -> Claim:
    """How many rows the server says the table has now; raises SourceError as reading does."""
    dialect, engine = _engine(contract, connections)
    try:
        names = tuple(str(column["name"]) for column in _reflected(contract, dialect, engine))
        with _translated(contract), engine.connect() as connection:
            count = int(connection.execute(sa.select(sa.func.count()).select_from(_table(contract))).scalar_one())
    finally:
        engine.dispose()
    return Claim(dialect.title, _ONE_STATE, count, plan_digest(contract, names, {}), reason=COUNTS_ONLY)


def _table(contract: Contract) -> sa.TableClause:
    schema_name, table = _names(contract)
    return sa.table(table, schema=schema_name)


def described(contract: Contract, connections: Connections) -> Described:
    """What the catalog says of a table: comments, empty where there are none or the database keeps none, and its primary key."""
    dialect, engine = _engine(contract, connections)
    try:
        columns = {str(column["name"]): str(column.get("comment") or "") for column in _reflected(contract, dialect, engine)}
        schema_name, table = _names(contract)
        with _translated(contract):
            catalog, key = sa.inspect(engine), tuple[str, ...]()
            with suppress(exc.NoSuchTableError):  # what SQLAlchemy raises for a view
                key = tuple(map(str, catalog.get_pk_constraint(table, schema_name)["constrained_columns"]))
            try:
                about = catalog.get_table_comment(table, schema_name)["text"]
            except (NotImplementedError, exc.NoSuchTableError):
                # The first is what SQLAlchemy raises for a dialect that keeps no comments, the second what it raises for a view.
                about = None
    finally:
        engine.dispose()
    return Described(str(about or ""), columns, key)


def _names(contract: Contract) -> tuple[str | None, str]:
    assert isinstance(contract.source, DatabaseSource)
    schema_name, table = split_object(contract.source.object)
    # Quoted, so that no dialect writes them otherwise than they stand in the contract.
    return (sa.sql.quoted_name(schema_name, True) if schema_name else None), sa.sql.quoted_name(table, True)


def _engine(contract: Contract, connections: Connections) -> tuple[Dialect, sa.Engine]:
    assert isinstance(contract.source, DatabaseSource)
    name = contract.source.connection
    url = connections.url(name, *dialects())
    dialect = dialects()[url.partition(":")[0].partition("+")[0]]
    seconds = contract.reading.statement_timeout_seconds
    if dialect.family == "dameng":
        # Its package also brings a dialect for asynchronous programs, made for an SQLAlchemy before 2.1; without it the other one works.
        sys.modules.setdefault("dmSQLAlchemy.dmasync", SimpleNamespace(dialect_async=None))  # type: ignore[arg-type]
    try:
        address = sa.make_url(f"{dialect.dialect}:{url.partition(':')[2]}")
        options = dict(dialect.connect) | dialect.limit.options(seconds)
        engine = sa.create_engine(address, poolclass=sa.NullPool, connect_args=options)
    except (ImportError, exc.NoSuchModuleError):
        needed = " ".join(dialect.packages)
        raise RequestError(
            f'connection "{name}" leads to {dialect.title}, whose driver is not installed', hint=f".venv/bin/python -m pip install {needed}"
        ) from None
    except (exc.ArgumentError, ValueError):
        raise RequestError(
            f'the address of connection "{name}" cannot be read', hint="as in sqlserver://user:password@host/database"
        ) from None
    sa.event.listen(engine, "connect", lambda connection, _: _prepare(connection, dialect, seconds))
    return dialect, engine


def _prepare(connection: Any, dialect: Dialect, seconds: int) -> None:
    dialect.limit.set_on(connection, seconds)
    cursor = connection.cursor()
    for statement in (*dialect.session, *dialect.limit.statements(seconds)):
        cursor.execute(statement)
    cursor.close()
    connection.commit()


def _reflected(contract: Contract, dialect: Dialect, engine: sa.Engine) -> list[Any]:
    assert isinstance(contract.source, DatabaseSource)
    schema_name, table = _names(contract)
    with _translated(contract):
        inspector = sa.inspect(engine)
        is_there = schema_name is None or schema_name in inspector.get_schema_names()
        try:
            found: list[Any] = inspector.get_columns(table, schema_name) if is_there else []
        except exc.NoSuchTableError:
            found = []
        if not found and not is_there:
            raise no_such_table(contract.id, contract.source.object, [])
        if not found:
            names = [*inspector.get_table_names(schema_name), *inspector.get_view_names(schema_name)]
            shown = [f"{schema_name}.{name}" if schema_name else name for name in names]
            raise no_such_table(contract.id, contract.source.object, shown)
    if dialect.family == "mysql":
        # SQLAlchemy reads the names out of the statement that made the table, and leaves the marks in them doubled.
        return [{**column, "name": column["name"].replace("``", "`")} for column in found]
    return found


def _stream(
    contract: Contract,
    dialect: Dialect,
    engine: sa.Engine,
    columns: list[tuple[str, sa.types.TypeEngine[Any]]],
    claims: list[Claim],
    ending: Ending,
) -> Iterator[pa.RecordBatch]:
    table = _table(contract)
    selected = [expression(name, kind, dialect.family).label(f"c{place}") for place, (name, kind) in enumerate(columns)]
    # Counted in the statement that reads, so that it is the count of the rows of that state.
    count = sa.select(sa.func.count()).select_from(table.alias("counted")).scalar_subquery().label("counted")
    values = (sa.type_coerce(item, sa.types.NullType()).label(item.name) for item in selected)
    statement = sa.select(*values, count).select_from(table)
    counted = 0
    convert = [converter(kind, dialect.family) for _, kind in columns]
    schema = pa.schema([pa.field(name, pa.string()) for name, _ in columns])
    began = time.monotonic()
    try:
        with _translated(contract), engine.connect() as connection:
            result = connection.execution_options(stream_results=True, max_row_buffer=_FETCHED_ROWS).execute(statement)
            with ending.where_left(result.cursor, (GeneratorExit, SourceError)):
                for rows in result.partitions(_FETCHED_ROWS):
                    counted = int(rows[-1][-1] or 0)
                    given = list(zip(*rows, strict=True))[:-1]
                    arrays = [pa.array(texts(values, how), pa.string()) for values, how in zip(given, convert, strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
                    if _is_over(contract, began):
                        raise _too_long(contract)
        plan = plan_digest(contract, [name for name, _ in columns], {})
        claims.append(Claim(dialect.title, _ONE_STATE, counted, plan, reason=COUNTS_ONLY))
    finally:
        engine.dispose()


def _is_over(contract: Contract, began: float) -> bool:
    return time.monotonic() - began >= contract.reading.statement_timeout_seconds


def _too_long(contract: Contract) -> SourceError:
    return SourceError(
        f"{contract.id}: the statement ran longer than the contract allows (connection {contract.source.connection})",
        hint=held_back(contract.reading),
        transient=True,
    )


@contextmanager
def _translated(contract: Contract) -> Iterator[None]:
    """The one place where the drivers' errors become the hub's; their text may quote values and addresses and goes no further."""
    where = f"(connection {contract.source.connection})"
    began = time.monotonic()
    try:
        yield
    except exc.DBAPIError as error:
        # Each database says in its own way that it has ended a statement; when it does, the time is over.
        raise (_too_long(contract) if _is_over(contract, began) else _refusal(contract, error)) from None
    except UnknownValue as error:
        raise SourceError(
            f"{contract.id}: a column has values that cannot be written as text ({error}) {where}",
            hint="ask the department for a view without it",
        ) from None
    except (exc.SQLAlchemyError, OSError, UnicodeError) as error:
        raise _refusal(contract, error) from None
    except AssertionError:  # how SQLAlchemy says that it cannot read the server's version
        raise SourceError(f"{contract.id}: the server is none that its dialect knows {where}", hint=ASK_DEPARTMENT) from None


def _refusal(contract: Contract, error: Exception) -> SourceError:
    where = f"(connection {contract.source.connection})"
    if isinstance(error, exc.ProgrammingError | exc.DataError | exc.NotSupportedError | UnicodeError):
        return SourceError(
            f"{contract.id}: the server refuses to read this table {where}", hint="ask whether the hub's user may read every column"
        )
    return SourceError(f"{contract.id}: the server cannot be reached or broke off {where}", hint=TRY_LATER, transient=True)
