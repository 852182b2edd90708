"""MySQL and MariaDB: the server writes every value as text, one statement sees one state of the table.

What the server says of its rows, their count and digests, is the end of the same statement: a second one might see another state.

Rows come through DuckDB's scanner, streamed (three times as fast as row by row through Python); what is asked beforehand goes through
PyMySQL, whose errors carry numbers. Zero dates ("0000-00-00") arrive as they are: written by the server, no driver stumbles over them.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pymysql

from connectors.claim import BINARY, FLOAT, Claim, DigestPlan, added_up, no_digest, no_text, plan_digest
from connectors.columns import plan_columns
from connectors.databases.identifiers import no_such_table, quote, split_object
from connectors.databases.increment import NUMBER, TIME, Parameter, Request, choose_part
from connectors.databases.scanner import scanner_engine
from connectors.extraction import ASK_DEPARTMENT, BATCH_ROWS, TRY_LATER, Described, Extraction, numbered, text_schema
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections
from core.errors import SourceError

_CONNECT_SECONDS = 15
_SECONDS = 60  # of a statement, where no contract says it
_FIRST_DAY = "1000-01-01"  # of DATE and DATETIME as documented; what is before it are zero dates
_REFUSED = {
    1044: "the hub's user may not use this database",
    1045: "the server refuses the hub's user or password",
    1049: "the server has no database of that name",
    1142: "the hub's user may not read this table",
    1143: "the hub's user may not read a column of this table",
    1146: "the table is gone",
    1356: "the view refers to something that is gone",
    1698: "the server refuses the hub's user or password",
}
_TOO_LONG = {1205, 1969, 3024}
# The client's own words, always in English: MySQL speaks TLS where nothing else was said, and ends it without a farewell.
_GONE = re.compile(r"gone away|lost connection|tls/ssl error", re.IGNORECASE)
_SPATIAL = (
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
)
_BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector", *_SPATIAL)


def extract(contract: Contract, connections: Connections, request: Request | None = None) -> Extraction:
    """Read one table or view, or the part that is asked for; raises SourceError if it is not there or the server cannot be reached."""
    table = Table(contract, connections, request)
    part, names = table.part, table.plan.names
    select = ", ".join(f"{as_text(name, table.kinds[name])} AS {quote(name, '`')}" for name in names)
    rows = f"{select}, {char('NULL')} AS `_claim` FROM {table.rows}"
    statement = table.limited(f"{rows} UNION ALL SELECT {', '.join(['NULL'] * len(names))}, {table.told}")
    schema = text_schema(names)
    with translated(contract):
        engine = table.server.attached()
        reader = _streamed(engine, statement, [*part.parameters, *part.parameters])
    claims: list[Claim] = []
    said: list[str] = []

    def read() -> Iterator[pa.RecordBatch]:
        yield from _rows(_stream(contract, reader, engine), said)
        claims.append(table.claim(said))

    notes = [*table.plan.notes, *part.notes]
    return Extraction(
        schema, numbered(read(), schema), notes=notes, is_whole=part.is_whole, cursor=part.cursor, types=table.types, claims=claims
    )


def claim(contract: Contract, connections: Connections) -> Claim:
    """What the server says of the table as it is now; raises SourceError as reading does."""
    table = Table(contract, connections)
    with translated(contract):
        engine = table.server.attached()
        reader = _streamed(engine, table.limited(table.told), ())
    return table.claim([text.as_py() for batch in _stream(contract, reader, engine) for text in batch.column(0)])


def _streamed(engine: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[Parameter]) -> pa.RecordBatchReader:
    return asked(engine, statement, parameters, is_streamed=True).to_arrow_reader(BATCH_ROWS)


def asked(
    engine: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[Parameter], *, is_streamed: bool
) -> duckdb.DuckDBPyConnection:
    """A statement that the server runs. What it streams comes by a connection of its own; what is held whole, by that of the transaction."""
    values = f", params := row({', '.join('?' for _ in parameters)})" if parameters else ""
    query = f"SELECT * FROM mysql_query('source', ?, stream_results := {str(is_streamed).lower()}{values})"
    return engine.execute(query, [statement, *parameters])


class _Dialect:
    """How MySQL and MariaDB write what a cursor asks."""

    def kind(self, type_name: str) -> str | None:
        if type_name in ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal"):
            return NUMBER
        return TIME if type_name in ("datetime", "timestamp", "date") else None

    def column(self, name: str) -> str:
        return quote(name, "`")

    def value(self, place: int, type_name: str) -> str:
        return "CAST(? AS DECIMAL(65, 30))" if self.kind(type_name) == NUMBER else "CAST(? AS DATETIME(6))"

    def earlier(self, value: str, type_name: str, overlap: int) -> str:
        if self.kind(type_name) == NUMBER:
            return f"({value} - {int(overlap)})"
        # Nothing can be taken off a day that there is not (2026-02-00): then all is read.
        return f"COALESCE({value} - INTERVAL {int(overlap)} SECOND, CAST('{_FIRST_DAY}' AS DATETIME(6)))"

    def counts(self, column: str, type_name: str) -> str:
        return "true" if self.kind(type_name) == NUMBER else f"{column} <= NOW(6) AND {column} >= '{_FIRST_DAY}'"

    def unplaced(self, column: str, type_name: str) -> str:
        if self.kind(type_name) == NUMBER:
            return f"{column} IS NULL"
        # No day before its first can be held against a TIMESTAMP by an index.
        return f"{column} IS NULL OR {column} {'= 0' if type_name == 'timestamp' else f'< {_FIRST_DAY!r}'}"

    def text(self, value: str) -> str:
        return f"CAST({value} AS CHAR)"


def described(contract: Contract, connections: Connections) -> Described:
    """What the catalog says of a table: comments, empty where there are none, and its primary key."""
    assert isinstance(contract.source, DatabaseSource)
    schema_name, table = split_object(contract.source.object)
    server = _Server(connections.url(contract.source.connection, "mysql", "mariadb"))
    where = "WHERE table_schema = coalesce(%s, database()) AND table_name = %s"
    with translated(contract), server.connected() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT table_comment FROM information_schema.tables {where}", (schema_name, table))
        about = [str(text or "") for (text,) in cursor.fetchall()]
        cursor.execute(f"SELECT column_name, column_comment FROM information_schema.columns {where}", (schema_name, table))
        columns = {str(name): str(text or "") for name, text in cursor.fetchall()}
        cursor.execute(
            f"SELECT column_name FROM information_schema.statistics {where} AND index_name = 'PRIMARY' ORDER BY seq_in_index",
            (schema_name, table),
        )
        key = tuple(str(name) for (name,) in cursor.fetchall())
    return Described(about[0] if about else "", columns, key)


class _Server:
    """The parts of a `mysql://user:password@host:port/database` address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 3306
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.database = unquote(parts.path.lstrip("/"))

    def connected(self, seconds: int = _SECONDS) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.database or None,
            charset="utf8mb4",
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=seconds + _CONNECT_SECONDS,
            # The same clock as the scanner's: a TIMESTAMP is shown by the session's. Who waits for a lock is told so by the server.
            init_command=f"SET time_zone = '+08:00', lock_wait_timeout = {int(seconds)}",
        )

    def attached(self, options: str = "READ_ONLY") -> duckdb.DuckDBPyConnection:
        """An engine to which the server is the database `source`."""
        engine = scanner_engine("mysql_scanner")
        parts = {"HOST": self.host, "USER": self.user, "PASSWORD": self.password, "DATABASE": self.database}
        secret = ", ".join(f"{key} {quote(value, chr(39))}" for key, value in parts.items())
        engine.execute("SET mysql_session_time_zone = '+08:00'")
        engine.execute(f"CREATE SECRET department (TYPE mysql, PORT {self.port}, {secret})")
        engine.execute(f"ATTACH '' AS source ({', '.join(filter(None, ['TYPE mysql', 'SECRET department', options]))})")
        return engine


