"""Landing takes as much memory for eight million rows as for two: what is read is never held.

Every kind of source is landed in a process of its own, whose peak memory the system tells (VmHWM).
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import pytest

from core.settings import REPOSITORY
from tests.connectors.conftest import connect_mariadb
from tests.connectors.memory import FILES, WIDTHS

pytestmark = [pytest.mark.long, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")]

FEW, MANY = (int(number) for number in os.environ.get("HUB_TEST_MEMORY_ROWS", "2000000,8000000").split(","))
MOST_KB, MOST_GROWTH = 1 << 20, 1.10
VALUES = {
    "id": "(100000000 + i)::varchar",
    "name": "'测试' || i % 100000",
    "code": "lpad(i::varchar, 18, '0')",
    "note": "'备注' || lpad((i % 99)::varchar, 24, 'x')",
}
RECORDS = {
    "jsonl": "'{' || " + " || ',' || ".join(f"""'"{name}":"' || {value} || '"'""" for name, value in VALUES.items()) + " || '}'",
    "xml": "'<row>' || " + " || ".join(f"'<{name}>' || {value} || '</{name}>'" for name, value in VALUES.items()) + " || '</row>'",
    "fixed": " || ".join(f"rpad({value}, {WIDTHS[name]}, ' ')" for name, value in VALUES.items()),
}


def write(kind: str, rows: int, folder: Path) -> None:
    """A file of so many rows, made by the engine."""
    path, form = folder / FILES[kind], "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
    with duckdb.connect(config={"memory_limit": "1GB"}) as engine:
        if kind == "csv":
            columns = ", ".join(f"{value} AS {name}" for name, value in VALUES.items())
            engine.execute(f"COPY (SELECT {columns} FROM range({rows}) r(i)) TO '{path}' (HEADER)")
            return
        engine.execute(f"COPY (SELECT {RECORDS[kind]} FROM range({rows}) r(i)) TO '{path}' {form}")
    if kind == "xml":
        inner = path.rename(path.with_suffix(".part"))
        with path.open("wb") as file, inner.open("rb") as records:
            file.write(b"<rows>\n")
            shutil.copyfileobj(records, file)
            file.write(b"</rows>\n")
        inner.unlink()


def peak(kind: str, address: str, folder: Path) -> int:
    """Peak memory in KB of landing a source."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    command = [sys.executable, "-m", "tests.connectors.memory", kind, address, str(home)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HUB_THREADS": "2"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    shutil.rmtree(home)
    return int(done.stdout.split()[-1])


def assert_bounded(kind: str, peaks: list[int]) -> None:
    print(f"{kind}: {peaks[0] / 1024:,.0f} MB at {FEW:,} rows, {peaks[1] / 1024:,.0f} MB at {MANY:,}")
    assert max(peaks) < MOST_KB, peaks
    assert peaks[1] <= MOST_GROWTH * peaks[0], peaks


@pytest.mark.parametrize("kind", FILES)
def test_files(kind: str, tmp_path: Path) -> None:
    peaks = []
    for rows in (FEW, MANY):
        write(kind, rows, tmp_path)
        peaks.append(peak(kind, tmp_path.as_uri(), tmp_path))
    assert_bounded(kind, peaks)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[str]:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE hub_memory (id text, name text, code text, note text)")
    yield f"sqlite:///{tmp_path / 'rows.db'}"
    connection.close()


def test_sqlite(sqlite: str, tmp_path: Path) -> None:
    peaks = []
    for rows in (FEW, MANY - FEW):
        with sqlite3.connect(tmp_path / "rows.db") as connection:
            connection.execute(
                "INSERT INTO hub_memory WITH RECURSIVE n(i) AS (SELECT (SELECT count(*) FROM hub_memory) UNION ALL SELECT i + 1 FROM n LIMIT ?)"
                " SELECT 100000000 + i, '测试' || i % 100000, printf('%018d', i), '备注' || printf('%024d', i % 99) FROM n",
                (rows,),
            )
        connection.close()
        peaks.append(peak("sqlite", sqlite, tmp_path))
    assert_bounded("sqlite", peaks)


def test_postgresql(postgresql: str, tmp_path: Path) -> None:
    peaks = []
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE UNLOGGED TABLE hub_memory (id text, name text, code text, note text)")
        for first, rows in ((0, FEW), (FEW, MANY - FEW)):
            connection.execute(
                "INSERT INTO hub_memory SELECT (100000000 + i)::text, '测试' || i %% 100000, lpad(i::text, 18, '0'),"
                " '备注' || lpad((i %% 99)::text, 24, 'x')"
                " FROM generate_series(%s::int, %s::int) i",
                (first, first + rows - 1),
            )
            peaks.append(peak("postgresql", postgresql, tmp_path))
        connection.execute("DROP TABLE hub_memory")
    assert_bounded("postgresql", peaks)


def test_mariadb(mariadb: str, tmp_path: Path) -> None:
    peaks, name = [], f"hub_memory_{os.getpid()}"
    address = f"{mariadb.rpartition('/')[0]}/{name}"
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(
            f"CREATE TABLE {name}.hub_memory (id varchar(20), name varchar(20), code varchar(20), note varchar(40)) ENGINE = Aria"
        )
        for first, rows in ((0, FEW), (FEW, MANY - FEW)):
            cursor.execute(
                f"INSERT INTO {name}.hub_memory SELECT 100000000 + seq, concat('测试', seq % 100000), lpad(seq, 18, '0'),"
                f" concat('备注', lpad(seq % 99, 24, 'x')) FROM seq_{first}_to_{first + rows - 1}"
            )
            connection.commit()
            peaks.append(peak("mysql", address, tmp_path))
        cursor.execute(f"DROP DATABASE {name}")
    assert_bounded("mysql", peaks)
