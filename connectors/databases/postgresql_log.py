"""PostgreSQL's own log of changes (logical replication): it names the records that changed, and one snapshot of the table says what they are.

The log is read up to where a snapshot of the table stands, and only transactions that this snapshot sees are taken: the state after a batch
is that of the table in the snapshot. The slot, which holds the log back for the hub, is moved on only after the batch is accepted; what was
read and not accepted is read again. At first, and where the log cannot say what changed, the table is read whole, in the very snapshot at
which a new slot begins.

A slot of a hub that is gone would fill the department's disk. So the server itself has to bound what it keeps, the hub tells how much that
is, and beyond the contract's bound gives the slot up.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi

from connectors.columns import plan_columns
from connectors.databases import postgresql as base
from connectors.databases.identifiers import quote
from connectors.databases.increment import Following
from connectors.databases.pgoutput import Key, Target, Transaction, transactions
from connectors.databases.postgresql_slots import Followed, Server, connected, drop_slots, followed, make_slot, slot_fault
from connectors.extraction import Extraction, Note, numbered, text_schema
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.connections import Connections

_FETCHED, _LOOKED_UP = 10_000, 5_000
_KEY, _FOUND = "hub_key_", "hub_found"
_TEXTS_OF_JSON = ("json", "jsonb")  # in a JSON document the text of such a value would be taken for a value that is a text


def extract(contract: Contract, connections: Connections, request: Following) -> Extraction:
    """Read the records that changed since the place in the log that is asked for, or the whole table and a new slot.

    Raises SourceError where the server, its publication or the table do not allow to follow the log, and says what has to be changed.
    """
    assert isinstance(contract.source, DatabaseSource)
    assert contract.log is not None
    url = connections.url(contract.source.connection, "postgresql", "postgres")
    with base.translated(contract), closing(connected(contract, url)) as server:
        table = followed(contract, server)
        drop_slots(server, request.prefix, keep=request.kept)
        if request.slot is None:
            return _whole(contract, connections, request, table, "")
        fault, notes = slot_fault(contract, server, request, table)
        if fault:
            # What it holds back is of no use any more, and until another is made nothing is to be held back.
            drop_slots(server, request.prefix, keep=None)
            return _whole(contract, connections, request, table, fault)
        return _changed(contract, connections, server, request, table, notes)


def _whole(contract: Contract, connections: Connections, request: Following, table: Followed, reason: str) -> Extraction:
    assert isinstance(contract.source, DatabaseSource)
    url = connections.url(contract.source.connection, "postgresql", "postgres")
    notes = [Note("log-resync", f"the whole table was read anew: {reason}")] if reason else []
    with make_slot(contract, url, request.new_slot) as (start, snapshot):
        extraction = base.extract(contract, connections, snapshot=snapshot)
    extraction.log = {"slot": request.new_slot, "lsn": start, **table.place}
    extraction.notes += notes
    return extraction


def _changed(
    contract: Contract, connections: Connections, server: Server, request: Following, table: Followed, notes: Sequence[Note]
) -> Extraction:
    assert isinstance(contract.source, DatabaseSource)
    stack = base.opened(contract, connections.url(contract.source.connection, "postgresql", "postgres"))
    cursor = next(stack)
    cursor.execute("SELECT pg_current_wal_insert_lsn()::text, pg_current_snapshot()::text")
    upto, snapshot = map(str, cursor.fetchall()[0])
    keys, reached, reason = _keys(contract, server, request, table, upto, snapshot)
    if reason:
        for _ in stack:
            pass
        return _whole(contract, connections, request, table, reason)
    columns = base.columns_of(contract, cursor)
    plan = plan_columns(contract, [name for name, _ in columns], contract.source.object)
    schema = text_schema(plan.names)
    types = base.types_of(contract, cursor, base.relation_of(contract.source))
    log = {"slot": str(request.slot), "lsn": reached, **table.place}
    extraction = Extraction(schema, iter(()), notes=[*plan.notes, *notes], is_whole=False, types=types, log=log)
    select = [f"{base.as_text(*columns[place])} AS {quote(columns[place][0])}" for place in plan.places]
    rows = _looked_up(contract, cursor, stack, _statement(contract, table, select), keys, extraction)
    extraction.batches = numbered(rows, schema)
    return extraction


def _keys(contract: Contract, server: Server, request: Following, table: Followed, upto: str, snapshot: str) -> tuple[list[Key], str, str]:
    """Keys of the records that changed, each once; how far the log has been taken; or why it cannot say what changed."""
    assert contract.log is not None
    most = contract.log.most_changes
    (flushed,) = server.execute("SELECT pg_current_wal_flush_lsn()::text").fetchall()[0]
    reached = min(_place(upto), _place(flushed))
    keys: dict[Key, None] = {}
    last, told, limit = _place(str(request.lsn)), 0, _most_messages(most)
    for done in _peeked(server, request, contract.log.publication, table.target, upto, limit):
        if not _sees(snapshot, done.xid):
            # Committed, and not yet visible when the snapshot was taken: it is the next batch's, with all that follows it.
            reached = last
            break
        if done.reason:
            return [], "", done.reason
        keys.update(dict.fromkeys(done.keys))
        if len(keys) > most:
            return [], "", f"more than {most} records have changed"
        last = done.end
        told += done.messages
        if told >= limit:
            # The server ends it here, of whatever it was: one record changed over and over, other tables. What follows is the next batch's.
            reached = last
            break
    return list(keys), f"{reached >> 32:X}/{reached & 0xFFFFFFFF:X}", ""


def _most_messages(most: int) -> int:
    """For so many changed records; three messages stand around each change of a transaction that has only one."""
    return 4 * most + 16


def _peeked(server: Server, request: Following, publication: str, target: Target, upto: str, limit: int) -> Iterator[Transaction]:
    """Committed transactions since the slot's place, which stays. Fetched little by little; the server ends it where it is too much."""
    query = "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, %s::pg_lsn, %s, 'proto_version', '1', 'publication_names', %s)"
    quoted = quote(publication)  # the option is a list of names
    with server.transaction(), server.cursor(name="hub_log", binary=True) as cursor:
        cursor.itersize = _FETCHED
        cursor.execute(query, [request.slot, upto, limit, quoted])
        yield from transactions((bytes(data) for (data,) in cursor), target)


