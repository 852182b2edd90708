"""A table has the same texts whichever way it comes: on the wire, packed by the department's program, or packed by the hub."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pyarrow.parquet as pq
import pytest

from catalog.batches import Batch
from connectors.offline import bundle as packing
from connectors.offline.bundle import Bundle, make_key
from pipeline.bundles import pack_here, register_key, terms_of, unbundle
from pipeline.landing import rows_path
from tests.connectors.conftest import connect_mariadb, mariadb
from tests.factories import Hub, person
from tests.pipeline.sources import connect, sync, tracked

__all__ = ["mariadb"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")
ROWS = 12
TABLE = "hub_test_texts"
# By its type each column, and the values that rows have in turn.
POSTGRESQL = {
    "chars char(6)": ["'k'", "''", "' a '"],
    'letter "char"': ["'c'"],
    "word varchar(20)": ["'朝阳 '", "E'a\\x1fb\\x1e'"],
    "whole bigint": ["9007199254740993", "-1"],
    "amount numeric(12, 3)": ["12.5", "'NaN'"],
    "price money": ["-1234.5"],
    "small real": ["0.1", "1e20", "'NaN'"],
    "large double precision": ["1.0 / 3", "1e-7", "16777217"],
    "is_so boolean": ["true", "false"],
    "day date": ["'1949-10-01'", "'infinity'", "'0044-03-15 BC'"],
    "moment timestamp": ["'2024-01-02 03:04:05.5'"],
    "instant timestamptz(3)": ["'2024-01-01 00:00:00.5+00'", "'1899-12-31 00:00:00+00'", "'-infinity'"],
    "clock time(3)": ["'12:00:00.5'", "'24:00'"],
    "zoned timetz": ["'12:00+09'"],
    "span interval": ["'1 day 02:00'", "'-1 year 2 mons'"],
    "number uuid": ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    "bytes bytea": ["'\\x00ff'"],
    "bits bit(4)": ["b'1010'"],
    "address inet": ["'10.0.0.1/24'", "'10.0.0.1'"],
    "ages int4range": ["'[1,5)'"],
    "list text[]": ["'{a,null,\"b c\"}'"],
    "document json": ["'{\"a\" : 1.0}'"],
    "documents jsonb": ["'{\"a\" : 1.0}'"],
    "own hub_test_code": ["'ab'"],
    '"100% `of"" it" text': ["'x'"],
}
MYSQL = {
    "chars char(6)": ["'k'", "''", "' a '"],
    "word varchar(20)": ["'朝阳 '", "char(31, 30, 65)"],
    "bin_text varchar(20) collate utf8mb4_bin": ["'ab'"],
    "whole bigint": ["9007199254740993", "-1"],
    "zeros int(6) zerofill": ["1", "1234567"],
    "tiny tinyint(1)": ["1", "0"],
    "amount decimal(12, 3)": ["12.5", "-0.001"],
    "small float": ["0.5", "-2.25", "116.39723", "16777217", "1.5e-7", "3.4e38", "0"],
    "large double": ["1e0 / 3", "1e20", "1e-7", "1.5e300", "16777217"],
    "day date": ["'2024-01-02'", "'0000-00-00'", "'2024-02-00'"],
    "seconds datetime": ["'2024-01-02 03:04:05'", "'0000-00-00'"],
    "millis datetime(3)": ["'2024-01-02 03:04:05.5'", "'2024-01-02 03:04:05'"],
    "micros datetime(6)": ["'2024-01-02 03:04:05'"],
    "instant timestamp null": ["'2024-01-02 03:04:05'", "NULL"],
    "instants timestamp(6) null": ["'2024-01-02 03:04:05'"],
    "clock time": ["'-30:00:00'"],
    "clocks time(2)": ["'26:00:00.5'"],
    "years year": ["2024"],
    "bits bit(3)": ["b'101'", "b'0'"],
    "bytes blob": ["x'00ff'"],
    "fixed binary(3)": ["x'0041'"],
    "body longtext": ["'长'"],
    "choice enum('a', '乙')": ["'乙'"],
    "choices set('a', 'b')": ["'a,b'"],
    "document json": ["'{\"a\": 1.0}'"],
    "place point": ["ST_GeomFromText('POINT(1 2)')"],
    '`100% ``of" it` text': ["'x'"],
}
SQLITE = {
    "word text": ["'朝阳 '", "char(31, 30, 65)"],
    "amount real": ["1.0 / 3", "0.1 + 0.2", "1e20", "1.5e-7", "16777217", "-0.0", "9e999", "123456789012345678.0", "1e-300"],
    "whole integer": ["9007199254740993", "1.5", "'no number'", "x'00ff'"],
    '"100% `of"" it"': ["1", "1.25", "'x'", "NULL"],
}


@dataclass(frozen=True)
class Source:
    """A department's table with a column of each type, and how its machine packs it."""

    kind: str
    url: str
    options: tuple[str, ...]


