from pathlib import Path

import adbc_driver_manager
import psycopg
import pytest
from adbc_driver_manager import AdbcStatusCode

from connectors.databases.postgresql import translated
from connectors.extract import extract
from core.connections import Connections
from core.errors import SourceError
from tests.connectors.helpers import make_contract, read_database


@pytest.fixture(scope="module")
def server(postgresql):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("""
            CREATE SCHEMA hj;
            CREATE DOMAIN hj.code AS varchar(2);
            CREATE TYPE hj.sex AS ENUM ('男', '女');
            CREATE TABLE hj.t_rkxx (
                "姓名" text, n numeric(12, 2), i bigint, r double precision, d date, ts timestamp, tz timestamptz, b boolean, x bytea,
                c char(4), e hj.sex, k hj.code, a text[], j jsonb, m money, "odd ""name" text, gone text
            );
            ALTER TABLE hj.t_rkxx DROP COLUMN gone;
            INSERT INTO hj.t_rkxx VALUES
                ('张三', 1.50, 9007199254740993, 1e20, '2020-01-02', '2020-01-02 03:04:05.5', '2020-01-01 20:00:00+00', true, '\\x00ff',
                 'ab', '男', '01', '{x,y}', '{"a": 1}', 12.5, 'q'),
                ('', NULL, NULL, 0.1, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
            CREATE VIEW hj.v AS SELECT "姓名" FROM hj.t_rkxx;
            CREATE TABLE big AS SELECT i::text AS i, 'x' || i AS t FROM generate_series(1, 150000) i;
            CREATE ROLE stranger LOGIN;
        """)
    return postgresql


def test_every_type_is_written_as_canonical_text(server):
    full, empty = read_database(server, "postgresql", "hj.t_rkxx", ["姓名"]).rows
    assert full == {
        "姓名": "张三",
        "n": "1.50",
        "i": "9007199254740993",
        "r": "100000000000000000000",
        "d": "2020-01-02",
        "ts": "2020-01-02 03:04:05.5",
        "tz": "2020-01-02 04:00:00",
        "b": "true",
        "x": "00ff",
        "c": "ab",
        "e": "男",
        "k": "01",
        "a": "{x,y}",
        "j": '{"a": 1}',
        "m": "12.50",
        'odd "name': "q",
        "_position": 1,
    }
    assert empty["姓名"] == ""
    assert empty["r"] == "0.1"
    assert empty["b"] == "false"
    assert all(value is None for name, value in empty.items() if name not in ("姓名", "r", "b", "_position"))


def test_what_a_server_is_set_to_changes_no_text(server):
    """Settings that say how values and names are written."""
    settings = {
        "datestyle": "German",
        "intervalstyle": "sql_standard",
        "timezone": "Asia/Tokyo",
        "extra_float_digits": "-10",
        "bytea_output": "escape",
    }
    before = read_database(server, "postgresql", "hj.t_rkxx", ["姓名"]).rows
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE TABLE lasts (i interval, t text)")
        connection.execute("INSERT INTO lasts VALUES ('1 day 02:03:04.5', 'x')")
        name = connection.info.dbname
        try:
            for setting, value in settings.items():
                connection.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
            assert read_database(server, "postgresql", "hj.t_rkxx", ["姓名"]).rows == before
            (lasts,) = read_database(server, "postgresql", "lasts", ["t"]).rows
        finally:
            connection.execute(f"ALTER DATABASE {name} RESET ALL")
    assert lasts["i"] == "1 day 02:03:04.5"


def test_a_server_that_quotes_every_name_is_told_what_to_set(server):
    with psycopg.connect(server, autocommit=True) as connection:
        name = connection.info.dbname
        try:
            connection.execute(f"ALTER DATABASE {name} SET quote_all_identifiers = on")
            with pytest.raises(SourceError, match="quote_all_identifiers") as raised:
                read_database(server, "postgresql", "hj.t_rkxx", ["姓名"])
        finally:
            connection.execute(f"ALTER DATABASE {name} RESET ALL")
    assert not raised.value.transient


def test_views_ignored_columns_and_quoted_names(server):
    assert read_database(server, "postgresql", "hj.v", ["姓名"]).values("姓名") == ["张三", ""]
    assert read_database(server, "postgresql", '"hj".t_rkxx', ["姓名"], ignore=["n", "i"]).columns[:2] == ["姓名", "r"]


def test_batches_are_small_and_numbered(server):
    delivery = read_database(server, "postgresql", "big", ["i"])
    assert delivery.positions == list(range(1, 150_001))
    assert max(delivery.batch_sizes) <= 65_536
    assert sorted(map(int, delivery.values("i"))) == delivery.positions


def test_a_delivery_does_not_see_what_is_written_meanwhile_and_writes_nothing(server):
    extraction = extract(
        make_contract({"kind": "postgresql", "connection": "source", "object": "big"}, ["i"]),
        Connections({"HUB_CONNECTION_SOURCE": server}, Path("none.yml")),
    )
    first = next(extraction.batches)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("INSERT INTO big SELECT 'new', 'new' FROM generate_series(1, 1000)")
        try:
            rest = sum(batch.num_rows for batch in extraction.batches)
        finally:
            connection.execute("DELETE FROM big WHERE i = 'new'")
    assert first.num_rows + rest == 150_000


def test_a_delivery_that_is_dropped_half_way_leaves_no_connection(server):
    extraction = extract(
        make_contract({"kind": "postgresql", "connection": "source", "object": "big"}, ["i"]),
        Connections({"HUB_CONNECTION_SOURCE": server}, Path("none.yml")),
    )
    next(extraction.batches)
    extraction.batches.close()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER TABLE big ADD COLUMN extra text")
        connection.execute("ALTER TABLE big DROP COLUMN extra")


