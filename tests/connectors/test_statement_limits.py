"""A database without a connector of its own is told how long a statement may run, and what is given up does not go on there."""

import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pymysql
import pytest

from connectors.databases import dialects
from connectors.extract import extract
from core.connections import Connections
from core.errors import SourceError
from tests.connectors.helpers import make_contract, read_database
from tests.connectors.stalling import Stalling, in_a_moment, long_table, stalling

__all__ = ["long_table", "stalling"]


def given_up(url: str, view: str, words: str) -> None:
    """Read a view as long as its contract allows, one second."""
    with pytest.raises(SourceError, match=words) as raised:
        read_database(url, "sql", view, ["i"], reading={"statement_timeout_seconds": 1})
    assert raised.value.transient


def test_the_server_itself_ends_a_statement_that_takes_too_long(stalling: Stalling) -> None:
    """Given up by the hub alone, it would go on burdening the department's system."""
    began = time.monotonic()
    given_up(stalling.url, stalling.view, "the statement ran longer than the contract allows")
    assert time.monotonic() - began < 10
    assert in_a_moment(lambda: stalling.statements() == 0)


def test_a_statement_that_is_given_up_is_ended_at_the_server(stalling: Stalling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it cannot be told beforehand how long a statement may run."""
    unlimited = {name: replace(entry, limit=replace(entry.limit, session=())) for name, entry in dialects.dialects().items()}
    monkeypatch.setattr(dialects, "dialects", lambda: unlimited)
    monkeypatch.setattr("connectors.cut_off.GRACE_SECONDS", 0.5)
    began = time.monotonic()
    given_up(stalling.url, stalling.view, "cut off")
    assert time.monotonic() - began < 10
    assert in_a_moment(lambda: stalling.statements() == 0)


def test_a_view_of_sqlite_that_is_given_up_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cut_off.GRACE_SECONDS", 0.5)
    with sqlite3.connect(tmp_path / "a.db") as connection:
        endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c"
        connection.execute(f"CREATE VIEW endless AS SELECT count(*) AS i FROM ({endless})")
    connection.close()
    before = set(threading.enumerate())
    given_up(f"sqlite:///{tmp_path / 'a.db'}", "endless", "cut off")
    assert in_a_moment(lambda: set(threading.enumerate()) <= before)


def test_a_table_that_is_left_is_not_read_to_its_end(mariadb: str, long_table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver would do so, to have its connection free again."""
    packet, read = pymysql.connections.Connection._read_packet, []
    monkeypatch.setattr(pymysql.connections.Connection, "_read_packet", lambda *given: read.append(given) or packet(*given))
    contract = make_contract({"kind": "sql", "connection": "source", "object": long_table}, ["i"])
    extraction = extract(contract, Connections({"HUB_CONNECTION_SOURCE": mariadb}, Path("none.yml")))
    assert next(extraction.batches).num_rows
    extraction.close()
    assert len(read) < 80_000


def test_every_kind_of_server_is_told_in_its_own_unit() -> None:
    told = {
        name: [*entry.limit.statements(2), *entry.limit.options(2).items(), *entry.limit.attributes.items()]
        for name, entry in dialects.dialects().items()
    }
    assert [name for name, said in told.items() if not said] == ["sqlite"]
    assert told["kingbase"] == told["opengauss"] == ["SET statement_timeout = 2000"]
    assert told["oceanbase"] == ["SET SESSION ob_query_timeout = 2000000"]
    assert (told["sqlserver"], told["dameng"]) == ([("timeout", 2)], [("connection_timeout", 2)])
    connection = SimpleNamespace(call_timeout=0)
    dialects.dialects()["oracle"].limit.set_on(connection, 2)
    assert connection.call_timeout == 2000
