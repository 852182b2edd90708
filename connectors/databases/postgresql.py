"""PostgreSQL through ADBC: the server writes every value as text, one read-only transaction sees one state of the table.

Casting on the server is a third faster than fetching native types and casting in Arrow, and it is PostgreSQL's own idea of the text.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import adbc_driver_manager
import psycopg
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi

from connectors.claim import BINARY, FLOAT, TOO_LONG, Claim, DigestPlan, added_up, canonical, no_digest, no_text, plan_digest
from connectors.columns import ColumnPlan, plan_columns
from connectors.databases.identifiers import no_such_table, quote, split_object
from connectors.databases.increment import NUMBER, TIME, Parameter, Request, choose_part
from connectors.extraction import ASK_DEPARTMENT, TRY_LATER, Described, Extraction, held_back, numbered, text_schema
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections
from core.errors import SourceError

_CONNECT_SECONDS = 15
_GENTLE_BYTES = 1 << 16
_FIRST_DAY = "0001-01-02"  # of a cursor: from the earliest that the server knows nothing can be taken off
# What the server says (SQLSTATE), what it means here, and whether waiting can help.
_QUOTED = "quoted"  # no SQLSTATE: the server's doing, the driver's error
_UNFILLED = "unfilled"  # its SQLSTATE (55000) says only that something is not ready
_STATES = {
    "28": ("the server refuses the hub's user or password", False),
    "3D": ("the server has no database of that name", False),
    "3F": ("there is no such schema", False),
    "42501": ("the hub's user may not read this table", False),
    "42P01": ("the table is gone", False),
    "42703": ("a column is gone", False),
    "22": ("the table or view cannot be read: the server fails on a value in it", False),
    "57014": ("the statement ran longer than the contract allows", True),
    "55P03": ("the table is locked", True),
    "55006": ("somebody else is reading from the slot that holds the log for the hub", True),
    "53400": ("the server has no replication slot left", True),
    _UNFILLED: ("the materialized view has not been filled yet, it has to be refreshed first", False),
    _QUOTED: ("the server puts every name in quotes; let quote_all_identifiers be off for the hub's account", False),
}

# How values are written: dates as ISO text, instants as Beijing's clock, floats with the digits that give them back.
FORMS = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "Asia/Shanghai",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
}
# What a column's type is a domain of, through however many.
BASE_TYPE = (
    "(WITH RECURSIVE base(kind, next) AS (SELECT oid, typbasetype FROM pg_type WHERE oid = atttypid UNION ALL"
    " SELECT t.oid, typbasetype FROM base JOIN pg_type t ON t.oid = next) SELECT kind FROM base WHERE next = 0)::regtype::text"
)

# Whoever is turned away at the door gets no SQLSTATE, only the server's words, in the server's language.
_REFUSALS = {
    re.compile(
        r'role ".*" (does not exist|is not permitted to log in)|authentication failed|no pg_hba\.conf entry|permission denied for database'
        r"|角色.*(不存在|不允许登录|不被允许登录)|认证失败|没有用于.*pg_hba\.conf|对数据库.*权限不够"
    ): "28",
    re.compile(r'database ".*" does not exist|数据库.*不存在'): "3D",
    # An error while rows stream comes without one as well: that of a view, or of a type with a form of its own.
    re.compile(
        r"invalid input syntax for|division by zero|out of range|value too long for|无效的类型|除以零|超出范围|对于.*来说太长了"
    ): "22",
    # The driver asks which types there are as soon as it connects, and so before anything can be set.
    re.compile("type with oid 0 not found"): _QUOTED,
    re.compile("materialized view .* has not been populated|REFRESH MATERIALIZED VIEW|物化视图"): _UNFILLED,
}


def extract(contract: Contract, connections: Connections, request: Request | None = None, *, snapshot: str | None = None) -> Extraction:
    """Read one table or view, or the part that is asked for, now or as a snapshot of the server has it.

    Raises SourceError if it is not there or the server cannot be reached.
    """
    assert isinstance(contract.source, DatabaseSource)
    url = connections.url(contract.source.connection, "postgresql", "postgres")
    stack = opened(contract, url, snapshot)
    try:
        return read_table(contract, next(stack), stack, request)
    except BaseException:
        stack.close()
        raise


def read_table(contract: Contract, cursor: dbapi.Cursor, stack: Generator[dbapi.Cursor, None, None], request: Request | None) -> Extraction:
    """Read what a request asks for through an open cursor; `stack` closes it afterwards."""
    assert isinstance(contract.source, DatabaseSource)
    columns = columns_of(contract, cursor)
    plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
    select = ", ".join(f"{as_text(*columns[place])} AS {quote(columns[place][0])}" for place in plan.places)
    relation = relation_of(contract.source)
    schema = text_schema(plan.names)

    def ask(what: str, condition: str, parameters: Sequence[Parameter]) -> Sequence[Any]:
        with translated(contract):
            _set_parameters(cursor, parameters)
            cursor.execute(f"SELECT {what} FROM {relation} WHERE {condition}")
            row: Sequence[Any] = cursor.fetchall()[0]
            return row

    part = choose_part(contract.id, request, dict(columns), _Dialect(), ask)
    types = types_of(contract, cursor, relation)
    with translated(contract):
        _set_parameters(cursor, part.parameters)
        if contract.reading.rows_per_second:
            # Little at a time: what is held back here, the server does not send.
            cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_GENTLE_BYTES)})
        cursor.execute(f"SELECT {select} FROM {relation}{part.where}")
        reader = cursor.fetch_record_batch()
    claims: list[Claim] = []
    digests = digests_of(contract, columns, plan)

    def rows() -> Iterator[pa.RecordBatch]:
        try:
            with translated(contract):
                yield from reader
            reader.close()
            claims.append(_claim(contract, cursor, relation + part.where, dict(columns), digests))
        finally:
            reader.close()
            for _ in stack:
                pass

    return Extraction(
        schema,
        numbered(rows(), schema),
        notes=[*plan.notes, *part.notes],
        is_whole=part.is_whole,
        cursor=part.cursor,
        types=types,
        interrupt=cursor.adbc_cancel,
        claims=claims,
    )


def claim(contract: Contract, connections: Connections) -> Claim:
    """What the server says of the table as it is now; raises SourceError as reading does."""
    assert isinstance(contract.source, DatabaseSource)
    stack = opened(contract, connections.url(contract.source.connection, "postgresql", "postgres"))
    try:
        cursor = next(stack)
        columns = columns_of(contract, cursor)
        plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
        return _claim(contract, cursor, relation_of(contract.source), dict(columns), digests_of(contract, columns, plan))
    finally:
        stack.close()


def _set_parameters(cursor: dbapi.Cursor, parameters: Sequence[Parameter]) -> None:
    """Values that a statement takes from the session: one with bound parameters is not streamed, its whole result is held in memory."""
    for place, value in enumerate(parameters, start=1):
        cursor.execute("SELECT set_config($1, $2, true)", parameters=[f"hub.p{place}", str(value)])
        cursor.fetchall()


class _Dialect:
    """How PostgreSQL writes what a cursor asks."""

    def kind(self, type_name: str) -> str | None:
        if type_name in ("smallint", "integer", "bigint", "numeric"):
            return NUMBER
        return TIME if type_name in ("timestamp without time zone", "timestamp with time zone", "date") else None

    def column(self, name: str) -> str:
        return quote(name)

    def value(self, place: int, type_name: str) -> str:
        return f"current_setting('hub.p{place}')::{type_name}"

    def earlier(self, value: str, type_name: str, overlap: int) -> str:
        if self.kind(type_name) == NUMBER:
            return f"({value}::numeric - {int(overlap)})"
        return f"(greatest({value}, '{_FIRST_DAY}') - interval '{int(overlap)} seconds')::{type_name}"

    def counts(self, column: str, type_name: str) -> str:
        if self.kind(type_name) == NUMBER:
            # As text: servers before 14 know no infinite numbers.
            return f"{column} < 'NaN' AND {column}::text NOT IN ('Infinity', '-Infinity')" if type_name == "numeric" else "true"
        return f"{column} <= now()::{type_name} AND {column} >= '{_FIRST_DAY}'"

    def unplaced(self, column: str, type_name: str) -> str:
        early = "" if self.kind(type_name) == NUMBER else f" OR {column} < '{_FIRST_DAY}'"
        return f"{column} IS NULL{early}"

    def text(self, value: str) -> str:
        return f"({value})::text"


def described(contract: Contract, connections: Connections) -> Described:
    """What the catalog says of a table: comments, empty where there are none, and its primary key."""
    assert isinstance(contract.source, DatabaseSource)
    stack = opened(contract, connections.url(contract.source.connection, "postgresql", "postgres"))
    cursor = next(stack)
    with translated(contract):
        cursor.execute(
            "SELECT attname::text, coalesce(col_description(attrelid, attnum), ''), coalesce(obj_description(attrelid, 'pg_class'), '')"
            " FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            parameters=[relation_of(contract.source)],
        )
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT attname::text FROM pg_index, unnest(indkey::int2[]) WITH ORDINALITY AS k(number, place) JOIN pg_attribute ON attnum = number"
            " WHERE indrelid = to_regclass($1) AND attrelid = indrelid AND indisprimary ORDER BY place",
            parameters=[relation_of(contract.source)],
        )
        key = tuple(str(name) for (name,) in cursor.fetchall())
    for _ in stack:
        pass
    return Described(str(rows[0][2]) if rows else "", {str(name): str(text) for name, text, _ in rows}, key)


def relation_of(source: DatabaseSource) -> str:
    """The table's name as SQL."""
    schema_name, table = split_object(source.object)
    return f"{quote(schema_name)}.{quote(table)}" if schema_name else quote(table)


