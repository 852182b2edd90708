"""MySQL's and MariaDB's own digests of their rows: they tell which rows are not known as they are now, and only these are read.

A table is asked for the key and the digest of every row, in the order of its primary key and so many at a time, and then for the rows that
were chosen, by their primary keys. All in one read-only transaction, whose snapshot InnoDB keeps. What DuckDB's scanner streams comes by
another connection, outside of the transaction; so each answer is held whole, and none is large.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from connectors.claim import Claim
from connectors.databases import mysql as base
from connectors.databases.differing import STATE, much_differs, of_chosen, or_whole
from connectors.databases.identifiers import quote
from connectors.databases.increment import DIGEST, PLACE, Chosen, Differing, Parameter
from connectors.extraction import Extraction, numbered
from contracts.model import Contract
from core.connections import Connections
from core.errors import SourceError

_TOLD = 50_000  # rows whose digests are asked for at once
_FETCHED = 500  # rows that are asked for at once by their keys: from a thousand on, MariaDB makes a subquery of a list
_BEGIN = ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_TEXTS = ("char", "varchar")
_NAME = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class _KeyColumn:
    """A column of a primary key, and how its values are written: whole numbers in digits, texts in hexadecimal digits of their UTF-8."""

    column: str
    is_text: bool
    as_given: str

    @property
    def place(self) -> str:
        """SQL for a value as it stands in a place."""
        return base.char(f"HEX(CONVERT({self.column} USING utf8mb4))" if self.is_text else self.column)

    def value(self, written: str) -> str:
        """The value that stands in a place."""
        return bytes.fromhex(written).decode() if self.is_text else written


def extract(contract: Contract, connections: Connections, request: Differing) -> Extraction:
    """Read the rows of a table that differ from what is known, or all of it where its digests cannot tell.

    Raises SourceError if the table is not there or the server cannot be reached.
    """
    return or_whole(lambda: _differing(contract, connections, request), lambda: base.extract(contract, connections, request.whole))


def _differing(contract: Contract, connections: Connections, request: Differing) -> Extraction:
    table = base.Table(contract, connections)
    key = _primary_key(table)
    if table.digests.excluded or not key:
        return base.extract(contract, connections, request.whole)
    engine = _in_one_snapshot(contract, table)
    try:
        chosen = request.choose(*_told(contract, table, engine, key))
        if chosen is None:
            engine.close()
            return much_differs(base.extract(contract, connections, request.whole))
        extraction = of_chosen(chosen, table.plan.names, table.plan.notes, table.types)
        extraction.batches = numbered(_rows(contract, table, engine, key, chosen, extraction.claims), extraction.schema)
        return extraction
    except BaseException:
        engine.close()
        raise


def _primary_key(table: base.Table) -> list[_KeyColumn]:
    """The columns that tell a row from all others; none where the table has no such key, or its engine keeps no snapshot."""
    found = table.ask(
        "SELECT s.column_name, c.data_type, c.column_type, c.character_set_name, c.collation_name FROM information_schema.tables t"
        " JOIN information_schema.statistics s ON s.table_schema = t.table_schema AND s.table_name = t.table_name"
        " JOIN information_schema.columns c"
        " ON c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.column_name = s.column_name"
        " WHERE t.table_schema = %s AND t.table_name = %s AND t.engine = 'InnoDB' AND s.index_name = 'PRIMARY' ORDER BY s.seq_in_index",
        table.name,
    )
    columns = [_key_column(*(str(value or "") for value in row)) for row in found]
    return [column for column in columns if column] if all(columns) else []


def _key_column(name: str, kind: str, full_type: str, character_set: str, collation: str) -> _KeyColumn | None:
    """A column that can be asked for by its value, in just the order and with just the equality that its index has; None if not."""
    column = f"t.{quote(name, '`')}"
    if kind.lower() in _INTEGERS:
        # MySQL takes a text straight to an integer with a sign, and the upper half of the others would become one number.
        return _KeyColumn(column, False, f"CAST(CAST(? AS DECIMAL(20)) AS {'UNSIGNED' if 'unsigned' in full_type.lower() else 'SIGNED'})")
    if kind.lower() in _TEXTS and _NAME.fullmatch(character_set) and _NAME.fullmatch(collation):
        return _KeyColumn(column, True, f"CONVERT(? USING {character_set}) COLLATE {collation}")
    return None


def _in_one_snapshot(contract: Contract, table: base.Table) -> duckdb.DuckDBPyConnection:
    """An engine all of whose statements see the server's tables as they are now. Raises SourceError where the server gives no snapshot."""
    with base.translated(contract):
        # The server itself sees to it that nothing is written; the scanner's own READ_ONLY would not let a transaction begin.
        engine = table.server.attached(options="")
    try:
        engine.execute("BEGIN TRANSACTION")
        for statement in _BEGIN:
            engine.execute("CALL mysql_execute('source', ?)", [statement]).fetchall()
    except duckdb.Error:
        engine.close()
        raise SourceError(f"{contract.id}: the server begins no read-only transaction with a snapshot") from None
    return engine


