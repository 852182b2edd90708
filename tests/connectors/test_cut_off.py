"""A source that stalls is cut off by time, and a source is read as hard, and where, as its department has agreed."""

import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pytest

from connectors.cut_off import watched
from connectors.databases.increment import Increment
from connectors.extract import extract
from connectors.extraction import Extraction
from core.clock import BEIJING
from core.connections import Connections
from core.errors import RequestError, SourceError
from tests.connectors.helpers import consume, make_contract, read_database


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cut_off.GRACE_SECONDS", 0.5)


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that accepts everyone and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
    for connection in held:
        connection.close()


class Relay:
    """A way to a server that can be blocked: then bytes go in and none come out, and nobody is told."""

    def __init__(self, host: str, port: int) -> None:
        self.is_blocked = threading.Event()
        self._ends: list[socket.socket] = []
        self._target = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._server.accept()[0]
                upstream = socket.create_connection(self._target)
                self._ends += [client, upstream]
                for source, sink in ((client, upstream), (upstream, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                while self.is_blocked.is_set():
                    time.sleep(0.05)
                sink.sendall(data)

    def close(self) -> None:
        for end in (self._server, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.is_blocked.clear()


def timed_out(url: str, kind: str, table: str = "t") -> float:
    """How long it takes until a source is given up."""
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"cut off|longer than the contract allows|cannot be reached") as raised:
        read_database(url, kind, table, ["i"], reading={"statement_timeout_seconds": 1})
    assert raised.value.transient
    return time.monotonic() - began


@pytest.mark.parametrize(("kind", "scheme"), [("postgresql", "postgresql"), ("mysql", "mysql")])
def test_a_server_that_never_answers_is_given_up(deaf: int, kind: str, scheme: str) -> None:
    assert timed_out(f"{scheme}://hub:x@127.0.0.1:{deaf}/db", kind) < 6


def test_a_network_that_swallows_the_rest_of_a_table_is_given_up(mariadb: str) -> None:
    from tests.connectors.conftest import connect_mariadb, numbers

    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_swallowed")
        cursor.execute(f"CREATE TABLE hub_test_swallowed AS SELECT i, repeat('x', 600) AS t FROM ({numbers(5)}) AS n")
    parts = urlsplit(mariadb)
    relay = Relay(parts.hostname or "127.0.0.1", parts.port or 3306)
    contract = make_contract(
        {"kind": "mysql", "connection": "source", "object": "hub_test_swallowed"}, ["i"], reading={"statement_timeout_seconds": 2}
    )
    url = parts._replace(netloc=f"{parts.username}:{parts.password or ''}@127.0.0.1:{relay.port}").geturl()
    extraction = extract(contract, Connections({"HUB_CONNECTION_SOURCE": url}, Path("none.yml")))
    assert next(extraction.batches).num_rows
    relay.is_blocked.set()
    began = time.monotonic()
    with pytest.raises(SourceError, match="cut off") as raised:
        list(extraction.batches)
    assert raised.value.transient
    assert time.monotonic() - began < 8
    relay.close()


def test_the_server_itself_ends_a_statement_that_takes_too_long(postgresql: str, mariadb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given up by the hub alone, it would go on burdening the department's system."""
    from tests.connectors.conftest import connect_mariadb, numbers

    monkeypatch.setattr("connectors.cut_off.GRACE_SECONDS", 30.0)
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE VIEW stalling AS SELECT i, pg_sleep(30)::text FROM generate_series(1, 3) i")
    assert timed_out(postgresql, "postgresql", "stalling") < 10
    with connect_mariadb(mariadb) as maria, maria.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE VIEW hub_test_stalling AS SELECT i, sleep(30) AS s FROM ({numbers(1)}) AS n")
    try:
        assert timed_out(mariadb, "mysql", "hub_test_stalling") < 10
    finally:
        with connect_mariadb(mariadb) as maria, maria.cursor() as cursor:
            cursor.execute("DROP VIEW hub_test_stalling")


def test_a_view_of_sqlite_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c"
        connection.execute(f"CREATE VIEW t AS SELECT count(*) AS i FROM ({endless})")
    connection.close()
    assert timed_out(f"sqlite:///{tmp_path / 'a.db'}", "sqlite") < 6


def test_a_process_whose_source_hangs_ends(deaf: int) -> None:
    """The thread that is left behind holds nothing up."""
    program = (
        "from pathlib import Path\n"
        "import connectors.cut_off\n"
        "connectors.cut_off.GRACE_SECONDS = 0.5\n"
        "from tests.connectors.helpers import read_database\n"
        f"read_database('postgresql://hub:x@127.0.0.1:{deaf}/db', 'postgresql', 't', ['i'], reading={{'statement_timeout_seconds': 1}})"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "SourceError" in ended.stderr


def a_source(batches: Iterator[pa.RecordBatch]) -> Extraction:
    return Extraction(pa.schema([("a", pa.string())]), batches)


def test_what_was_opened_is_closed_also_where_nothing_was_read() -> None:
    contract = make_contract({"kind": "sqlite", "connection": "x", "object": "t"}, ["a"])
    is_closed = threading.Event()

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            while True:
                yield pa.record_batch({"a": ["x"]})
        finally:
            is_closed.set()

    extraction = watched(contract, lambda: a_source(batches()))
    next(extraction.batches)
    extraction.batches.close()  # type: ignore[attr-defined]
    assert is_closed.is_set()
    is_closed.clear()
    extraction = watched(contract, lambda: a_source(batches()))
    del extraction
    assert is_closed.wait(5)


def test_an_error_of_the_source_arrives_where_it_is_read_and_once() -> None:
    contract = make_contract({"kind": "sqlite", "connection": "x", "object": "t"}, ["a"])

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": ["x"]})
        raise SourceError("broke off", transient=True)

    extraction = watched(contract, lambda: a_source(batches()))
    assert next(extraction.batches).num_rows == 1
    with pytest.raises(SourceError, match="broke off"):
        next(extraction.batches)
    assert list(extraction.batches) == []


def test_time_that_the_hub_takes_is_not_the_source_s() -> None:
    contract = make_contract({"kind": "sqlite", "connection": "x", "object": "t"}, ["a"], reading={"statement_timeout_seconds": 1})
    extraction = watched(contract, lambda: a_source(pa.record_batch({"a": ["x"]}) for _ in range(8)))
    total = 0
    for batch in extraction.batches:
        time.sleep(0.3)
        total += batch.num_rows
    assert total == 8


def a_table(path: Path, rows: int) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (i INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(rows)])
    connection.close()
    return f"sqlite:///{path}"


def test_at_no_moment_have_more_rows_been_read_than_agreed(tmp_path: Path) -> None:
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": "t"}, ["i"], reading={"rows_per_second": 500})
    extraction = extract(contract, Connections({"HUB_CONNECTION_SOURCE": a_table(tmp_path / "a.db", 1200)}, Path("none.yml")))
    began, rows = time.monotonic(), 0
    for batch in extraction.batches:
        rows += batch.num_rows
        assert rows <= 500 * (1 + time.monotonic() - began) + 1
    assert rows == 1200


def test_a_replica_is_read_while_it_answers(tmp_path: Path) -> None:
    urls = {
        "HUB_CONNECTION_SOURCE": a_table(tmp_path / "source.db", 3),
        "HUB_CONNECTION_COPY": a_table(tmp_path / "copy.db", 5),
    }
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": "t"}, ["i"], reading={"replica": "copy"})
    copied = consume(extract(contract, Connections(urls, Path("none.yml"))))
    assert (len(copied.rows), copied.notes["replica"]) == (5, "read from the replica copy")
    (tmp_path / "copy.db").unlink()
    original = consume(extract(contract, Connections(urls, Path("none.yml"))))
    assert len(original.rows) == 3
    assert "the replica copy did not answer" in original.notes["replica"]


def test_a_replica_that_is_behind_is_not_believed(tmp_path: Path) -> None:
    """By its cursor it is older than what was collected: what is missing there is not gone."""
    urls = {
        "HUB_CONNECTION_SOURCE": a_table(tmp_path / "source.db", 9),
        "HUB_CONNECTION_COPY": a_table(tmp_path / "copy.db", 5),
    }
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": "t"}, ["i"], reading={"replica": "copy"})
    since = Increment("i", 2, since="8")
    delivery = consume(extract(contract, Connections(urls, Path("none.yml")), since))
    assert sorted(int(value) for value in delivery.values("i")) == [6, 7, 8]
    assert delivery.notes["replica"] == "the replica copy is behind what was collected before: the source itself was read (source)"


def test_what_is_wrong_with_a_replica_is_told_as_that(tmp_path: Path) -> None:
    urls = {"HUB_CONNECTION_SOURCE": a_table(tmp_path / "source.db", 9)}
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": "t"}, ["i"], reading={"replica": "copy"})
    with pytest.raises(RequestError, match='connection "copy" is not set up') as error:
        extract(contract, Connections(urls, Path("none.yml")))
    assert error.value.hint.endswith("what was asked is the replica copy")


def a_closed_window() -> str:
    """Hours that begin in an hour or two."""
    hour = (datetime.now(BEIJING).hour + 2) % 24
    return f"{hour:02}:00-{hour:02}:30"


def test_outside_the_hours_agreed_only_a_person_reads_and_is_named(tmp_path: Path) -> None:
    connections = Connections({"HUB_CONNECTION_SOURCE": a_table(tmp_path / "a.db", 3)}, Path("none.yml"))
    reading: dict[str, Any] = {"window": a_closed_window()}
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": "t"}, ["i"], reading=reading)
    with pytest.raises(SourceError, match="may be read from") as raised:
        extract(contract, connections)
    assert raised.value.not_before is not None
    assert 0 < (raised.value.not_before - datetime.now(BEIJING)).total_seconds() <= 86_400
    assert raised.value.not_before.strftime("%H:%M") == reading["window"][:5]
    delivery = consume(extract(contract, connections, outside_window_by="cli:lan"))
    assert delivery.notes["outside-window"].endswith("as cli:lan ordered")
    assert len(delivery.rows) == 3
