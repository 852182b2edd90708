"""Loading the base tables in the serving database (`registries.versions`).

Rows of a coming publication are loaded in chunks and stay invisible until its row is committed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pyarrow as pa
import sqlalchemy as sa

from core.database import BUSY_TIMEOUT_MS, reading, writing
from core.errors import StoreError
from core.leases import Lease, writing_under
from registries.identity import clear_events
from registries.tables import current_publication
from registries.versions import ended_table, rows_table
from standards.model import Schema

CHUNK = 20_000  # rows per writing transaction: well under a second on a slow disk
CACHE_KB = 64_000


def clear_leftovers(serving: sa.Engine, schema: Schema, lease: Lease | None = None) -> int:
    """Undo what a publication that died has loaded: rows it added go, and ends that it gave to others. Returns how many.

    Raises LeaseHeld where another run has taken the lease meanwhile.
    """
    number = current_number(serving, schema.id)
    touched = 0
    begun_later = "_publication_from > :n" + (" AND _publication_from > 1" if number else "")  # what its index covers
    for table, is_later in ((rows_table(schema), begun_later), (ended_table(schema), "_publication_to > :n")):
        ids = f"SELECT _canonical_id FROM {table} WHERE {is_later} LIMIT {CHUNK}"
        statement = f"DELETE FROM {table} WHERE _canonical_id IN ({ids}) AND {is_later}"
        while True:
            with writing_under(serving, lease) as connection:
                rows = connection.execute(sa.text(statement), {"n": number}).rowcount
            touched += rows
            if not rows:
                break
    return touched + clear_events(serving, schema.id, number, lease)


def current_number(serving: sa.Engine, registry: str) -> int:
    """The publication that readers see; 0 before the first."""
    with reading(serving) as connection:
        query = sa.select(current_publication.c.number).where(current_publication.c.registry == registry)
        return connection.execute(query).scalar() or 0


def end_rows(serving: sa.Engine, schema: Schema, number: int, canonical_ids: Sequence[str], lease: Lease | None = None) -> None:
    """Write down that the current rows of some entities hold until publication `number`; invisible until that is committed.

    Raises LeaseHeld where another run has taken the lease meanwhile.
    """
    # A statement a chunk: one an entity takes twice as long.
    listed = "json_each(:ids)" if serving.dialect.name == "sqlite" else "json_array_elements_text(CAST(:ids AS json))"
    ended = f"SELECT 1 FROM {ended_table(schema)} e WHERE e._canonical_id = r._canonical_id AND e._publication_from = r._publication_from"
    statement = sa.text(
        f"INSERT INTO {ended_table(schema)} (_canonical_id, _publication_from, _publication_to) "
        f"SELECT r._canonical_id, r._publication_from, CAST(:n AS integer) FROM {rows_table(schema)} r "
        f"WHERE r._canonical_id IN (SELECT value FROM {listed}) AND r._publication_from < :n AND NOT EXISTS ({ended})"
    )
    for start in range(0, len(canonical_ids), CHUNK):
        with writing_under(serving, lease) as connection:
            connection.execute(statement, {"n": number, "ids": json.dumps(canonical_ids[start : start + CHUNK])})


def load_rows(serving: sa.Engine, schema: Schema, batches: Iterable[pa.RecordBatch], lease: Lease | None = None) -> int:
    """Append rows, as Arrow batches with the columns of the table of versions, each in a transaction of its own. Returns how many.

    Raises LeaseHeld where another run has taken the lease meanwhile.
    """
    loaded = 0
    with bulk_cursor(serving) as cursor:
        for batch in batches:
            if lease:
                lease.begin(cursor, serving.dialect.name)
            cursor.adbc_ingest(rows_table(schema), batch, mode="append")
            if lease:
                cursor.execute("COMMIT")
            loaded += batch.num_rows
    _ensure_indexes(serving, schema)
    return loaded


def _ensure_indexes(serving: sa.Engine, schema: Schema) -> None:
    """Create the indexes after the first load: keeping that on the identifier while a million rows come in costs three times the load.

    The one by publication, for the change feed and for clearing, leaves the first publication out: it is all rows, and costs nothing so.
    """
    identity = ", ".join(schema.identity)
    with writing(serving) as connection:
        for name, columns in (
            ("identity", f"({identity})"),
            ("opened", "(_publication_from, _canonical_id) WHERE _publication_from > 1"),
        ):
            connection.execute(sa.text(f"CREATE INDEX IF NOT EXISTS ix_{schema.table}_{name} ON {rows_table(schema)} {columns}"))


@contextmanager
def bulk_cursor(serving: sa.Engine) -> Iterator[Any]:
    """A cursor for much at once through ADBC, about five times as fast as row by row; each statement commits by itself.

    While it is open, nothing else of this process may use the database (`core.database`).
    """
    url = serving.url
    try:
        if serving.dialect.name == "sqlite":
            connection = adbc_driver_sqlite.dbapi.connect(url.database, autocommit=True)
        else:
            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
            connection = adbc_driver_postgresql.dbapi.connect(plain, autocommit=True)
        with connection, connection.cursor() as cursor:
            if serving.dialect.name == "sqlite":
                cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
                cursor.execute("PRAGMA synchronous = NORMAL")
                # Pages that are still being filled would leave a smaller cache and come back.
                cursor.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            yield cursor
    except (adbc_driver_sqlite.dbapi.Error, adbc_driver_postgresql.dbapi.Error) as error:
        place = url.render_as_string(hide_password=True)
        raise StoreError(
            f"loading or reading much of {place} failed ({type(error).__name__})", hint="check the database and its disk", transient=True
        ) from None
