"""What it takes to follow PostgreSQL's log: a publication, a table whose rows can be told apart in it, and a slot that holds the log back."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg

from connectors.columns import listed
from connectors.databases import postgresql as base
from connectors.databases.identifiers import no_such_table, quote
from connectors.databases.increment import Following
from connectors.databases.pgoutput import Target
from connectors.extraction import Note
from contracts.model import Contract
from contracts.sources import DatabaseSource
from contracts.tracking import Log
from core.connections import Connections
from core.errors import HubError, SourceError

_MB = 1 << 20
_LOCK_NOT_AVAILABLE = b"55P03"
_CONNECT_SECONDS = 15
_SETTLE_SECONDS = 20
# The versions from which on the tables above a partition can be asked for, and a publication may name whole schemas.
_ANCESTORS, _BY_SCHEMA = 120_000, 150_000
Server = psycopg.Connection[tuple[Any, ...]]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Followed:
    """A table whose log is followed: its id, its file, the numbers of its columns, their base types and the labels of those that are enums by
    their ids, what the publication consists of as far as it concerns the table, and by key column its base type, its full type and the type's id.

    Where file, publication, or number, type or label of a column that is read are others than before, rows may have changed of which the log
    says nothing.
    """

    oid: str
    file: str
    columns: dict[str, int]
    types: dict[str, str]
    labels: dict[str, dict[str, str]]
    publication: str
    key: dict[str, tuple[str, str, int]]

    @property
    def target(self) -> Target:
        """What the messages of the log are looked through for."""
        return Target(int(self.oid), {name: number for name, (_, _, number) in self.key.items()})

    @property
    def place(self) -> dict[str, str]:
        """What has to be the same when the log is read on."""
        told = {"file": self.file, "columns": self.columns, "types": self.types, "labels": self.labels}
        form = json.dumps(told, ensure_ascii=False)
        return {"table": self.oid, "form": form, "publication": self.publication}

    def has_form(self, form: str, names: Iterable[str]) -> bool:
        """Whether file and columns are those of a place that was kept; of early ones types and labels are not known."""
        kept = json.loads(form)
        types, labels = kept.get("types", self.types), kept.get("labels", self.labels)
        return bool(kept["file"] == self.file) and all(
            kept["columns"].get(name) == self.columns[name]
            and types.get(name) == self.types[name]
            # Labels that are new are in no row that the log does not tell.
            and labels.get(name, {}).items() <= self.labels.get(name, {}).items()
            for name in names
            if name in self.columns
        )


def connected(contract: Contract, url: str, seconds: int | None = None) -> Server:
    """A connection for what is asked about log and slots."""
    limit = seconds or contract.reading.statement_timeout_seconds
    server = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True, connect_timeout=_CONNECT_SECONDS)
    # The log writes values in the forms of the one who reads it, and they are compared with those of the table.
    for name, value in {"statement_timeout": str(limit * 1000), **base.FORMS}.items():
        server.execute("SELECT set_config(%s, %s, false)", [name, value])
    return server


def followed(contract: Contract, server: Server) -> Followed:
    """The table, if its log can be followed. Raises SourceError that names the first thing that is in the way, and how to settle it."""
    assert isinstance(contract.source, DatabaseSource)
    assert contract.log is not None
    relation = base.relation_of(contract.source)
    found = server.execute(
        "SELECT c.oid::text, nspname::text, relname::text, relkind::text, relreplident::text, pg_relation_filenode(c.oid)::text,"
        " EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = to_regclass(%s)",
        [relation],
    ).fetchone()
    if found is None:
        names = server.execute("SELECT schemaname || '.' || tablename FROM pg_tables").fetchall()
        raise no_such_table(contract.id, contract.source.object, [str(name) for (name,) in names])
    *named, is_inherited = found
    oid, schema, table, kind, identity, file = map(str, named)
    if kind != "r":
        raise _refused(contract, f"{contract.source.object} is no ordinary table, so no log says what changes in it", "track by snapshot")
    if is_inherited:
        raise _refused(
            contract, f"other tables inherit from {contract.source.object}, and its log is silent about their rows", "track by snapshot"
        )
    _check_server(contract, contract.log, server)
    _check_publication(contract, contract.log, server, schema, table)
    _check_identity(contract, server, oid, identity)
    columns = server.execute(
        f"SELECT attname::text, attnum, {base.BASE_TYPE}, format_type(atttypid, atttypmod), atttypid::bigint,"
        f" (SELECT json_object_agg(oid, enumlabel) FROM pg_enum WHERE enumtypid = {base.BASE_TYPE}::regtype)"
        " FROM pg_attribute WHERE attrelid = %s::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [oid],
    ).fetchall()
    types = {str(name): (str(base_type), str(full), int(number)) for name, _, base_type, full, number, _ in columns}
    return Followed(
        oid,
        file,
        columns={str(name): int(number) for name, number, *_ in columns},
        types={name: base_type for name, (base_type, _, _) in types.items()},
        labels={str(name): dict(labels) for name, *_, labels in columns if labels},
        publication=_parts(contract.log, server, oid),
        key={name: types[name] for name in contract.record_key},
    )


def _parts(log: Log, server: Server, oid: str) -> str:
    """A publication and those of its parts that concern a table, each with the transaction that wrote it, so that one made anew shows.

    A partition may be in it by a table above. Where the publication has the table by its schema or by one above it, or tells of it under
    another's name, the table's own row says whether it was elsewhere meanwhile.
    """
    parts = ["SELECT oid, xmin FROM pg_publication WHERE pubname = %(name)s"]
    own = "JOIN pg_publication p ON p.oid = {} WHERE pubname = %(name)s AND {}"
    above = "SELECT %(oid)s::oid"
    if server.info.server_version >= _ANCESTORS:
        above += " UNION SELECT relid::oid FROM pg_partition_ancestors(%(oid)s::oid::regclass)"
    parts.append(f"SELECT r.oid, r.xmin FROM pg_publication_rel r {own.format('prpubid', f'prrelid IN ({above})')}")
    itself = "p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r WHERE prpubid = p.oid AND prrelid = c.oid)"
    is_plain = f"NOT coalesce((to_jsonb(p) ->> 'pubviaroot')::boolean, false) AND ({itself})"
    parts.append(f"SELECT c.oid, c.xmin FROM pg_class c {own.format('p.oid', f'c.oid = %(oid)s::oid AND NOT ({is_plain})')}")
    if server.info.server_version >= _BY_SCHEMA:
        of_table = f"pnnspid IN (SELECT relnamespace FROM pg_class c WHERE c.oid IN ({above}))"
        parts.append(f"SELECT n.oid, n.xmin FROM pg_publication_namespace n {own.format('pnpubid', of_table)}")
    found = server.execute(" UNION ALL ".join(parts), {"name": log.publication, "oid": oid}).fetchall()
    return ",".join(sorted(f"{number}.{transaction}" for number, transaction in found))


def check_followed(contract: Contract, connections: Connections) -> None:
    """Raise SourceError, as following does, where the log of the table cannot be followed; nothing is made."""
    assert isinstance(contract.source, DatabaseSource)
    url = connections.url(contract.source.connection, "postgresql", "postgres")
    with base.translated(contract), closing(connected(contract, url)) as server:
        followed(contract, server)


def _refused(contract: Contract, words: str, hint: str) -> SourceError:
    return SourceError(f"{contract.id}: {words} (connection {contract.source.connection})", hint=hint)


def _check_server(contract: Contract, log: Log, server: Server) -> None:
    names = ("wal_level", "max_slot_wal_keep_size")
    settings: dict[str, str] = dict(server.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(names)]).fetchall())
    if settings.get("wal_level") != "logical":
        raise _refused(contract, "the server keeps no log of changes that can be followed", "ask the department to set wal_level = logical")
    if log.server_bound and int(settings.get("max_slot_wal_keep_size", "-1")) < 0:
        raise _refused(
            contract,
            "the server would keep its log for a hub that is gone until its disk is full",
            f"ask the department to set max_slot_wal_keep_size = {log.most_retained_mb}MB; server_bound: false in the contract's log goes without",
        )
    (may,) = server.execute("SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() or (False,)
    if not may:
        raise _refused(contract, "the hub's user may not follow the log", "ask the department for ALTER ROLE … REPLICATION")


def _check_publication(contract: Contract, log: Log, server: Server, schema: str, table: str) -> None:
    assert isinstance(contract.source, DatabaseSource)
    found = server.execute(
        "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate, to_jsonb(t) ->> 'rowfilter', to_jsonb(t) -> 'attnames'"
        " FROM pg_publication p LEFT JOIN pg_publication_tables t ON t.pubname = p.pubname AND t.schemaname = %s AND t.tablename = %s"
        " WHERE p.pubname = %s",
        [schema, table, log.publication],
    ).fetchone()
    hint = f"ask the department for CREATE PUBLICATION {quote(log.publication)} FOR TABLE {contract.source.object}"
    if found is None:
        raise _refused(contract, f"there is no publication {log.publication}", hint)
    is_complete, row_filter, columns = found
    if columns is None:
        raise _refused(contract, f"the publication {log.publication} does not have the table", hint)
    if not is_complete or row_filter is not None or set(contract.record_key) - set(columns):
        raise _refused(
            contract,
            f"the publication {log.publication} leaves out some changes: kinds of change, rows, or columns of the record key",
            "ask the department for one that publishes the whole table",
        )


def _check_identity(contract: Contract, server: Server, oid: str, identity: str) -> None:
    """A delete names the columns of the table's replica identity and no others."""
    index = {"d": "indisprimary", "i": "indisreplident"}.get(identity)
    where = f"attnum = ANY((SELECT indkey::int2[] FROM pg_index WHERE indrelid = %s::oid AND {index})::int2[])" if index else "attnum > 0"
    names = server.execute(
        f"SELECT attname::text FROM pg_attribute WHERE attrelid = %s::oid AND NOT attisdropped AND {where}",
        [oid, oid] if index else [oid],
    ).fetchall()
    told = {str(name) for (name,) in names} if identity != "n" else set()
    if untold := [name for name in contract.record_key if name not in told]:
        raise _refused(
            contract,
            f"a delete would not say which record is gone: the table's replica identity lacks {listed(untold)}",
            "ask the department for a primary key of these columns, or ALTER TABLE … REPLICA IDENTITY FULL; or track by snapshot",
        )


