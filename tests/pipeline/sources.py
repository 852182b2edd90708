"""A department's table of people in a database, which tests change as departments do."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from catalog import tables
from catalog.batches import Batch, batch_id_of
from pipeline.accept import accept
from pipeline.delivery.tracking import ORDINARY, Order
from pipeline.land import land
from tests.factories import PATIENTS, Hub, Row, person

COLUMNS = ("SFZH", "XM", "DH", "GXSJ", "BB")
TABLE = "patient"


def tracked(kind: str, change_tracking: str, **more: Any) -> dict[str, Any]:
    """The contract for the table; its cursor is BB, a number that rises with every change."""
    document = {
        **PATIENTS,
        "source": {"kind": kind, "connection": "patients", "object": TABLE},
        "change_tracking": change_tracking,
        "ignore": [],
        **({"cursor": {"column": "BB", "overlap": 0}} if change_tracking == "cursor" else {}),
        **more,
    }
    return {name: value for name, value in document.items() if value is not None}


def patient(number: int, content: int) -> Row:
    """Person `number`; what the record says of it is the content."""
    return {name: value for name, value in person(number, DH=f"139{content:08}").items() if name in COLUMNS}


class People:
    """The table in SQLite: rows by number of the person."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "department.db"
        self.version = 0
        self.write(f"CREATE TABLE {TABLE} ({', '.join(f'{name} TEXT' for name in COLUMNS[:-1])}, BB INTEGER)")

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def write(self, sql: str, values: Sequence[Any] = ()) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(sql, tuple(values))
        connection.close()

    def put(self, number: int, content: int, **changed: Any) -> None:
        """Insert or update a person, as a system does that keeps a version in each row."""
        self.version += 1
        row: Mapping[str, Any] = {**patient(number, content), "BB": self.version, **changed}
        self.write(f"DELETE FROM {TABLE} WHERE SFZH = ?", [row["SFZH"]])
        self.write(f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(COLUMNS))})", [row[name] for name in COLUMNS])

    def remove(self, number: int) -> None:
        self.write(f"DELETE FROM {TABLE} WHERE SFZH = ?", [person(number)["SFZH"]])


def connect(hub: Hub, **urls: str) -> None:
    """Tell a hub where connections lead."""
    path = hub.home.settings.home / "connections.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **urls}))


def sync(hub: Hub, document: Mapping[str, Any], order: Order = ORDINARY) -> Batch:
    """Land what the source has, and accept it."""
    return accept(land(document["id"], hub.home, order=order), hub.home, full=order.full, accept_shrink=order.accept_shrink)


def quiet(hub: Hub, last: Batch, count: int) -> None:
    """So many further batches of a dataset in the catalog, accepted after its last one without anything new in them."""
    with hub.home.catalog.begin() as connection:
        (row,) = connection.execute(sa.select(tables.batch).where(tables.batch.c.batch_id == last.batch_id))
        same = dict(row._mapping) | {"accepted": 0, "unchanged": last.landed, "inserted": 0, "previous": last.records}
        numbers = range(last.seq + 1, last.seq + 1 + count)
        connection.execute(tables.batch.insert(), [same | {"batch_id": batch_id_of(last.contract_id, seq), "seq": seq} for seq in numbers])


def phones(hub: Hub, document: Mapping[str, Any]) -> dict[str, str]:
    """What a dataset says: phone by identity number."""
    return {row["resident_id"]: row["phone_number"] for row in hub.state(document)}


@pytest.fixture
def people(hub: Hub, tmp_path: Path) -> People:
    source = People(tmp_path)
    connect(hub, patients=source.url)
    return source
