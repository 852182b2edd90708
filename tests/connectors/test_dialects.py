"""What every connector of a database must pass, whichever dialect it is; run on the servers that are here, and on those that are named.

HUB_TEST_DIALECT_URLS is a list of further addresses, one a line, as they would stand in connections.yml.
"""

import datetime as dt
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from connectors.databases import dialects, sql_text
from connectors.extract import extract
from core.connections import Connections
from core.errors import RequestError, SourceError
from tests.connectors.conftest import connect_mariadb
from tests.connectors.helpers import consume, make_contract, read_database

GIVEN = os.environ.get("HUB_TEST_DIALECT_URLS", "").split()
ODD = ['o"d`d', "列 名", "select", "[a]", "100%s", ":b", "a'b", "x\\y"]
LONG = "长" * 20_000 + "😀𠮷" * 10
META = sa.MetaData()
TYPES = sa.Table(
    "hub_test_conform", META,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("big", sa.BigInteger), sa.Column("dec", sa.Numeric(20, 4)),
    sa.Column("real", sa.Float(53)), sa.Column("day", sa.Date), sa.Column("moment", sa.DateTime), sa.Column("name", sa.Unicode(60)),
    sa.Column("code", sa.CHAR(6)), sa.Column("body", sa.UnicodeText), sa.Column("bytes", sa.LargeBinary(20)),
)  # fmt: skip
ODDLY = sa.Table("hub_test_odd", META, *(sa.Column(name, sa.Unicode(20)) for name in ODD))
EMPTY = sa.Table("hub_test_empty", META, sa.Column("id", sa.Integer), sa.Column("name", sa.Unicode(20)))
MANY = sa.Table(
    "hub_test_many", META, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("name", sa.Unicode(40))
)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "big": 9007199254740993, "dec": Decimal("12345.6789"), "real": 0.1, "day": dt.date(1931, 2, 3),
     "moment": dt.datetime(2020, 1, 2, 3, 4, 5), "name": "欧阳😀𠮷·é", "code": "ab", "body": LONG, "bytes": b"\x00\xff"},
    {"id": 2, "big": -1, "dec": Decimal(-1), "real": 1e20, "day": dt.date(9999, 12, 31), "moment": dt.datetime(1999, 12, 31, 23, 59, 59),
     "name": "", "code": "x y", "body": "a\nb\tc'\"\\", "bytes": b""},
    {"id": 3},
]  # fmt: skip
SAME = {"big": ["9007199254740993", "-1", None], "day": ["1931-02-03", "9999-12-31", None], "code": ["ab", "x y", None],
        "real": ["0.1", "100000000000000000000", None], "body": [LONG, "a\nb\tc'\"\\", None], "bytes": ["00ff", "", None]}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A database with the tables of these tests, and the kind of source under which it is read."""

    url: str
    kind: str
    family: str

    def read(self, table: str, columns: list[str], **more: Any) -> Any:
        return read_database(self.url, self.kind, table, columns, **more)

    def refusal(self, table: str, columns: list[str]) -> SourceError:
        with pytest.raises(SourceError) as error:
            self.read(table, columns)
        return error.value


def _opened(url: str) -> tuple[dialects.Dialect, sa.Engine]:
    contract = make_contract({"kind": "sql", "connection": "source", "object": "x"}, ["x"])
    return dialects._engine(contract, Connections({"HUB_CONNECTION_SOURCE": url}, Path("none.yml")))


def _emptied(url: str) -> None:
    _, engine = _opened(url)
    with engine.begin() as connection:
        if "hub_test_view" in sa.inspect(connection).get_view_names():
            connection.execute(sa.text("DROP VIEW hub_test_view"))
        META.drop_all(connection)
    engine.dispose()


def _filled(url: str) -> str:
    """The family of a database, in which the tables are made anew."""
    _emptied(url)
    dialect, engine = _opened(url)
    with engine.begin() as connection:
        META.create_all(connection)
        connection.execute(TYPES.insert(), [{column.name: row.get(column.name) for column in TYPES.columns} for row in ROWS])
        connection.execute(ODDLY.insert().values({name: f"值{place}" for place, name in enumerate(ODD)}))
        connection.execute(MANY.insert(), [{"id": number, "name": f"名{number}"} for number in range(150)])
        one, other = MANY.alias(), MANY.alias()
        pairs = sa.select(one.c.id * 150 + other.c.id + 150, one.c.name).select_from(one.join(other, other.c.id >= 0)).where(one.c.id > 0)
        connection.execute(MANY.insert().from_select(["id", "name"], pairs))
        connection.execute(sa.text("CREATE VIEW hub_test_view AS SELECT id, name FROM hub_test_conform"))
    engine.dispose()
    return dialect.family


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Address → family of what has been filled so far; a server that stays is emptied at the end."""
    filled: dict[str, str] = {}
    yield filled
    for url in filled.keys() & set(GIVEN):
        _emptied(url)