def slot_fault(contract: Contract, server: Server, request: Following, table: Followed) -> tuple[str, Sequence[Note]]:
    """Why the slot is of no use any more, if it is not; else it is moved to where the last accepted batch ended, and what is worth telling."""
    assert contract.log is not None
    log = contract.log
    found = server.execute(
        "SELECT coalesce(wal_status, 'lost'), pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, confirmed_flush_lsn > %(lsn)s::pg_lsn,"
        " confirmed_flush_lsn < %(confirmed)s::pg_lsn OR pg_current_wal_insert_lsn() < %(lsn)s::pg_lsn"
        " FROM pg_replication_slots WHERE slot_name = %(slot)s AND database = current_database()",
        {"lsn": request.lsn, "confirmed": request.confirmed, "slot": request.slot},
    ).fetchone()
    if found is None or found[0] == "lost" or found[1] is None:
        return "the log that was kept for the hub is gone", ()
    if request.table != table.oid:
        return "the table was made anew", ()
    if request.form is not None and not table.has_form(request.form, contract.source_columns):
        return "the table was rewritten, or columns were taken out and put in again", ()
    if request.publication not in (None, table.publication):
        return "the publication was changed, and what happened meanwhile is not in the log", ()
    if found[2]:
        # A hub that was restored from a backup, or a copy of it, has the slot of the other in its books.
        return "another reader has moved on in the log", ()
    if found[3]:
        return "the server was put back to an earlier state, and what has happened there since is not what the hub was told", ()
    retained = int(found[1]) / _MB
    if retained > log.most_retained_mb:
        server.execute("SELECT pg_drop_replication_slot(%s)", [request.slot])
        return f"{retained:.0f} MB of log were kept for the hub, the contract allows {log.most_retained_mb}: it was given up", ()
    _advance(server, str(request.slot), str(request.lsn))
    if retained > log.alert_retained_mb:
        return "", [Note("log-retained", retained_words(retained, log))]
    return "", ()