def opened(contract: Contract, url: str, snapshot: str | None = None) -> Generator[dbapi.Cursor, None, None]:
    """A cursor in a read-only transaction; resumed, it closes what it opened."""
    separator = "&" if "?" in url else "?"
    timeout = "" if "connect_timeout=" in url else f"{separator}connect_timeout={_CONNECT_SECONDS}"
    with translated(contract), dbapi.connect(url.replace("+psycopg", "", 1) + timeout) as connection, connection.cursor() as cursor:
        for statement in (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            *([f"SET TRANSACTION SNAPSHOT {quote(snapshot, chr(39))}"] if snapshot else []),
            f"SET LOCAL statement_timeout = {contract.reading.statement_timeout_seconds * 1000}",
            *(f"SET LOCAL {name} = '{value}'" for name, value in FORMS.items()),
        ):
            cursor.execute(statement)
        yield cursor


def columns_of(contract: Contract, cursor: dbapi.Cursor) -> list[tuple[str, str]]:
    """Name and base type of each column, in the table's order."""
    assert isinstance(contract.source, DatabaseSource)
    relation = relation_of(contract.source)
    with translated(contract):
        cursor.execute(
            f"SELECT attname::text, {BASE_TYPE} FROM pg_attribute"
            " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            parameters=[relation],
        )
        columns = [(str(name), str(kind)) for name, kind in cursor.fetchall()]
        if not columns:
            cursor.execute(
                "SELECT schemaname || '.' || name FROM (SELECT schemaname, tablename AS name FROM pg_tables"
                " UNION ALL SELECT schemaname, viewname FROM pg_views UNION ALL SELECT schemaname, matviewname FROM pg_matviews) AS found"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
            raise no_such_table(contract.id, contract.source.object, [str(name) for (name,) in cursor.fetchall()])
    return columns


def types_of(contract: Contract, cursor: dbapi.Cursor, relation: str) -> dict[str, str]:
    """Type and, where it is not the database's own, collation of each column."""
    with translated(contract):
        cursor.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod), coalesce(', collation ' || nullif(collname, 'default'), '')"
            " FROM pg_attribute LEFT JOIN pg_collation ON pg_collation.oid = attcollation"
            " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            parameters=[relation],
        )
        return {str(name): f"{kind}{collation}" for name, kind, collation in cursor.fetchall()}