def _told(
    contract: Contract, table: base.Table, engine: duckdb.DuckDBPyConnection, key: Sequence[_KeyColumn]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    names = table.digests.key
    schema = pa.schema([*((name, pa.string()) for name in names), (DIGEST, pa.binary()), (PLACE, pa.string())])
    select = ", ".join(
        [
            *(f"{base.as_text(name, table.kinds[name])} AS {quote(name, '`')}" for name in names),
            f"UNHEX(LEFT({base.sha256_of(table.digests.columns, table.kinds)}, 32)) AS {DIGEST}",
            base.char(f"CONCAT_WS(',', {', '.join(column.place for column in key)})") + f" AS {PLACE}",
        ]
    )
    order = ", ".join(column.column for column in key)

    def batches() -> Iterator[pa.RecordBatch]:
        last: list[str] = []
        while True:
            behind = f" WHERE {_behind(key)}" if last else ""
            parameters = [last[place] for until in range(len(key)) for place in range(until + 1)] if last else []
            statement = f"{select} FROM {table.relation} AS t{behind} ORDER BY {order} LIMIT {_TOLD}"
            with base.translated(contract):
                found = _held(engine, table.limited(statement), parameters).cast(schema)
            yield from found.to_batches()
            if found.num_rows < _TOLD:
                return
            last = _values(key, found.column(PLACE)[-1].as_py())

    return schema, batches()


def _behind(key: Sequence[_KeyColumn]) -> str:
    """The condition that a row stands behind another in the order of the key: (a > ?) OR (a = ? AND b > ?), which an index answers."""
    steps = []
    for until, column in enumerate(key):
        equal = [f"{other.column} = {other.as_given}" for other in key[:until]]
        steps.append(f"({' AND '.join([*equal, f'{column.column} > {column.as_given}'])})")
    return " OR ".join(steps)


def _among(key: Sequence[_KeyColumn], rows: int) -> str:
    """The condition that a row is one of so many."""
    if len(key) == 1:
        return f"{key[0].column} IN ({', '.join([key[0].as_given] * rows)})"
    # Rows of values: MariaDB folds equal tests of several columns into one, by a collation under which all characters of four bytes are equal.
    one = f"({', '.join(column.as_given for column in key)})"
    return f"({', '.join(column.column for column in key)}) IN ({', '.join([one] * rows)})"


def _values(key: Sequence[_KeyColumn], place: str) -> list[str]:
    return [column.value(written) for column, written in zip(key, place.split(","), strict=True)]


def _rows(
    contract: Contract,
    table: base.Table,
    engine: duckdb.DuckDBPyConnection,
    key: Sequence[_KeyColumn],
    chosen: Chosen,
    claims: list[Claim],
) -> Iterator[pa.RecordBatch]:
    select = ", ".join(f"{base.as_text(name, table.kinds[name])} AS {quote(name, '`')}" for name in table.plan.names)
    try:
        with base.translated(contract):
            for start in range(0, len(chosen.places), _FETCHED):
                places = chosen.places[start : start + _FETCHED]
                statement = table.limited(f"{select} FROM {table.relation} AS t WHERE {_among(key, len(places))}")
                yield from _held(engine, statement, [value for place in places for value in _values(key, place)]).to_batches()
        # Of each row that was chosen the server has said its digest before it was asked for it.
        claims.append(Claim(table.engine, STATE, len(chosen.places), table.digests, chosen.parts))
    finally:
        engine.close()


def _held(engine: duckdb.DuckDBPyConnection, statement: str, parameters: Sequence[Parameter]) -> pa.Table:
    return base.asked(engine, statement, parameters, is_streamed=False).to_arrow_table()
