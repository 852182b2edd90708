"""What is packed on this side is read as hard, as long and from where its department has agreed, as by a sync."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.databases import dialects
from connectors.offline.bundle import Bundle, make_key
from core.errors import RequestError, SourceError
from pipeline.bundles import pack_here
from tests.connectors.conftest import mariadb, postgresql
from tests.connectors.stalling import Stalling, in_a_moment, long_table, stalling
from tests.factories import Hub
from tests.pipeline.offices import MANY, Office, office
from tests.pipeline.sources import People, connect, tracked

__all__ = ["long_table", "mariadb", "office", "postgresql", "stalling"]
pytestmark = pytest.mark.usefixtures("without_suite")


def packed(office: Office, **reading: Any) -> tuple[dict[str, Any], list[str]]:
    """The manifest of a bundle packed here, and what was told of the reading."""
    told: list[str] = []
    office.hub.register({**office.document, "reading": reading})
    with Bundle(pack_here(office.hub.home, office.document["id"], office.key, office.folder, tell=told.append)) as bundle:
        return bundle.manifest, told


def test_no_more_rows_are_read_in_a_second_than_agreed(office: Office) -> None:
    connect(office.hub, patients=office.people.url)
    at_once, _ = packed(office)
    began = time.monotonic()
    manifest, _ = packed(office, rows_per_second=100)
    assert time.monotonic() - began >= MANY / 100
    assert (manifest["rows"], manifest["partitions"]) == (MANY, at_once["partitions"])


def test_a_replica_is_packed_while_it_answers(office: Office, tmp_path: Path) -> None:
    copy = People(tmp_path)
    copy.put(1, 1)
    connect(office.hub, patients=office.people.url, copy=copy.url)
    manifest, told = packed(office, replica="copy")
    assert (manifest["rows"], told) == (1, ["read from the replica copy"])
    copy.path.unlink()
    manifest, told = packed(office, replica="copy")
    assert (manifest["rows"], told) == (MANY, ["the replica copy did not answer: the source itself was read (patients)"])


def given_up(hub: Hub, folder: Path, kind: str, url: str, table: str) -> SourceError:
    """What is raised where a table that stalls is packed by a contract that allows one second."""
    columns = {"i": "resident_id", "s": "person_name"}
    document = tracked(kind, "snapshot", columns=columns, record_key=["i"], as_of=None, reading={"statement_timeout_seconds": 1})
    document["source"] = {"kind": kind, "connection": "patients", "object": table}
    hub.register(document)
    connect(hub, patients=url)
    make_key(folder / "k.pem")
    began = time.monotonic()
    with pytest.raises(SourceError) as raised:
        pack_here(hub.home, document["id"], folder / "k.pem", folder)
    assert raised.value.transient
    assert time.monotonic() - began < 12
    assert not list(folder.glob("*.bundle"))
    return raised.value


def kind_of(stalling: Stalling) -> str:
    return "postgresql" if stalling.url.startswith("postgresql") else "mysql"


def test_the_server_itself_ends_a_statement_that_takes_too_long(hub: Hub, tmp_path: Path, stalling: Stalling) -> None:
    error = given_up(hub, tmp_path, kind_of(stalling), stalling.url, stalling.view)
    assert "the statement ran longer than the contract allows" in str(error)
    assert in_a_moment(lambda: stalling.statements() == 0)


def test_a_statement_that_is_given_up_is_ended_at_the_server(
    hub: Hub, tmp_path: Path, stalling: Stalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.cut_off.GRACE_SECONDS", 0.5)
    monkeypatch.setattr(dialects.Limit, "statements", lambda *_: [])
    assert "cut off" in str(given_up(hub, tmp_path, kind_of(stalling), stalling.url, stalling.view))
    assert in_a_moment(lambda: stalling.statements() == 0)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_server_that_never_answers_is_given_up(hub: Hub, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.cut_off.GRACE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert "cut off" in str(given_up(hub, tmp_path, kind, f"{kind}://hub:x@127.0.0.1:{deaf.getsockname()[1]}/db", "t"))


def test_a_source_that_is_not_packed_here_is_told_where_it_is(office: Office) -> None:
    office.hub.register({**office.document, "source": {**office.document["source"], "kind": "sql"}})
    connect(office.hub, patients=office.people.url)
    with pytest.raises(RequestError, match="a source of kind sql is not packed here"):
        pack_here(office.hub.home, office.document["id"], office.key, office.folder)


def test_a_table_of_mariadb_is_packed_to_its_end(hub: Hub, tmp_path: Path, long_table: str, mariadb: str) -> None:
    columns = {"i": "resident_id", "t": "person_name"}
    document = tracked("mysql", "snapshot", columns=columns, record_key=["i"], as_of=None)
    document["source"] = {"kind": "mysql", "connection": "patients", "object": long_table}
    hub.register(document)
    connect(hub, patients=mariadb)
    make_key(tmp_path / "k.pem")
    with Bundle(pack_here(hub.home, document["id"], tmp_path / "k.pem", tmp_path)) as bundle:
        assert bundle.manifest["rows"] == 100_000
        assert sum(rows for rows, _ in bundle.manifest["partitions"].values()) == 100_000