def as_text(name: str, kind: str) -> str:
    """SQL for a column's value as landing keeps it, by its base type."""
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


_TEXTS = {"text", "character varying", "character", '"char"', "name"}
_PLAIN = {
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "boolean",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "uuid",
}
_MARK, _SEPARATOR = "chr(30)", "chr(31)"
# Pieces of a digest whose sums PostgreSQL adds up exactly: each fits into a bigint without its sign.
_PIECES = (44, 44, 40)
_UNKNOWN_FUNCTION = "42883"
_CANCELED = "57014"


def digests_of(contract: Contract, columns: Sequence[tuple[str, str]], plan: ColumnPlan) -> DigestPlan:
    """Which columns of a table its digests are of."""
    return plan_digest(contract, plan.names, {name: why for name, kind in columns if (why := _not_comparable(kind))})


def _not_comparable(kind: str) -> str:
    """Why the values of a type are in no digest; empty where they are."""
    if kind in ("real", "double precision"):
        return FLOAT
    return BINARY if kind == "bytea" else "" if kind in _TEXTS | _PLAIN else no_text(kind)


def _canonical(name: str, kind: str) -> str:
    """A value's place in the canonical text: null is a mark, marks inside are written otherwise. Numbers and dates have none inside."""
    text = as_text(name, kind)
    if kind in _TEXTS:
        text = f"replace(replace({text}, {_MARK}, {_MARK} || 'e'), {_SEPARATOR}, {_MARK} || 's')"
    return f"coalesce({text}, {_MARK} || 'n')"