def connected(url: str, seconds: int = _SECONDS) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    """A connection to the database behind an address, with Beijing's clock, for statements that take so long."""
    return _Server(url).connected(seconds)


class Table:
    """What is read of a contract's table, and what the server is to say of it (`told`: the rest of a SELECT with one column)."""

    def __init__(self, contract: Contract, connections: Connections, request: Request | None = None) -> None:
        assert isinstance(contract.source, DatabaseSource)
        self._contract = contract
        self.server = _Server(connections.url(contract.source.connection, "mysql", "mariadb"))
        with translated(contract):
            columns, self._is_mariadb, self.types = _look(contract, self.server)
        self.kinds = dict(columns)
        self.plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
        schema_name, table = split_object(contract.source.object)
        self.name = (schema_name or self.server.database, table)
        self.relation = relation = ".".join(quote(part, "`") for part in self.name)
        self._seconds = contract.reading.statement_timeout_seconds

        def ask(what: str, condition: str, parameters: Sequence[Parameter]) -> Sequence[Any]:
            # This driver's mark for the one parameter is another, and names may have either of them in it.
            before, mark, after = what.rpartition("?") if parameters else (what, "", "")
            said = [text.replace("%", "%%") for text in (before, f"{after} FROM {relation} WHERE {condition}")]
            return self.ask(f"SELECT {said[0]}{'%s' if mark else ''}{said[1]}", parameters)[0]

        # A column that another connection read before is below what this statement reads, never above.
        self.part = choose_part(contract.id, request, self.kinds, _Dialect(), ask)
        self.rows = relation + self.part.where
        self.digests = plan_digest(contract, self.plan.names, {name: why for name, kind in columns if (why := _not_comparable(kind))})
        self._without = no_digest(contract, self.digests)
        self.told = _counted(self.rows) if self._without else _digested(self.rows, self.kinds, self.digests)

    def ask(self, query: str, parameters: Sequence[Parameter]) -> Sequence[Sequence[Any]]:
        """The few rows of an answer."""
        with translated(self._contract), self.server.connected(self._seconds) as connection, connection.cursor() as cursor:
            cursor.execute(query, list(parameters))
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
            return rows

    def limited(self, select: str) -> str:
        """A SELECT, without this word, under the contract's limit of time. Each of the two servers has its own way, and ignores the other's."""
        if self._is_mariadb:
            return f"SET STATEMENT max_statement_time={self._seconds} FOR SELECT {select}"
        return f"SELECT /*+ MAX_EXECUTION_TIME({self._seconds * 1000}) */ {select}"

    def claim(self, said: Sequence[str]) -> Claim:
        """What the server said."""
        return _claim(self.engine, said, self.digests, self._without)

    @property
    def engine(self) -> str:
        """Which of the two servers it is."""
        return "MariaDB" if self._is_mariadb else "MySQL"


