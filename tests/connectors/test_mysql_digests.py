"""What a MariaDB or a MySQL is asked by the digests of its rows: every key, in every order that a collation has, in one snapshot."""

import random
from collections import Counter
from contextlib import suppress
from hashlib import sha256

import pyarrow as pa
import pymysql
import pytest
import yaml

from connectors.databases import mysql_digests
from connectors.databases.increment import DIGEST, PLACE, Chosen, Differing
from connectors.extract import extract
from connectors.extraction import Told
from core.connections import Connections
from core.errors import SourceError
from tests.connectors.conftest import connect_mariadb
from tests.connectors.helpers import consume, make_contract

TABLE = "hub_test_asked"
NAMES = ["a", "B", "c d", "ß", "é", "中", "張三", "😀", "it's", "100%", "x\\y", "", "`q`", "?", "Z,1", "~"]
KEYS = {
    "a number": ("k bigint PRIMARY KEY", [(n,) for n in (-(2**63), -7, 0, 3, 10, 9, 2**63 - 1)]),
    "a number without sign": ("k bigint unsigned PRIMARY KEY", [(n,) for n in (0, 2**63 - 1, 2**63, 2**64 - 1, 5)]),
    "a text": ("k varchar(20) PRIMARY KEY", [(name,) for name in NAMES]),
    "bytes in order": ("k varchar(20) COLLATE utf8mb4_bin PRIMARY KEY", [(name,) for name in [*NAMES, "A", "b", "ä"]]),
    "Swedish": ("k char(9) CHARACTER SET latin1 PRIMARY KEY", [(name,) for name in ("a", "B", "ß", "ä", "é", "it's", "")]),
    "Chinese": ("k varchar(9) CHARACTER SET gbk PRIMARY KEY", [(name,) for name in ("a", "中", "張三", "啊", "做")]),
    "two columns": ("k varchar(9), m int, PRIMARY KEY (k, m)", [(name, m) for name in ("a", "中", "it's") for m in (-1, 0, 10, 9)]),
    "bytes of four each and a number": (
        "k varchar(9) COLLATE utf8mb4_bin, m int, PRIMARY KEY (k, m)",
        [(name, m) for m in (0, 1) for name in ("😀", "𠮷", "🀄", "𠮷a", "中", "a")],
    ),
    "another order": (
        "k varchar(9), m int, n smallint, PRIMARY KEY (n, k, m)",
        [(name, m, n) for name in ("B", "a", ",") for m in (2, 10) for n in (-3, 3)],
    ),
}