def _filled(execute: Callable[[str], Any], columns: dict[str, list[str]], key: str, mark: str = "'{}'") -> None:
    execute(f"DROP TABLE IF EXISTS {TABLE}")
    execute(f"CREATE TABLE {TABLE} (sfzh {key}, xm varchar(40), gxsj varchar(20), {', '.join(columns)})")
    for number in range(ROWS):
        row = person(number)
        known = [mark.format(text) for text in (row["SFZH"], row["XM"], "2024-01-01")]
        execute(f"INSERT INTO {TABLE} VALUES ({', '.join(known + [values[number % len(values)] for values in columns.values()])})")


def _postgresql(request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    url = request.getfixturevalue("postgresql_server")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        connection.execute("DROP DOMAIN IF EXISTS hub_test_code")
        connection.execute("CREATE DOMAIN hub_test_code AS char(4)")
        _filled(connection.execute, POSTGRESQL, "char(24)")
        yield Source("postgresql", url, ("--driver", "psycopg", "--connect", _written(folder, url)))
        connection.execute(f"DROP TABLE {TABLE}")
        connection.execute("DROP DOMAIN hub_test_code")


def _mysql(request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    url = request.getfixturevalue("mariadb")
    parts = urlsplit(url)
    options = {"host": parts.hostname, "port": parts.port or 3306, "user": unquote(parts.username or ""), "database": parts.path[1:]}
    options["password"] = unquote(parts.password or "")
    with connect_mariadb(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES'")
        _filled(cursor.execute, MYSQL, "char(24)")
        connection.commit()
        yield Source("mysql", url, ("--driver", "pymysql", "--connect", _written(folder, options)))


def _sqlite(request: pytest.FixtureRequest, folder: Path) -> Iterator[Source]:
    path = folder / "texts.db"
    with closing(sqlite3.connect(path)) as connection:
        _filled(connection.execute, SQLITE, "text")
        connection.commit()
    yield Source("sqlite", f"sqlite:///{path}", ("--sqlite", str(path)))


def _written(folder: Path, document: Any) -> str:
    path = folder / "connect.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.fixture(params=[_postgresql, _mysql, _sqlite], ids=lambda make: make.__name__.strip("_"))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    yield from request.param(request, tmp_path)


def _registered(hub: Hub, source: Source, folder: Path) -> tuple[dict[str, Any], Path]:
    document = tracked(source.kind, "snapshot", record_key=["sfzh"], columns={"sfzh": "resident_id", "xm": "person_name"})
    document["source"] = {"kind": source.kind, "connection": "patients", "object": TABLE}
    document["as_of"] = {"column": "gxsj"}
    hub.register(document)
    connect(hub, patients=source.url)
    key = folder / "office.pem"
    make_key(key)
    register_key(hub.home, "health", key.with_suffix(".pub"))
    return document, key


def _program(hub: Hub, document: dict[str, Any], source: Source, key: Path, *more: str) -> Path:
    """A bundle as the department's machine packs it."""
    terms = key.with_name("terms.json")
    terms.write_text(json.dumps(terms_of(hub.home, document["id"])))
    assert packing.main(["pack", "--terms", str(terms), "--key", str(key), "--out", str(key.parent), *source.options, *more]) == 0
    return max(key.parent.glob("*.bundle"))


def _landed(hub: Hub, batch: Batch) -> dict[str, list[Any]]:
    """Texts by column, and what was made of them: ids and digests."""
    columns: dict[str, list[Any]] = pq.ParquetFile(rows_path(hub.settings, batch)).read().to_pydict()
    return columns


def test_a_bundle_has_the_texts_of_the_wire(hub: Hub, source: Source, tmp_path: Path) -> None:
    document, key = _registered(hub, source, tmp_path)
    wired = sync(hub, document)
    texts = _landed(hub, wired)
    assert (wired.records, len(texts["xm"])) == (ROWS, ROWS)
    packed_by = {
        "program": lambda: _program(hub, document, source, key),
        "program, by a query": lambda: _program(hub, document, source, key, "--query", f"SELECT * FROM {TABLE} -- all\n ; "),
        "hub": lambda: pack_here(hub.home, document["id"], key, tmp_path),
    }
    for way, pack in packed_by.items():
        batch = unbundle(hub.home, pack(), accept_older="packed in the same second")
        bundled = _landed(hub, batch)
        assert list(bundled) == list(texts), way
        assert {name: bundled[name] for name in texts if bundled[name] != texts[name]} == {}, way
        assert (batch.unchanged, batch.inserted, batch.updated, batch.deleted) == (ROWS, 0, 0, 0), way


def test_two_columns_of_one_name_are_refused(hub: Hub, source: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, key = _registered(hub, source, tmp_path)
    with pytest.raises(AssertionError):
        _program(hub, document, source, key, "--query", f"SELECT {TABLE}.*, xm FROM {TABLE}")
    assert "gives two columns one name" in capsys.readouterr().err
    assert list(tmp_path.glob("*.bundle")) == []


@pytest.mark.parametrize("source", [_postgresql, _mysql], indirect=True)
def test_a_query_that_gives_no_rows_is_packed(hub: Hub, source: Source, tmp_path: Path) -> None:
    document, key = _registered(hub, source, tmp_path)
    with Bundle(_program(hub, document, source, key, "--query", f"SELECT * FROM {TABLE} WHERE xm IS NULL")) as bundle:
        assert bundle.manifest["rows"] == 0
        assert list(bundle.rows()) == [[]]
