"""Comments of a database's catalog: read for the table and its columns, and cut to the name at their head."""

import psycopg
import pytest

from connectors.comments import read_comments, title_of
from core.connections import Connections
from tests.connectors.conftest import connect_mariadb
from tests.connectors.helpers import make_contract


def commented(url, kind, name):
    contract = make_contract({"kind": kind, "connection": "c", "object": name}, ["a"])
    return read_comments(contract, Connections({"HUB_CONNECTION_C": url}, file=None))


def test_postgresql(postgresql):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE commented (a text, b text, c text);
            COMMENT ON TABLE commented IS '户籍人口';
            COMMENT ON COLUMN commented.a IS '姓名';
            COMMENT ON COLUMN commented.b IS '性别：1男，2女';
        """)
    found = commented(postgresql, "postgresql", "commented")
    assert (found.table, found.columns) == ("户籍人口", {"a": "姓名", "b": "性别"})
    assert commented(postgresql, "postgresql", "nowhere").columns == {}


def test_mysql(mariadb):
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_commented")
        cursor.execute("CREATE TABLE hub_test_commented (a int COMMENT '年龄', b int) COMMENT '人员'")
    found = commented(mariadb, "mysql", "hub_test_commented")
    assert (found.table, found.columns) == ("人员", {"a": "年龄"})


def test_what_keeps_no_comments_has_none():
    assert commented("sqlite:////nowhere.db", "sqlite", "t").columns == {}


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