@pytest.fixture
def server(mariadb, monkeypatch):
    monkeypatch.setattr(mysql_digests, "_TOLD", 3)
    monkeypatch.setattr(mysql_digests, "_FETCHED", 2)
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        yield mariadb, connection, cursor
        connection.rollback()
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def filled(connection, cursor, ddl, rows):
    cursor.execute(f"CREATE TABLE {TABLE} ({ddl}, v varchar(20)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
    for number, row in enumerate(rows):
        cursor.execute(f"INSERT INTO {TABLE} VALUES ({', '.join(['%s'] * len(row))}, %s)", [*row, f"值{number}"])
    connection.commit()


def asked(server, choose, tmp_path, columns=("k", "v"), **more):
    path = tmp_path / "connections.yml"
    path.write_text(yaml.safe_dump({"department": server}))
    source = {"kind": "mysql", "connection": "department", "object": TABLE}
    return extract(make_contract(source, list(columns), record_key=["k"], **more), Connections({}, path), Differing(choose))


def choosing(wanted, told, meanwhile=lambda: None):
    """Choose the rows whose `v` is wanted, as their digests tell; what the server told is kept in `told`."""

    def choose(schema, batches):
        table = pa.Table.from_batches(batches, schema)
        told.append(table)
        meanwhile()
        rows = table.to_pylist()
        places = [row[PLACE] for row in rows if row[DIGEST] in wanted]
        gone = pa.table({"_record_id": pa.array([], pa.string())})
        return Chosen(places, {}, gone, Told(len(rows), "0" * 32))

    return choose


def digest(*texts):
    """As landing has it (`core.digests`), by the standard library."""
    return sha256("\x1f".join(texts).encode()).digest()[:16]


@pytest.mark.parametrize("case", KEYS)
def test_every_row_is_told_once_and_those_chosen_are_read(server, tmp_path, case):
    url, connection, cursor = server
    ddl, rows = KEYS[case]
    filled(connection, cursor, ddl, rows)
    expected = {digest(str(row[0]), f"值{number}"): (str(row[0]), f"值{number}") for number, row in enumerate(rows)}
    dice = random.Random(case)
    for size in (0, 3, len(rows)):
        wanted = set(dice.sample(sorted(expected), size))
        told = []
        delivery = consume(asked(url, choosing(wanted, told), tmp_path))
        assert Counter(told[0].column(DIGEST).to_pylist()) == Counter(list(expected))
        assert sorted(told[0].column("k").to_pylist()) == sorted(key for key, _ in expected.values())
        assert sorted((row["k"], row["v"]) for row in delivery.rows) == sorted(expected[one] for one in wanted)
        assert "told" in delivery.notes


def test_a_table_of_no_rows_tells_none(server, tmp_path):
    url, connection, cursor = server
    filled(connection, cursor, "k int PRIMARY KEY", [])
    told = []
    assert consume(asked(url, choosing(set(), told), tmp_path)).rows == []
    assert told[0].num_rows == 0


def test_rows_are_as_they_were_when_they_were_told(server, tmp_path):
    url, connection, cursor = server
    filled(connection, cursor, "k int PRIMARY KEY", [(number,) for number in range(10)])

    def meanwhile():
        cursor.execute(f"UPDATE {TABLE} SET v = 'later'")
        cursor.execute(f"DELETE FROM {TABLE} WHERE k = 4")
        cursor.execute(f"INSERT INTO {TABLE} VALUES (20, 'new')")
        connection.commit()

    told = []
    extraction = asked(url, choosing({digest(str(n), f"值{n}") for n in range(10)}, told, meanwhile), tmp_path)
    delivery = consume(extraction)
    assert sorted((row["k"], row["v"]) for row in delivery.rows) == [(str(n), f"值{n}") for n in range(10)]
    cursor.execute("SELECT version()")
    assert (extraction.claim.rows, extraction.claim.engine) == (10, "MariaDB" if "MariaDB" in cursor.fetchone()[0] else "MySQL")
    # And what is asked first is the table as it is, whatever was committed between its parts.
    told = []

    def between(schema, batches):
        seen = []
        for batch in batches:
            seen.append(batch)
            cursor.execute(f"DELETE FROM {TABLE} WHERE k > 5")
            connection.commit()
        return choosing(set(), told)(schema, seen)

    consume(asked(url, between, tmp_path))
    assert told[0].num_rows == 10


@pytest.mark.parametrize("case", ["no key", "a key of dates", "no snapshot", "a view", "bytes", "much differs", "no transaction"])
def test_all_is_read_where_a_table_cannot_be_asked(server, tmp_path, monkeypatch, case):
    url, connection, cursor = server
    ddl = {"no key": "k int NOT NULL UNIQUE", "a key of dates": "k date PRIMARY KEY", "bytes": "b blob, k int PRIMARY KEY"}
    rows = [(f"2020-01-{number + 1:02}",) for number in range(5)] if case == "a key of dates" else [(number,) for number in range(5)]
    filled(connection, cursor, ddl.get(case, "k int PRIMARY KEY"), [(b"x", *row) for row in rows] if case == "bytes" else rows)
    if case == "no snapshot":
        cursor.execute(f"ALTER TABLE {TABLE} ENGINE = MyISAM")
    if case == "a view":
        cursor.execute(f"RENAME TABLE {TABLE} TO {TABLE}_rows")
        cursor.execute(f"CREATE VIEW {TABLE} AS SELECT * FROM {TABLE}_rows")
    if case == "no transaction":
        monkeypatch.setattr(mysql_digests, "_BEGIN", ("BEGIN NOTHING",))
    asked_for = []

    def choose(schema, batches):
        asked_for.append(sum(batch.num_rows for batch in batches))

    extraction = asked(url, choose, tmp_path, columns=("b", "k", "v") if case == "bytes" else ("k", "v"))
    delivery = consume(extraction)
    assert (len(delivery.rows), extraction.is_whole) == (5, True)
    assert asked_for == ([5] if case == "much differs" else [])
    assert ("much-differs" in delivery.notes) == (case in ("much differs", "no transaction"))
    if case == "a view":
        cursor.execute(f"DROP VIEW {TABLE}")
        cursor.execute(f"DROP TABLE {TABLE}_rows")


@pytest.mark.parametrize("moment", ["among digests", "before rows"])
def test_a_server_that_breaks_off_is_reported_as_such(server, tmp_path, moment):
    url, connection, cursor = server
    filled(connection, cursor, "k int PRIMARY KEY", [(number,) for number in range(10)])

    def end_others():
        cursor.execute("SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND db = 'test'")
        for (number,) in cursor.fetchall():
            with suppress(pymysql.Error):
                cursor.execute("KILL %s", [number])

    def choose(schema, batches):
        seen = [next(batches)]
        if moment == "among digests":
            end_others()
        seen += batches
        if moment == "before rows":
            end_others()
        return choosing({digest("1", "值1")}, [])(schema, seen)

    with pytest.raises(SourceError, match="broke off") as caught:
        consume(asked(url, choose, tmp_path))
    assert caught.value.transient