def _place(text: str) -> int:
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def _sees(snapshot: str, xid: int) -> bool:
    """Whether a snapshot (`xmin:xmax:running,…`) sees a transaction that is known by the lower half of its id."""
    lowest, beyond, running = snapshot.split(":")
    xmax = int(beyond)
    whole = (xmax & ~0xFFFFFFFF) | xid
    if whole > xmax + (1 << 31):
        whole -= 1 << 32
    elif whole < xmax - (1 << 31):
        whole += 1 << 32
    return whole < int(lowest) or (whole < xmax and str(whole) not in running.split(","))


def _statement(contract: Contract, table: Followed, select: Sequence[str]) -> str:
    """The rows that have the given keys, and the keys, as landing knows them, of those that are gone."""
    assert isinstance(contract.source, DatabaseSource)
    keys = [(f"{_KEY}{number}", column, kind, full) for number, (column, (kind, full, _)) in enumerate(table.key.items())]
    given = ", ".join(f"{name} {'text' if kind in _TEXTS_OF_JSON else full}" for name, _, kind, full in keys)
    typed = ", ".join(f"{name}::{full} AS {name}" for name, _, _, full in keys)
    told = ", ".join(f"{name}, {base.as_text(name, kind)} AS {name}_text" for name, _, kind, _ in keys)
    own = ", ".join(f"{base.as_text(column, kind)} AS {name}_own" for name, column, kind, _ in keys)
    # What is equal may be another record: 1.0 and 1.00 are two keys of the hub, and where one has become the other, the first is gone.
    on = " AND ".join(f"t.{quote(column)} = k.{name} AND {name}_own = {name}_text" for name, column, _, _ in keys)
    texts = [f"{name}_text" for name, *_ in keys]
    return (
        f"SELECT {', '.join([*select, *texts, f'coalesce({_FOUND}, false) AS {_FOUND}'])} "
        f"FROM (SELECT {told} FROM (SELECT {typed} FROM json_to_recordset($1::json) AS g({given})) n) k "
        f"LEFT JOIN (SELECT *, {own}, true AS {_FOUND} FROM {base.relation_of(contract.source)}) t ON {on}"
    )


def _looked_up(
    contract: Contract, cursor: dbapi.Cursor, stack: Iterator[dbapi.Cursor], statement: str, keys: Sequence[Key], extraction: Extraction
) -> Iterator[pa.RecordBatch]:
    names = [name for name in extraction.schema.names if name != "_position"]
    try:
        with base.translated(contract):
            for start in range(0, len(keys), _LOOKED_UP):
                given = [{f"{_KEY}{place}": value for place, value in enumerate(key)} for key in keys[start : start + _LOOKED_UP]]
                cursor.execute(statement, parameters=[json.dumps(given)])
                found: pa.RecordBatch
                for found in cursor.fetch_record_batch():
                    is_there = found.column(_FOUND)
                    gone = found.filter(pc.invert(is_there))
                    if gone.num_rows:
                        texts = [gone.column(f"{_KEY}{place}_text") for place, _ in enumerate(contract.record_key)]
                        extraction.deleted.append(pa.RecordBatch.from_arrays(texts, names=list(contract.record_key)))
                    yield found.filter(is_there).select(names)
    finally:
        for _ in stack:
            pass
