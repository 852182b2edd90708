"""What a catalog says of a table: comments, cut to the name at their head, and the primary key."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

from connectors.databases.described import describe, title_of
from core.connections import Connections
from tests.connectors.conftest import connect_mariadb
from tests.connectors.helpers import make_contract


def told(url, kind, name):
    contract = make_contract({"kind": kind, "connection": "c", "object": name}, ["a"])
    return describe(contract, Connections({"HUB_CONNECTION_C": url}, file=None))


def test_postgresql(postgresql):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE commented (a text, b text, c text, PRIMARY KEY (c, a));
            COMMENT ON TABLE commented IS '户籍人口';
            COMMENT ON COLUMN commented.a IS '姓名';
            COMMENT ON COLUMN commented.b IS '性别：1男，2女';
            CREATE UNIQUE INDEX ON commented (b);
            CREATE VIEW commented_view AS SELECT * FROM commented;
        """)
    found = told(postgresql, "postgresql", "commented")
    assert (found.table, found.columns, found.key) == ("户籍人口", {"a": "姓名", "b": "性别"}, ("c", "a"))
    for name in ("commented_view", "nowhere"):
        assert (told(postgresql, "postgresql", name).columns, told(postgresql, "postgresql", name).key) == ({}, ())
    by_dialect = postgresql.replace("postgresql://", "postgresql+psycopg://", 1)
    assert told(by_dialect, "sql", "commented").key == ("c", "a")
    assert told(by_dialect, "sql", "commented_view").key == ()


def test_mysql(mariadb):
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_commented")
        cursor.execute("CREATE TABLE hub_test_commented (a int COMMENT '年龄', b int, PRIMARY KEY (b, a)) COMMENT '人员'")
    found = told(mariadb, "mysql", "hub_test_commented")
    assert (found.table, found.columns, found.key) == ("人员", {"a": "年龄"}, ("b", "a"))


def test_sqlite_keeps_no_comments(tmp_path):
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        connection.executescript(
            "CREATE TABLE a (x TEXT, y TEXT, PRIMARY KEY (y, x)); CREATE VIEW v AS SELECT * FROM a; CREATE TABLE b (x);"
        )
    url = f"sqlite:///{tmp_path}/s.db"
    assert (told(url, "sqlite", "a").columns, told(url, "sqlite", "a").key) == ({}, ("y", "x"))
    assert [told(url, "sqlite", name).key for name in ("v", "b")] == [(), ()]


@pytest.mark.parametrize(
    ("comment", "title"),
    [
        ("姓名", "姓名"),
        ("性别：1男，2女", "性别"),
        ("户籍地 详址", "户籍地"),
        ("注册资本(万元)", "注册资本(万元)"),
        ("unit name, as printed", "unit name"),
        ("", ""),
    ],
)
def test_a_title_is_the_head_of_a_comment(comment, title):
    assert title_of(comment) == title