def _advance(server: Server, slot: str, lsn: str) -> None:
    server.execute(
        "SELECT pg_replication_slot_advance(slot_name, %s::pg_lsn) FROM pg_replication_slots"
        " WHERE slot_name = %s AND database = current_database() AND confirmed_flush_lsn < %s::pg_lsn",
        [lsn, slot, lsn],
    )


def drop_slots(server: Server, prefix: str, keep: str | None) -> None:
    """Drop the slots of this hub and dataset but one: those of batches that were never accepted, or that another has taken over from."""
    found = server.execute(
        "SELECT slot_name::text FROM pg_replication_slots"
        " WHERE starts_with(slot_name::text, %s) AND slot_name <> %s AND NOT active AND database = current_database()",
        [prefix, keep or ""],
    ).fetchall()
    for (name,) in found:
        server.execute("SELECT pg_drop_replication_slot(%s)", [name])


@contextmanager
def make_slot(contract: Contract, url: str, name: str) -> Iterator[tuple[str, str]]:
    """Make a slot; gives where it begins and the snapshot of that moment, which is there for the time of the block."""
    address = url.replace("+psycopg", "", 1)
    # A slot begins when every transaction that is open has ended, on the whole server. The limit of statements does not hold for this one.
    limit = f"-c lock_timeout={contract.reading.statement_timeout_seconds * 1000}"
    sender = psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_SECONDS, replication="database", options=limit)
    with closing(sender):
        made = sender.pgconn.exec_(f"CREATE_REPLICATION_SLOT {quote(name)} LOGICAL pgoutput EXPORT_SNAPSHOT".encode())
        if made.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == _LOCK_NOT_AVAILABLE:
            raise _waits(contract, url)
        if made.status != psycopg.pq.ExecStatus.TUPLES_OK:
            raise _refused(contract, "the server makes no slot for the hub", "ask the department whether max_replication_slots are used up")
        start, snapshot = ((made.get_value(0, place) or b"").decode() for place in (1, 2))
        yield start, snapshot