def _look(contract: Contract, server: _Server) -> tuple[list[tuple[str, str]], bool, dict[str, str]]:
    """Columns with their kinds, whether the server is a MariaDB, and each column's full type with its collation."""
    assert isinstance(contract.source, DatabaseSource)
    schema_name, table = split_object(contract.source.object)
    with server.connected(contract.reading.statement_timeout_seconds) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        is_mariadb = "mariadb" in str(cursor.fetchall()[0][0]).lower()
        cursor.execute(
            "SELECT column_name, data_type, column_type, collation_name FROM information_schema.columns"
            " WHERE table_schema = coalesce(%s, database()) AND table_name = %s ORDER BY ordinal_position",
            (schema_name, table),
        )
        found = cursor.fetchall()
        columns = [(str(name), str(kind).lower()) for name, kind, _, _ in found]
        types = {str(name): f"{full}{f', collation {collation}' if collation else ''}" for name, _, full, collation in found}
        if not columns:
            cursor.execute("SELECT concat(table_schema, '.', table_name), table_name FROM information_schema.tables")
            tables = [str(name[0 if schema_name else 1]) for name in cursor.fetchall()]
            raise no_such_table(contract.id, contract.source.object, tables)
        cursor.execute(f"SELECT 1 FROM {quote(schema_name or server.database, '`')}.{quote(table, '`')} LIMIT 0")
    return columns, is_mariadb, types


def as_text(name: str, kind: str) -> str:
    """SQL for a column's value as landing keeps it, by its type."""
    column = quote(name, "`")
    if kind in _BINARY:
        return char(f"lower(hex({column}))")
    if kind == "bit":
        return char(f"{column} + 0")
    if kind in ("float", "double"):
        written = _float_text(column) if kind == "float" else char(column)
        # Plain digits in place of an exponent, as far as the server's decimals reach.
        exact = char(f"CAST({written if kind == 'float' else column} AS DECIMAL(65, 30))")
        plain = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {exact}))"
        return f"IF(LOCATE('e', {written}) AND ABS({column}) < 1e34, {plain}, {written})"
    return char(column)


def _float_text(column: str) -> str:
    """SQL for a FLOAT with the fewest digits that give it back: the server itself writes six, and of 116.39723 only 116.397."""
    exact = f"({column} + 0e0)"  # as DOUBLE: servers before MySQL 8.0.17 cannot cast to one
    # Half of what lies between a number of 24 binary digits and the next.
    closest = f"POW(2, FLOOR(LOG2(ABS({exact}))) - 24)"
    rounded = [f"ROUND({exact}, {digits - 1} - FLOOR(LOG10(ABS({exact}))))" for digits in (7, 8, 9)]
    longer = " ".join(f"WHEN ABS({number} - {exact}) < {closest} THEN {char(number)}" for number in rounded)
    own = f"WHEN {column} = 0 OR ABS({char(column)} + 0e0 - {exact}) < {closest} THEN {char(column)}"
    return f"CASE {own} {longer} ELSE {char(exact)} END"


