import sqlite3
import subprocess
import sys
import time

import pytest

from core.errors import SourceError
from tests.connectors.helpers import read_database


@pytest.fixture
def source(tmp_path):
    """A database file that another program writes: two copies of SQLite in one process would break each other's locks."""

    def write(script, name="部门 库.db"):
        path = tmp_path / name
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()
        return f"sqlite:///{path}"

    return write


def test_each_value_is_written_by_its_own_type(source):
    url = source("""
        CREATE TABLE t (a, b TEXT, "c ""d");
        INSERT INTO t VALUES (1, '001', 'x'), (1.5, '张三', NULL), (x'00ff', '', 1e20), (NULL, '2020-01-01', 0.00001), (2.0, 'a', -0.1);
    """)
    delivery = read_database(url, "sqlite", "t", ["a"])
    assert delivery.values("a") == ["1", "1.5", "00ff", None, "2.0"]
    assert delivery.values("b") == ["001", "张三", "", "2020-01-01", "a"]
    assert delivery.values('c "d') == ["x", None, "100000000000000000000", "0.00001", "-0.1"]
    assert delivery.positions == [1, 2, 3, 4, 5]


def test_views_generated_columns_and_schema_names(source):
    url = source('CREATE TABLE "t.x" (a INTEGER, b AS (a + 1)); INSERT INTO "t.x"(a) VALUES (1); CREATE VIEW v AS SELECT a FROM "t.x"')
    assert read_database(url, "sqlite", 'main."t.x"', ["a"]).rows == [{"a": "1", "b": "2", "_position": 1}]
    assert read_database(url, "sqlite", "v", ["a"]).values("a") == ["1"]


def test_names_are_never_read_as_sql(source):
    url = source("""CREATE TABLE t (a, "b'); DROP TABLE t; --" TEXT); INSERT INTO t VALUES (1, 'x')""")
    assert read_database(url, "sqlite", "t", ["a"]).values("b'); DROP TABLE t; --") == ["x"]
    assert len(read_database(url, "sqlite", "t", ["a"]).rows) == 1


def test_columns_that_cannot_be_landed_are_named_and_can_be_left_out(source):
    url = source("""
        CREATE TABLE t (a, "" TEXT); CREATE TABLE u (a, _Position TEXT); INSERT INTO u VALUES (1, 'x'); CREATE VIEW v AS SELECT a, "" b FROM t;
    """)
    with pytest.raises(SourceError, match="t has a column without a name") as error:
        read_database(url, "sqlite", "t", ["a"])
    assert error.value.hint == "read it through a view that gives the column a name"
    assert read_database(url, "sqlite", "v", ["a"]).columns == ["a", "b"]
    with pytest.raises(SourceError, match="u has a column _Position, a name that the hub uses itself"):
        read_database(url, "sqlite", "u", ["a"])
    assert read_database(url, "sqlite", "u", ["a"], ignore=["_Position"]).rows == [{"a": "1", "_position": 1}]


def test_batches_are_small_and_numbered(source):
    url = source("CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000) SELECT i FROM n")
    delivery = read_database(url, "sqlite", "t", ["i"])
    assert max(delivery.batch_sizes) <= 65_536
    assert [int(value) for value in delivery.values("i")] == delivery.positions


WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=10)
connection.execute("PRAGMA journal_mode = WAL")
number = 0
while True:
    number += 1
    connection.execute("UPDATE t SET v = ? WHERE i IN (1, 130000)", (number,))
    connection.commit()
    print(flush=True) if number == 1 else time.sleep(0.001)
"""


def test_a_delivery_is_one_state_of_a_database_that_is_being_written(source):
    url = source(
        "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 130000) SELECT i, 0 AS v FROM n"
    )
    writer = subprocess.Popen([sys.executable, "-c", WRITER, url.removeprefix("sqlite:///")], stdout=subprocess.PIPE)
    try:
        writer.stdout.readline()
        states = [{row["v"] for row in read_database(url, "sqlite", "t", ["i", "v"]).rows if row["i"] in ("1", "130000")} for _ in range(2)]
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    assert [len(state) for state in states] == [1, 1]
    assert states[0] != states[1]


LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print(flush=True)
sys.stdin.read()
"""


def test_a_locked_database_may_be_tried_again(source):
    url = source("CREATE TABLE t (a)")
    locker = subprocess.Popen([sys.executable, "-c", LOCKER, url.removeprefix("sqlite:///")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        locker.stdout.readline()
        started = time.monotonic()
        with pytest.raises(SourceError, match="locked") as error:
            read_database(url, "sqlite", "t", ["a"])
        assert error.value.transient
        assert time.monotonic() - started < 10
    finally:
        locker.communicate()


def test_what_is_missing_is_named(source, tmp_path):
    url = source("CREATE TABLE resident (姓名)")
    with pytest.raises(SourceError, match="no table or view residents") as error:
        read_database(url, "sqlite", "residents", ["姓名"])
    assert error.value.hint == "did you mean resident?"
    with pytest.raises(SourceError, match="resident lacks the column 性别; it has 姓名"):
        read_database(url, "sqlite", "resident", ["姓名", "性别"])
    with pytest.raises(SourceError, match=r"no file gone\.db"):
        read_database(f"sqlite:///{tmp_path}/gone.db", "sqlite", "t", ["a"])
    (tmp_path / "text.db").write_text("a,b")
    with pytest.raises(SourceError, match="is not an SQLite database"):
        read_database(f"sqlite:///{tmp_path}/text.db", "sqlite", "t", ["a"])
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\x00" + b"\x01" * 4000)
    with pytest.raises(SourceError):
        read_database(f"sqlite:///{tmp_path}/broken.db", "sqlite", "t", ["a"])