def _waits(contract: Contract, url: str) -> SourceError:
    """What a slot waits for: the transactions that have been open longest, and prepared ones that somebody has forgotten."""
    with closing(connected(contract, url, _SETTLE_SECONDS)) as server:
        query = (
            "SELECT 'process ' || pid, xact_start FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
            " UNION ALL SELECT 'prepared ' || gid, prepared FROM pg_prepared_xacts ORDER BY 2 LIMIT 3"
        )
        named = [f"{who} since {since:%Y-%m-%d %H:%M}" for who, since in server.execute(query).fetchall() if since]
    return SourceError(
        f"{contract.id}: the log can only be followed from a moment at which no transaction is open, and some are: {', '.join(named) or 'unknown'}"
        f" (connection {contract.source.connection})",
        hint="ask the department to end them; a prepared transaction stays until somebody commits it or rolls it back",
        transient=True,
    )


def settle(contract: Contract, connections: Connections, prefix: str, slot: str | None, lsn: str | None) -> str | None:
    """Let the server forget what the accepted batch no longer needs; without a slot, everything. Returns where the slot stands then, empty
    without one; None where that was not done.

    Where it cannot be reached that is done before the next batch. It comes after the commit, so whatever goes wrong is no fault of the batch.
    """
    return _answered(contract, connections, lambda server: _settle(server, prefix, slot, lsn))


def _settle(server: Server, prefix: str, slot: str | None, lsn: str | None) -> str:
    drop_slots(server, prefix, keep=slot)
    if slot and lsn:
        _advance(server, slot, lsn)
    found = server.execute("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s", [slot]).fetchone()
    return str(found[0]) if found and found[0] else ""


def retained_mb(contract: Contract, connections: Connections, prefix: str) -> float | None:
    """How many megabytes of log the server keeps for the slots of this hub and dataset; None where it does not answer."""
    query = (
        "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint FROM pg_replication_slots"
        " WHERE starts_with(slot_name::text, %s) AND database = current_database()"
    )
    return _answered(contract, connections, lambda server: int((server.execute(query, [prefix]).fetchone() or (0,))[0]) / _MB)


def retained_words(retained: float, log: Log) -> str:
    """What to say of so many megabytes of log that a server keeps, where they are too many."""
    return f"{retained:.0f} MB of log are kept for the hub on the department's disk; beyond {log.most_retained_mb} they are given up"


def _answered(contract: Contract, connections: Connections, ask: Callable[[Server], Answer]) -> Answer | None:
    """What a server answers; None where it cannot be reached, refuses, or hangs: then it is not waited for."""
    answers: list[Answer] = []

    def run() -> None:
        assert isinstance(contract.source, DatabaseSource)
        with suppress(HubError), base.translated(contract):
            url = connections.url(contract.source.connection, "postgresql", "postgres")
            with closing(connected(contract, url, _SETTLE_SECONDS)) as server:
                answers.append(ask(server))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_SETTLE_SECONDS)
    return answers[0] if answers else None
