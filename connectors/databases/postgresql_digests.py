"""PostgreSQL's own digests of its rows: they tell which rows are not known as they are now, and only these are read.

A table is asked for the key and the digest of every row, which is a fraction of what the rows themselves are, and then for the rows that were
chosen by their places (`ctid`). Both in one read-only transaction: in its snapshot a row stays where it is.
"""

from collections.abc import Generator, Iterator, Sequence

import pyarrow as pa
from adbc_driver_postgresql import dbapi

from connectors.claim import Claim, DigestPlan
from connectors.columns import plan_columns
from connectors.databases import postgresql as base
from connectors.databases.differing import STATE, much_differs, of_chosen, or_whole
from connectors.databases.identifiers import quote
from connectors.databases.increment import DIGEST, PLACE, Chosen, Differing
from connectors.extraction import Extraction, numbered
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections

_FETCHED = 20_000  # places that are asked for at once: what a statement with parameters gives is held whole


def extract(contract: Contract, connections: Connections, request: Differing) -> Extraction:
    """Read the rows of a table that differ from what is known, or all of it where its digests cannot tell.

    Raises SourceError if the table is not there or the server cannot be reached.
    """
    return or_whole(lambda: _differing(contract, connections, request), lambda: base.extract(contract, connections, request.whole))


def _differing(contract: Contract, connections: Connections, request: Differing) -> Extraction:
    assert isinstance(contract.source, DatabaseSource)
    stack = base.opened(contract, connections.url(contract.source.connection, "postgresql", "postgres"))
    try:
        return _asked(contract, next(stack), stack, request)
    except BaseException:
        stack.close()
        raise


def _asked(contract: Contract, cursor: dbapi.Cursor, stack: Generator[dbapi.Cursor, None, None], request: Differing) -> Extraction:
    assert isinstance(contract.source, DatabaseSource)
    relation = base.relation_of(contract.source)
    columns = base.columns_of(contract, cursor)
    plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
    digests = base.digests_of(contract, columns, plan)
    if digests.excluded or not _has_places(contract, cursor, relation):
        return base.read_table(contract, cursor, stack, request.whole)
    types = base.types_of(contract, cursor, relation)
    chosen = request.choose(*_told(contract, cursor, relation, digests, dict(columns)))
    if chosen is None:
        return much_differs(base.read_table(contract, cursor, stack, request.whole))
    extraction = of_chosen(chosen, plan.names, plan.notes, types)
    extraction.interrupt = cursor.adbc_cancel
    select = ", ".join(f"{base.as_text(*columns[place])} AS {quote(columns[place][0])}" for place in plan.places)
    statement = f"SELECT {select} FROM {relation} WHERE ctid = ANY($1::text::tid[])"
    extraction.batches = numbered(_rows(contract, cursor, stack, statement, chosen, digests, extraction.claims), extraction.schema)
    return extraction


def _has_places(contract: Contract, cursor: dbapi.Cursor, relation: str) -> bool:
    """Whether a row's place tells it from all others: of a view or of tables put together it does not."""
    with base.translated(contract):
        cursor.execute(
            "SELECT relkind IN ('r', 'm') AND NOT relhassubclass FROM pg_class WHERE oid = to_regclass($1)", parameters=[relation]
        )
        ((is_table,),) = cursor.fetchall()
    return bool(is_table)


def _told(
    contract: Contract, cursor: dbapi.Cursor, relation: str, digests: DigestPlan, kinds: dict[str, str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    keys = [f"{base.as_text(name, kinds[name])} AS {quote(name)}" for name in digests.key]
    digest = f"substr({base.sha256_of(digests.columns, kinds)}, 1, 16)"
    with base.translated(contract):
        cursor.execute(f"SELECT {', '.join([*keys, f'{digest} AS {DIGEST}', f'ctid::text AS {PLACE}'])} FROM {relation}")
        reader = cursor.fetch_record_batch()

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            with base.translated(contract):
                yield from reader
        finally:
            reader.close()

    return reader.schema, batches()


def _rows(
    contract: Contract,
    cursor: dbapi.Cursor,
    stack: Iterator[dbapi.Cursor],
    statement: str,
    chosen: Chosen,
    digests: DigestPlan,
    claims: list[Claim],
) -> Iterator[pa.RecordBatch]:
    try:
        with base.translated(contract):
            for start in range(0, len(chosen.places), _FETCHED):
                cursor.execute(statement, parameters=[_listed(chosen.places[start : start + _FETCHED])])
                yield from cursor.fetch_record_batch()
            cursor.execute("SELECT current_setting('server_version')")
            ((version,),) = cursor.fetchall()
        engine = f"PostgreSQL {str(version).split()[0]}"
        # Of each row that was chosen the server has said its digest before it was asked for it.
        claims.append(Claim(engine, STATE, len(chosen.places), digests, chosen.parts))
    finally:
        for _ in stack:
            pass


def _listed(places: Sequence[str]) -> str:
    """Places as an array of PostgreSQL."""
    return "{" + ",".join(f'"{place}"' for place in places) + "}"
