import pymysql
import pytest

from core.errors import SourceError
from tests.connectors.conftest import connect_mariadb
from tests.connectors.helpers import read_database


@pytest.fixture(scope="module")
def server(mariadb):
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = '', SESSION time_zone = '+00:00'")
        cursor.execute("DROP TABLE IF EXISTS hub_test_types, hub_test_big")
        cursor.execute("""
            CREATE TABLE hub_test_types (
                `姓名` varchar(20), n decimal(12, 2), i bigint, r double, d date, dt datetime, ts timestamp NULL, b blob, bi bit(3),
                t longtext, e enum('男', '女'), j json, `odd ``name` char(4), p point
            ) CHARACTER SET utf8mb4
        """)
        cursor.execute(
            "INSERT INTO hub_test_types VALUES"
            " ('张三😀', 1.5, 9007199254740993, 1e20, '2020-01-02', '2020-01-02 03:04:05', '2020-01-01 20:00:00', x'00ff', 5,"
            " repeat('长', 70000), '男', '{\"a\": 1}', 'q', ST_PointFromText('POINT(1 2)')),"
            " ('', NULL, NULL, 0.00001, '0000-00-00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        )
        cursor.execute("CREATE TABLE hub_test_big (i int) ENGINE = InnoDB")
        cursor.execute(
            "INSERT INTO hub_test_big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n"
        )
        for _ in range(7):
            cursor.execute("INSERT INTO hub_test_big SELECT i FROM hub_test_big")
        connection.commit()
    return mariadb


def test_every_type_is_written_as_canonical_text(server):
    full, empty = read_database(server, "mysql", "hub_test_types", ["姓名"]).rows
    assert full.pop("t") == "长" * 70_000
    assert full == {
        "姓名": "张三😀",
        "n": "1.50",
        "i": "9007199254740993",
        "r": "100000000000000000000",
        "d": "2020-01-02",
        "dt": "2020-01-02 03:04:05",
        "ts": "2020-01-02 04:00:00",
        "b": "00ff",
        "bi": "5",
        "e": "男",
        "j": '{"a": 1}',
        "odd `name": "q",
        "p": "000000000101000000000000000000f03f0000000000000040",
        "_position": 1,
    }
    assert empty["姓名"] == ""
    assert empty["r"] == "0.00001"
    assert empty["d"] == "0000-00-00"
    assert all(value is None for name, value in empty.items() if name not in ("姓名", "r", "d", "_position"))


def test_single_precision_numbers_have_the_digits_that_give_them_back(mariadb):
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_floats")
        cursor.execute("CREATE TABLE hub_test_floats (i int, f float, places float(10, 2))")
        cursor.execute(
            "INSERT INTO hub_test_floats VALUES (1, 116.39723, 116.39), (2, 0.1, 1000), (3, 16777215, 0.1), (4, 0, 0), (5, 1e20, 0),"
            " (6, -0.00001234567, 0), (7, NULL, NULL)"
        )
        connection.commit()
    rows = read_database(mariadb, "mysql", "hub_test_floats", ["i"]).rows
    assert [row["f"] for row in rows] == ["116.39723", "0.1", "16777215", "0", "100000000000000000000", "-0.00001234567", None]
    assert [row["places"] for row in rows][:4] == ["116.39", "1000.00", "0.10", "0.00"]


def test_vectors_are_read_as_their_bytes(mariadb):
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_vectors")
        try:
            cursor.execute("CREATE TABLE hub_test_vectors (i int, v vector(2))")
        except (pymysql.err.ProgrammingError, pymysql.err.OperationalError):
            pytest.skip("vectors came with MariaDB 11.7 and MySQL 9")
        cursor.execute("INSERT INTO hub_test_vectors VALUES (1, x'0000803f00000040')")
        connection.commit()
    assert [row["v"] for row in read_database(mariadb, "mysql", "hub_test_vectors", ["i"]).rows] == ["0000803f00000040"]


def test_batches_are_small_and_numbered(server):
    delivery = read_database(server, "mysql", "hub_test_big", ["i"])
    assert delivery.positions == list(range(1, 128_001))
    assert max(delivery.batch_sizes) <= 65_536


def test_what_is_missing_is_named(server):
    with pytest.raises(SourceError, match="no table or view hub_test_bigg") as error:
        read_database(server, "mysql", "hub_test_bigg", ["i"])
    assert error.value.hint == "did you mean hub_test_big?"
    with pytest.raises(SourceError, match="lacks the column j; it has i"):
        read_database(server, "mysql", "hub_test_big", ["j"])
    with pytest.raises(SourceError, match="no database of that name"):
        read_database(server.rsplit("/", 1)[0] + "/nothing", "mysql", "t", ["i"])


def test_a_statement_that_takes_too_long_may_be_tried_again(server):
    with connect_mariadb(server) as connection, connection.cursor() as cursor:
        cursor.execute("DROP VIEW IF EXISTS hub_test_slow")
        cursor.execute("CREATE VIEW hub_test_slow AS SELECT i, sleep(0.01) AS s FROM hub_test_big")
    try:
        with pytest.raises(SourceError, match="longer than the contract allows") as error:
            read_database(server, "mysql", "hub_test_slow", ["i"], reading={"statement_timeout_seconds": 1})
        assert error.value.transient
    finally:
        with connect_mariadb(server) as connection, connection.cursor() as cursor:
            cursor.execute("DROP VIEW hub_test_slow")


def test_who_waits_for_a_locked_table_is_told_after_the_time_agreed(server):
    with connect_mariadb(server) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS hub_test_locked (i int)")
        cursor.execute("LOCK TABLES hub_test_locked WRITE")
        with pytest.raises(SourceError, match="longer than the contract allows") as error:
            read_database(server, "mysql", "hub_test_locked", ["i"], reading={"statement_timeout_seconds": 1})
        assert error.value.transient
        cursor.execute("UNLOCK TABLES")
        cursor.execute("DROP TABLE hub_test_locked")


def test_wrong_password_and_unreachable_server_are_told_apart(server):
    with pytest.raises(SourceError, match="refuses the hub's user or password") as error:
        read_database("mysql://nobody:s3cret@127.0.0.1:3306/test", "mysql", "t", ["a"])
    assert not error.value.transient
    assert "s3cret" not in str(error.value)
    with pytest.raises(SourceError, match="cannot be reached") as error:
        read_database("mysql://nobody:s3cret@127.0.0.1:1/test", "mysql", "t", ["a"])
    assert error.value.transient
