"""A department's table of people in a server that is asked what differs."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import psycopg
import pymysql
import pytest

from connectors.databases.mysql import connected
from tests.pipeline.sources import TABLE, patient

COLUMNS = ("SFZH", "XM", "DH", "GXSJ")


class AskedTable(ABC):
    """People may stand in it twice, and contradict each other."""

    kind = ""
    ignored: tuple[str, ...] = ()
    columns = ", ".join(f'"{name}" varchar(200)' for name in COLUMNS)

    def __init__(self, url: str, connection: Any) -> None:
        self.url = url
        self.connection = connection

    @abstractmethod
    def write(self, sql: str, values: Any = None) -> int:
        """Run a statement in the words that both servers know; how many rows it concerned."""

    def add(self, number: int, content: int = 0, **changed: Any) -> None:
        """Add a row of a person."""
        row = {**patient(number, content), **changed}
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        self.write(f"INSERT INTO {TABLE} ({names}) VALUES (%s, %s, %s, %s)", [row[name] for name in COLUMNS])

    def change(self, key: str, content: int) -> None:
        """Change what all rows of a person say."""
        self.write(f'UPDATE {TABLE} SET "DH" = %s WHERE "SFZH" = %s', [f"139{content:08}", key])

    def retype(self, column: str, kind: str) -> None:
        """Give a column of texts another type."""
        self.write(f'ALTER TABLE {TABLE} DROP COLUMN "{column}"')
        self.write(f'ALTER TABLE {TABLE} ADD COLUMN "{column}" {kind}')

    def remove(self, key: str) -> None:
        """Remove all rows of a person."""
        self.write(f'DELETE FROM {TABLE} WHERE "SFZH" = %s', [key])


class PostgresqlTable(AskedTable):
    """Without a key: a row is found by its place."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        super().__init__(url, psycopg.connect(url, autocommit=True))
        self.write(f"DROP TABLE IF EXISTS {TABLE} CASCADE")
        self.write(f"CREATE TABLE {TABLE} ({self.columns})")

    def write(self, sql: str, values: Any = None) -> int:
        """Run a statement; how many rows it concerned."""
        return int(self.connection.execute(sql, values).rowcount)


class MysqlTable(AskedTable):
    """With a key that is nobody's business: a row is found by it."""

    kind = "mysql"
    ignored = ("nr",)

    def __init__(self, url: str) -> None:
        super().__init__(url, connected(url))
        self.write("SET SESSION sql_mode = 'ANSI_QUOTES'")
        self.write(f"DROP TABLE IF EXISTS {TABLE}")
        self.write(f"CREATE TABLE {TABLE} (nr bigint unsigned AUTO_INCREMENT PRIMARY KEY, {self.columns}) CHARACTER SET utf8mb4")

    def write(self, sql: str, values: Any = None) -> int:
        """Run a statement; how many rows it concerned."""
        with self.connection.cursor() as cursor:
            rows = cursor.execute(sql, values)
        self.connection.commit()
        return int(rows)


@pytest.fixture(scope="module")
def own_database() -> Iterator[str]:
    """Address of a database in a MariaDB or MySQL, for as long as a file's tests take."""
    url = os.environ.get("HUB_TEST_MARIADB_URL", "mysql://root:@127.0.0.1:3306/test")
    name = f"hub_test_{os.getpid()}"
    try:
        connection = connected(url)
    except pymysql.Error:
        pytest.skip("no MariaDB or MySQL answers (HUB_TEST_MARIADB_URL)")
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        yield f"{url.rpartition('/')[0]}/{name}"
        cursor.execute(f"DROP DATABASE {name}")
