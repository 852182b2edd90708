"""Views that sleep and a long table, in servers that are asked whether they still run a statement on one."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.connectors.conftest import connect_mariadb, numbers


@dataclass(frozen=True)
class Stalling:
    """A view that sleeps for half a minute, by a name that no other run of these tests has, nor tidies away."""

    url: str
    view: str

    def statements(self) -> int:
        """How many statements on it the server runs."""
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url) as connection:
                running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"
                return int(connection.execute(running, [f"%{self.view}%"]).fetchall()[0][0])
        with connect_mariadb(self.url) as connection, connection.cursor() as cursor:
            running = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE %s AND id <> CONNECTION_ID()"
            cursor.execute(running, [f"%{self.view}%"])
            return int(cursor.fetchall()[0][0])


@pytest.fixture(params=["postgresql", "mariadb"])
def stalling(request: pytest.FixtureRequest) -> Iterator[Stalling]:
    url, view = request.getfixturevalue(request.param), f"hub_stalling_{os.getpid()}"
    if request.param == "postgresql":
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE VIEW {view} AS SELECT i, pg_sleep(30)::text AS s FROM generate_series(1, 3) i")
            yield Stalling(url, view)
            connection.execute(f"DROP VIEW {view}")
        return
    with connect_mariadb(url) as maria, maria.cursor() as cursor:
        cursor.execute(f"CREATE VIEW {view} AS SELECT i, sleep(30) AS s FROM ({numbers(1)}) AS n")
    yield Stalling(url, view)
    with connect_mariadb(url) as maria, maria.cursor() as cursor:
        cursor.execute(f"DROP VIEW {view}")


@pytest.fixture
def long_table(mariadb: str) -> Iterator[str]:
    """A table of 100,000 rows."""
    name = f"hub_long_{os.getpid()}"
    with connect_mariadb(mariadb) as maria, maria.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} AS SELECT i, repeat('x', 600) AS t FROM ({numbers(5)}) AS n")
    yield name
    with connect_mariadb(mariadb) as maria, maria.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")


def in_a_moment(comes_true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not comes_true() and time.monotonic() < until:
        time.sleep(0.1)
    return comes_true()
