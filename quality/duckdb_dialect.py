"""A SQLAlchemy dialect that lets Great Expectations work on the engine's own in-memory tables.

It stands on duckdb-engine and differs in three points. Results are buffered whole, because Great Expectations closes the connection
before it fetches. Reflection asks DuckDB's own catalog, because SQLAlchemy 2.1 asks PostgreSQL tables that DuckDB lacks. And connecting
hands out one more connection to a running engine, named by a token in the address, so that nothing is copied.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb_engine
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from core.engine import Engine

_shared: dict[str, Engine] = {}

TYPES = {
    "varchar": sa.types.String,
    "bigint": sa.types.BigInteger,
    "integer": sa.types.Integer,
    "double": sa.types.Float,
    "date": sa.types.Date,
    "timestamp": sa.types.DateTime,
    "boolean": sa.types.Boolean,
    "decimal": sa.types.Numeric,
}


class _Context(PGExecutionContext_psycopg2):
    def post_exec(self) -> None:
        super().post_exec()  # type: ignore[no-untyped-call]
        if self.cursor is not None and self.cursor.description:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(self.cursor, initial_buffer=self.cursor.fetchall())


class HubDialect(duckdb_engine.Dialect):
    """DuckDB for Great Expectations, on an engine shared through `shared_engine`."""

    execution_ctx_cls = _Context
    supports_statement_cache = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Great Expectations picks its regex operator from this attribute; on the class, SQLAlchemy would load PostgreSQL's driver instead.
        self.dialect = postgresql.dialect

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        """Hand out a connection to the engine that the address names."""
        token = args[0] if args else kwargs["database"]
        return duckdb_engine.ConnectionWrapper(_shared[token].another_connection())

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kwargs: Any) -> Any:
        """Columns of a table or view, from DuckDB's catalog."""
        query = sa.text(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE table_name = :table AND database_name = current_database() ORDER BY column_index"
        )
        rows = connection.execute(query, {"table": table_name}).fetchall()
        if not rows:
            raise sa.exc.NoSuchTableError(table_name)
        return [
            {
                "name": name,
                "type": TYPES.get(kind.split("(")[0].lower(), sa.types.NullType)(),
                "nullable": bool(nullable),
                "default": None,
                "autoincrement": False,
                "comment": None,
            }
            for name, kind, nullable in rows
        ]

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **kwargs: Any) -> bool:
        """Whether a table or view of that name exists."""
        query = sa.text("SELECT 1 FROM information_schema.tables WHERE table_name = :table")
        return bool(connection.execute(query, {"table": table_name}).fetchall())

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:
        """Working tables have no keys."""
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(self, *_: Any, **__: Any) -> Any:
        """Working tables have no keys."""
        return []

    get_unique_constraints = get_check_constraints = get_indexes = get_foreign_keys


registry.register("duckdb.hub", __name__, "HubDialect")


@contextmanager
def shared_engine(engine: Engine) -> Iterator[str]:
    """Share an engine for the time of the block; yields the address by which Great Expectations reaches it."""
    token = f"hub-{secrets.token_hex(8)}"
    _shared[token] = engine
    try:
        yield f"duckdb+hub:///{token}"
    finally:
        del _shared[token]