@pytest.fixture(scope="module")
def own_mariadb(mariadb: str) -> Iterator[str]:
    """A database of its own: others may run these tests against the same server."""
    name = f"hub_test_{os.getpid()}"
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield f"{mariadb.rpartition('/')[0]}/{name}"
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", "postgresql", "mysql", *GIVEN])
def address(request: pytest.FixtureRequest, urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    match request.param:
        case "sqlite":
            url = f"sqlite:///{tmp_path_factory.getbasetemp() / 'conform.db'}"
        case "postgresql":
            url = request.getfixturevalue("postgresql")
        case "mysql":
            url = request.getfixturevalue("own_mariadb")
        case _:
            url = request.param
    if url not in urls:
        urls[url] = _filled(url)
    return url


@pytest.fixture(params=["its own", "general"])
def place(request: pytest.FixtureRequest, address: str, urls: dict[str, str]) -> Place:
    scheme = address.partition(":")[0].partition("+")[0]
    own = {"postgres": "postgresql", "mariadb": "mysql"}.get(scheme, scheme)
    if request.param == "its own" and own not in ("sqlite", "postgresql", "mysql"):
        pytest.skip(f"{scheme} has no connector of its own")
    return Place(address, own if request.param == "its own" else "sql", urls[address])


def test_types_nulls_and_characters_beyond_the_basic_plane(place):
    delivery = place.read("hub_test_conform", ["id"])
    delivery.rows.sort(key=lambda row: int(row["id"]))
    assert delivery.columns == [column.name for column in TYPES.columns]
    assert {name: delivery.values(name) for name in SAME} == SAME
    assert delivery.values("name") == ["欧阳😀𠮷·é", "", None]
    assert [Decimal(value) for value in delivery.values("dec")[:2]] == [Decimal("12345.6789"), Decimal(-1)]
    assert [value[:19] for value in delivery.values("moment")[:2]] == ["2020-01-02 03:04:05", "1999-12-31 23:59:59"]
    assert delivery.values("dec")[2] is delivery.values("moment")[2] is None


def test_columns_may_be_called_anything(place):
    delivery = place.read("hub_test_odd", ODD)
    assert delivery.rows == [{name: f"值{number}" for number, name in enumerate(ODD)} | {"_position": 1}]


def test_columns_that_are_ignored_are_not_read_and_views_are(place):
    assert place.read("hub_test_view", ["id"], ignore=["name"]).columns == ["id"]
    assert sorted(place.read("hub_test_view", ["id"]).values("id")) == ["1", "2", "3"]


def test_an_empty_table_has_columns_and_no_rows(place):
    delivery = place.read("hub_test_empty", ["id"])
    assert (delivery.rows, delivery.columns) == ([], ["id", "name"])


def test_what_is_missing_is_named_with_what_may_be_meant(place):
    error = place.refusal("hub_test_emtpy", ["id"])
    assert "there is no table or view hub_test_emtpy" in error.message
    assert "hub_test_empty?" in error.hint
    error = place.refusal("hub_test_conform", ["id", "nmae"])
    assert "lacks the column nmae" in error.message
    assert "nmae may now be name" in error.hint
    assert "is not the name of a table" in place.refusal("a.b.c.d", ["id"]).message
    assert "no table or view" in place.refusal('x"; DROP TABLE hub_test_empty; --', ["id"]).message


def test_batches_are_bounded_and_numbered(place):
    delivery = place.read("hub_test_many", ["id"])
    assert len(delivery.rows) == 150 + 149 * 150
    assert delivery.positions == list(range(1, len(delivery.rows) + 1))
    assert max(delivery.batch_sizes) <= (10_000 if place.kind == "sql" else 65_536)
    assert sorted(map(int, delivery.values("id")))[:3] == [0, 1, 2]


def test_a_contract_is_checked_and_drafted_from_it(place, tmp_path, monkeypatch):
    from pipeline.delivery.check import check_source
    from tests.factories import hub_in

    monkeypatch.setenv("HUB_CONNECTION_SOURCE", place.url)
    contract = make_contract({"kind": place.kind, "connection": "source", "object": "hub_test_conform"}, ["id"])
    checked = check_source(hub_in(tmp_path / "home").home, contract)
    assert (checked.error, checked.rows_seen) == (None, 3)


# Types that only one kind of database has: the general way writes them as the connector of its own does.

OF_POSTGRESQL = """
    DROP TABLE IF EXISTS hub_test_own; DROP DOMAIN IF EXISTS hub_test_code; CREATE DOMAIN hub_test_code AS varchar(2);
    CREATE TABLE hub_test_own (n numeric, r real, d date, ts timestamp, tz timestamptz, tm time, b boolean, c char(4), k hub_test_code,
        a text[], j jsonb, m money, u uuid, i interval, bi bit(3), x bytea, net inet);
    INSERT INTO hub_test_own VALUES
        (1.50, 1e20, 'infinity', '2020-01-02 03:04:05.5', '2020-01-01 20:00:00+00', '01:02:03.25', true, 'ab', '01', '{x,"y z"}', '{"a": 1.50}',
         12.5, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1 day 2 hours', B'101', '\\x00ff', '10.0.0.1/8'),
        ('NaN', 0.1, '0044-03-15 BC', '-infinity', '0001-01-01 BC', '00:00', false, '', '', '{}', 'null', -0.01, NULL, '-1 sec', NULL, '', NULL),
        (NULL, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
OF_MYSQL = (
    "DROP TABLE IF EXISTS hub_test_own",
    "CREATE TABLE hub_test_own (n decimal(12, 2), r double, d date, dt datetime, d6 datetime(6), d3 datetime(3), ts timestamp NULL, tm time,"
    " t6 time(6), y year, b blob, bi bit(9), t longtext, e enum('男', '女'), s set('a', 'b'),"
    " j json, c char(4), b1 boolean, f float) CHARACTER SET utf8mb4",
    "INSERT INTO hub_test_own VALUES"
    " (1.5, 1e20, '0000-00-00', '2020-01-02 03:04:05', '2020-01-02 03:04:05.5', '2020-01-02 03:04:05', '2020-01-01 20:00:00',"
    " '-101:02:03', '01:02:03.5', 2020, x'00ff', 257, '长😀', '男', 'a,b', '{\"a\": 1.50}', 'q', true, 0.5),"
    " (NULL, 0.00001, '2024-02-00', '0000-00-00', NULL, NULL, NULL, '838:59:59', NULL, NULL, NULL, NULL, '', NULL, '', NULL, '', false, NULL)",
)
OF_SQLITE = """
    CREATE TABLE hub_test_own (n numeric, r real, d date, t text, x blob, b boolean, anything);
    INSERT INTO hub_test_own VALUES (1.50, 1e20, '2020-01-02', '😀', x'00ff', 1, 0.1),
        ('abc', 0.30000000000000004, 20200102, 5, 'text', 'true', x'41'), (1e-7, 12, NULL, NULL, NULL, 0, 9007199254740993),
        (123456789012345678, 1e15, 1.0, 123456.5, 2, NULL, -1e-20);
"""


@pytest.fixture(scope="module")
def own_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("own") / "own.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(OF_SQLITE)
    connection.close()
    return f"sqlite:///{path}"


def test_postgresql_writes_its_own_types_alike_either_way(postgresql):
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(OF_POSTGRESQL)
    own, general = (read_database(postgresql, kind, "hub_test_own", ["n"]).rows for kind in ("postgresql", "sql"))
    assert general == own
    assert own[0]["a"] == '{x,"y z"}'


def test_mariadb_writes_its_own_types_alike_either_way(own_mariadb):
    with connect_mariadb(own_mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = '', SESSION time_zone = '+00:00'")
        for statement in OF_MYSQL:
            cursor.execute(statement)
        connection.commit()
    own, general = (read_database(own_mariadb, kind, "hub_test_own", ["n"]).rows for kind in ("mysql", "sql"))
    assert general == own
    assert own[0]["d6"] == "2020-01-02 03:04:05.500000"


def test_sqlite_writes_every_value_alike_either_way(own_sqlite):
    own, general = (read_database(own_sqlite, kind, "hub_test_own", ["n"]).rows for kind in ("sqlite", "sql"))
    assert general == own


# What cannot run here is looked at as far as that goes.

COMPILED = {
    "sqlserver": ("CONVERT(varchar(40), [d], 121)", sa.dialects.mssql.DATETIME2(7)),
    "oracle": ("to_char(\"d\", 'YYYY-MM-DD HH24:MI:SS.FF')", sa.dialects.oracle.TIMESTAMP()),
}


@pytest.mark.parametrize("family", COMPILED)
def test_times_finer_than_python_s_are_written_by_the_server(family):
    text, kind = COMPILED[family]
    dialect = {"sqlserver": sa.dialects.mssql.dialect, "oracle": sa.dialects.oracle.dialect}[family]()
    assert str(sql_text.expression("d", kind, family).compile(dialect=dialect)).lower() == text.lower()
    convert = sql_text.converter(kind, family)
    assert [convert(value) for value in ("2020-01-02 03:04:05.1234567", "2020-01-02 03:04:05.0000000", None)] == [
        "2020-01-02 03:04:05.1234567", "2020-01-02 03:04:05", None,
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(dialects.dialects().keys() - {"sqlite"}))
def test_a_driver_that_is_missing_is_named_and_one_that_is_there_makes_statements(name):
    entry = dialects.dialects()[name]
    contract = make_contract({"kind": "sql", "connection": "source", "object": "x"}, ["x"])
    connections = Connections({"HUB_CONNECTION_SOURCE": f"{name}://user:secret@127.0.0.1:1/base"}, Path("none.yml"))
    modules = {"opengauss-sqlalchemy": "opengauss_sqlalchemy", "psycopg2-binary": "psycopg2"}
    if all(find_spec(modules.get(package, package)) for package in entry.packages):
        _, engine = dialects._engine(contract, connections)
        column = sql_text.expression('o"d', sa.Unicode(), entry.family)
        assert "SELECT" in str(sa.select(column).select_from(sa.table("t")).compile(dialect=engine.dialect))
        return
    with pytest.raises(RequestError, match=f"leads to {entry.title}, whose driver is not installed") as error:
        extract(contract, connections)
    assert all(package in error.value.hint for package in entry.packages)


def test_extras_and_the_list_of_dialects_agree():
    import tomllib

    from core.settings import REPOSITORY

    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name: {item.partition(">")[0] for item in extra} for name, extra in extras.items()} == {
        name: set(entry.packages) for name, entry in dialects.dialects().items() if entry.packages
    }


def test_a_server_that_does_not_answer_is_worth_a_retry_and_its_address_is_not_told():
    for scheme in ("postgresql", "tidb"):
        contract = make_contract({"kind": "sql", "connection": "source", "object": "x"}, ["x"])
        with pytest.raises(SourceError, match="cannot be reached") as error:
            consume(extract(contract, Connections({"HUB_CONNECTION_SOURCE": f"{scheme}://user:secret@127.0.0.1:1/base"}, Path("none.yml"))))
        assert error.value.transient
        assert "secret" not in str(error.value)
        assert "127.0.0.1" not in str(error.value)