def test_a_materialized_view_that_was_never_filled_is_told_as_such(server):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE MATERIALIZED VIEW hj.unfilled AS SELECT 1 AS a WITH NO DATA")
    with pytest.raises(SourceError, match="materialized view has not been filled yet") as error:
        read_database(server, "postgresql", "hj.unfilled", ["a"])
    assert not error.value.transient


def test_what_is_missing_is_named(server):
    with pytest.raises(SourceError, match=r"no table or view hj\.t_rkx") as error:
        read_database(server, "postgresql", "hj.t_rkx", ["a"])
    assert error.value.hint == "did you mean hj.t_rkxx?"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute('CREATE TABLE "BIG_ONE" (a int)')
    with pytest.raises(SourceError, match="no table or view big_one") as error:
        read_database(server, "postgresql", "big_one", ["a"])
    assert error.value.hint == "did you mean public.BIG_ONE?"
    assert read_database(server, "postgresql", "public.BIG_ONE", ["a"]).rows == []
    with pytest.raises(SourceError, match="lacks the column 姓; it has 姓名, n") as error:
        read_database(server, "postgresql", "hj.t_rkxx", ["姓"])
    assert not error.value.transient
    with pytest.raises(SourceError, match="no database of that name"):
        read_database(server.replace("/postgres?", "/nothing?"), "postgresql", "t", ["a"])


def test_a_table_that_may_not_be_read_is_no_reason_to_try_again(server):
    with pytest.raises(SourceError, match="may not read") as error:
        read_database(server.replace("postgres:@", "stranger:@"), "postgresql", "big", ["i"])
    assert not error.value.transient


def test_a_user_that_is_not_there_is_no_reason_to_try_again(server):
    with pytest.raises(SourceError, match="refuses the hub's user or password") as error:
        read_database(server.replace("postgres:@", "nobody_of_that_name:@"), "postgresql", "big", ["i"])
    assert not error.value.transient
    assert error.value.exit_status == 2


@pytest.mark.parametrize(
    ("words", "reason", "is_transient"),
    [
        ('FATAL:  role "hub" does not exist', "refuses the hub's user", False),
        ('FATAL:  role "hub" is not permitted to log in', "refuses the hub's user", False),
        ('FATAL:  password authentication failed for user "hub"', "refuses the hub's user", False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "hub", database "d"', "refuses the hub's user", False),
        ('致命错误:  角色 "hub" 不存在', "refuses the hub's user", False),
        ('致命错误:  用户 "hub" Password 认证失败', "refuses the hub's user", False),
        ('致命错误:  数据库 "d" 不存在', "no database of that name", False),
        ('FATAL:  database "role" does not exist', "no database of that name", False),
        ("FATAL:  sorry, too many clients already", "cannot be reached", True),
        ("could not translate host name", "cannot be reached", True),
    ],
)
def test_what_a_server_says_at_the_door_is_understood(words, reason, is_transient):
    contract = make_contract({"kind": "postgresql", "connection": "source", "object": "t"}, ["a"])
    with pytest.raises(SourceError, match=reason) as error, translated(contract):
        raise adbc_driver_manager.OperationalError(f"connection to server failed: {words}", status_code=AdbcStatusCode.IO)
    assert error.value.transient is is_transient
    assert "hub" not in error.value.message.replace("the hub's user", "")


@pytest.mark.parametrize(
    ("expression", "bad"), [("a::int", "x"), ("1 / length(a)", ""), ("a::date", "1990-02-30"), ("a::smallint", "70000")]
)
def test_a_view_that_fails_on_a_value_is_no_reason_to_try_again(server, expression, bad):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS behind CASCADE")
        connection.execute("CREATE TABLE behind (a text)")
        connection.execute(f"CREATE VIEW failing AS SELECT a, ({expression})::text AS b FROM behind")
        connection.execute("INSERT INTO behind SELECT '1' FROM generate_series(1, 50000)")
        connection.execute("INSERT INTO behind VALUES (%s)", [bad])
    with pytest.raises(SourceError, match="the server fails on a value in it") as error:
        read_database(server, "postgresql", "failing", ["a", "b"])
    assert not error.value.transient
    assert error.value.hint


def test_a_statement_that_takes_too_long_may_be_tried_again(server):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE OR REPLACE VIEW slow AS SELECT i, pg_sleep(0.01)::text AS s FROM big")
    with pytest.raises(SourceError, match="longer than the contract allows") as error:
        read_database(server, "postgresql", "slow", ["i"], reading={"statement_timeout_seconds": 1})
    assert error.value.transient
    # A statement runs as long as its rows are held back: another day changes nothing about that.
    assert "rows per second" not in error.value.hint
    with pytest.raises(SourceError, match="longer than the contract allows") as error:
        read_database(server, "postgresql", "slow", ["i"], reading={"statement_timeout_seconds": 1, "rows_per_second": 50})
    assert error.value.hint.startswith("at 50 rows per second no more than 50 come in the 1 s that a statement may run: ")


def test_an_unreachable_server_may_be_tried_again_and_its_password_is_not_told():
    with pytest.raises(SourceError, match="cannot be reached") as error:
        read_database("postgresql://hub:s3cret@127.0.0.1:1/db", "postgresql", "t", ["a"])
    assert error.value.transient
    assert "s3cret" not in str(error.value)