def sha256_of(names: Sequence[str], kinds: dict[str, str]) -> str:
    """SQL for the sha256 (32 bytes) of the canonical text of some columns, given with their base types."""
    return f"sha256(convert_to({canonical([_canonical(name, kinds[name]) for name in names], _SEPARATOR)}, 'UTF8'))"


def _claim(contract: Contract, cursor: dbapi.Cursor, relation: str, kinds: dict[str, str], plan: DigestPlan) -> Claim:
    """What the server says of the table, in the transaction in which its rows were read."""
    with translated(contract):
        cursor.execute(f"SELECT current_setting('server_version'), count(*) FROM {relation}")
        ((version, count),) = cursor.fetchall()
    engine, state = f"PostgreSQL {str(version).split()[0]}", "one read-only transaction (repeatable read) for rows, count and digests"
    reason = no_digest(contract, plan)
    if reason:
        return Claim(engine, state, int(count), plan, reason=reason)
    sums, start = [], 1
    for width in _PIECES:
        sums.append(f"sum(substring(h FROM {start} FOR {width})::bigint)::text")
        start += width
    # OFFSET 0 keeps the digest from being computed anew for each sum.
    digested = (
        f"SELECT {f'get_byte({sha256_of(plan.key, kinds)}, 0)' if plan.key else '0'} AS p, "
        f"('x' || substr(encode({sha256_of(plan.columns, kinds)}, 'hex'), 1, 32))::bit(128) AS h FROM {relation} OFFSET 0"
    )
    try:
        cursor.execute(f"SELECT p, count(*), {', '.join(sums)} FROM ({digested}) AS digested GROUP BY p")
        found = cursor.fetchall()
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        reason = _unable(error)
        if not reason:
            with translated(contract):
                raise
        return Claim(engine, state, int(count), plan, reason=reason)
    rows = ((f"{part:02x}", int(rows), [int(piece) for piece in pieces]) for part, rows, *pieces in found)
    return Claim(engine, state, int(count), plan, added_up(rows, _PIECES))


def _unable(error: Exception) -> str:
    """Why the server gave no digests although its rows were read; empty where the error is another."""
    state = getattr(error, "sqlstate", None) or ""
    if state == _UNKNOWN_FUNCTION:
        return "the server has no sha256 (PostgreSQL has it from version 11)"
    return TOO_LONG if state == _CANCELED or "statement timeout" in str(error) else ""


@contextmanager
def translated(contract: Contract) -> Iterator[None]:
    """The one place where the driver's errors become the hub's; their text may quote values and addresses and goes no further."""
    try:
        yield
    except (adbc_driver_manager.Error, psycopg.Error, pa.ArrowException, OSError) as error:
        state = getattr(error, "sqlstate", None) or ""
        text = str(error)
        if "statement timeout" in text:
            state = _CANCELED
        known = _STATES.get(state) or _STATES.get(state[:2])
        if known is None:
            known = next((_STATES[state] for pattern, state in _REFUSALS.items() if pattern.search(text)), None)
        reason, transient = known or ("the server cannot be reached or broke off", True)
        raise SourceError(
            f"{contract.id}: {reason} (connection {contract.source.connection}{f', SQLSTATE {state}' if state else ''})",
            hint=ASK_DEPARTMENT if not transient else held_back(contract.reading) if state == _CANCELED else TRY_LATER,
            transient=transient,
        ) from None