def char(expression: str) -> str:
    """SQL for the text of a value, in UTF-8."""
    return f"CAST({expression} AS CHAR CHARACTER SET utf8mb4)"


_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")
_PLAIN = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "date", "datetime", "timestamp", "time", "year")
# Halves of a digest: the server adds up what fits into an unsigned bigint as decimals, exactly.
_PIECES = (64, 64)


def _not_comparable(kind: str) -> str:
    """Why the values of a type are in no digest; empty where they are."""
    if kind in ("float", "double"):
        return FLOAT
    return BINARY if kind in _BINARY else "" if kind in (*_TEXTS, *_PLAIN) else no_text(kind)


def _canonical(name: str, kind: str) -> str:
    """A value's place in the canonical text, as bytes: a collation might take the marks for nothing."""
    text = f"CAST({as_text(name, kind)} AS BINARY)"
    if kind in _TEXTS:
        text = f"REPLACE(REPLACE({text}, x'1e', x'1e65'), x'1f', x'1e73')"
    return f"IFNULL({text}, x'1e6e')"


def sha256_of(names: Sequence[str], kinds: dict[str, str]) -> str:
    """SQL for the sha256 (64 hexadecimal digits) of the canonical text of some columns, given with their types."""
    return f"SHA2(CONCAT_WS(x'1f', {', '.join(_canonical(name, kinds[name]) for name in names)}), 256)"


def _counted(relation: str) -> str:
    return f"{char('COUNT(*)')} FROM {relation}"


def _digested(relation: str, kinds: dict[str, str], plan: DigestPlan) -> str:
    """Partition, rows and sums, as one text for each partition."""
    part = f"LEFT({sha256_of(plan.key, kinds)}, 2)" if plan.key else "'00'"
    sums = ", ".join(f"SUM(CAST(CONV(SUBSTR(h, {start}, 16), 16, 10) AS UNSIGNED))" for start in (1, 17))
    told = f"CONCAT_WS(':', p, COUNT(*), {sums})"
    digests = f"SELECT {part} AS p, {sha256_of(plan.columns, kinds)} AS h FROM {relation}"
    return f"{char(told)} FROM ({digests}) AS digested GROUP BY p"


def _rows(batches: Iterator[pa.RecordBatch], said: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of the table; what the server says of them, behind the last, goes to `said`."""
    for batch in batches:
        claims = batch.column(batch.num_columns - 1)
        columns = batch.select(range(batch.num_columns - 1))
        if claims.null_count == len(claims):
            yield columns
            continue
        said += [text.as_py() for text in claims.drop_null()]
        yield columns.filter(pc.is_null(claims))


def _claim(engine: str, said: Sequence[str], plan: DigestPlan, without: str) -> Claim:
    state = "one statement for rows, count and digests"
    if without:
        return Claim(engine, state, sum(map(int, said)), plan, reason=without)
    rows = [(part, int(count), [int(piece) for piece in pieces]) for part, count, *pieces in (text.split(":") for text in said)]
    return Claim(engine, state, sum(count for _, count, _ in rows), plan, added_up(rows, _PIECES))


def _stream(contract: Contract, reader: pa.RecordBatchReader, engine: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    try:
        with translated(contract):
            yield from reader
    finally:
        engine.close()


@contextmanager
def translated(contract: Contract) -> Iterator[None]:
    """The one place where the drivers' errors become the hub's; their text may quote values and addresses and goes no further."""
    where = f"(connection {contract.source.connection}"
    try:
        yield
    except pymysql.Error as error:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if number in _REFUSED:
            raise SourceError(f"{contract.id}: {_REFUSED[number]} {where}, error {number})", hint=ASK_DEPARTMENT) from None
        reason = "the statement ran longer than the contract allows" if number in _TOO_LONG else "the server cannot be reached or broke off"
        raise SourceError(f"{contract.id}: {reason} {where}, error {number})", hint=TRY_LATER, transient=True) from None
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if "Failed to prepare" in str(error) and not _GONE.search(str(error)):
            raise SourceError(
                f"{contract.id}: the server refuses to read this table {where})", hint="ask whether the hub's user may read every column"
            ) from None
        raise SourceError(
            f"{contract.id}: the server broke off while it was read, or the statement ran longer than the contract allows {where})",
            hint=TRY_LATER,
            transient=True,
        ) from None
