"""The table of the extract benchmark in each source: thirteen columns as a department keeps them, the same rows everywhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from benchmarks.server import postgresql_server
from connectors.databases.identifiers import quote
from connectors.databases.scanner import scanner_engine

TABLE = "hub_bench_extract"
COLUMNS = {
    "id": "bigint", "certificate": "varchar(18)", "name": "varchar(40)", "sex": "varchar(1)", "born": "date", "phone": "varchar(11)",
    "address": "varchar(80)", "amount": "decimal(12, 2)", "grade": "integer", "note": "varchar(80)", "office": "varchar(18)",
    "changed": "timestamp", "remark": "varchar(40)",
}  # fmt: skip
_ROWS = """
    SELECT i AS id, lpad(((i * 7919) % 1000000007)::varchar, 18, '1') AS certificate, '张李王' || i % 5000 AS name, (1 + i % 2)::varchar AS sex,
        date '1930-01-01' + (i % 30000)::integer AS born, lpad((i % 99999999)::varchar, 11, '138') AS phone,
        '北京市东城区景山前街' || i % 9999 || '号院' || i % 40 || '单元' AS address, (i % 9000000 / 7)::decimal(12, 2) AS amount,
        (i % 9)::integer AS grade,
        CASE i % 4 WHEN 0 THEN NULL ELSE '备注' || i % 77 END AS note, '9111' || lpad((i % 30000)::varchar, 14, '0') AS office,
        timestamp '2020-01-01 00:00:00' + to_seconds(i % 100000000) AS changed, '' AS remark
    FROM range({rows}) numbers(i)
"""


def make_csv(rows: int, folder: Path) -> Path:
    """The rows as a text file with a header."""
    path = folder / "rows.csv"
    with duckdb.connect() as engine:
        engine.execute(f"COPY ({_ROWS.format(rows=rows)}) TO '{path}' (HEADER)")
    return path


def make_sqlite(csv: Path, folder: Path) -> str:
    """An SQLite database; its address."""
    path = folder / "rows.db"
    engine = scanner_engine("sqlite_scanner")
    engine.execute(f"ATTACH '{path}' AS source (TYPE sqlite)")
    engine.execute(f"CREATE TABLE source.{TABLE} AS SELECT * FROM read_csv('{csv}', header = true, columns = {_columns('varchar')})")
    engine.close()
    return f"sqlite:///{path}"


def _columns(text: str) -> str:
    kinds = {name: text if kind.startswith(("varchar", "date", "timestamp")) else kind for name, kind in COLUMNS.items()}
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in kinds.items()) + "}"


@contextmanager
def postgresql(csv: Path) -> Iterator[str]:
    """A server from the wheel with the table; its address."""
    import psycopg

    with postgresql_server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE {TABLE} ({_ddl('timestamp')})".encode())
            with csv.open("rb") as file, connection.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT csv, HEADER)".encode()) as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
            connection.execute(f"VACUUM ANALYZE {TABLE}".encode())
        yield url


@contextmanager
def mariadb(url: str, csv: Path) -> Iterator[str]:
    """A database of its own with the table in the MariaDB at an address, for as long as this is open."""
    import pymysql

    parts, database = urlsplit(url), f"hub_bench_{os.getpid()}"
    connection = pymysql.connect(
        host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=parts.username or "", password=parts.password or "",
        database=parts.path.lstrip("/"), charset="utf8mb4", local_infile=True, autocommit=True,
    )  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {database}")
        cursor.execute(f"CREATE TABLE {TABLE} ({_ddl('datetime', '`')}, PRIMARY KEY (id)) CHARACTER SET utf8mb4")
        cursor.execute(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {TABLE} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES",
            (str(csv),),
        )
        yield f"{url.rpartition('/')[0]}/{database}"
        cursor.execute(f"DROP DATABASE {database}")


def _ddl(timestamp: str, mark: str = '"') -> str:
    return ", ".join(f"{quote(name, mark)} {timestamp if kind == 'timestamp' else kind}" for name, kind in COLUMNS.items())
