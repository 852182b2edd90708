"""A table of an SQLite database with many people, of whose batches receipts are told."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from catalog.batches import Batch
from core.signing import load_signer
from pipeline.receipts import receipt_of
from tests.factories import Hub
from tests.pipeline.sources import COLUMNS, People, connect, patient, sync, tracked

MANY = 420


class Filled:
    """A table of an SQLite database with many people, and a hub that knows it."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.people = hub, People(folder)
        self.document = tracked("sqlite", "snapshot")
        hub.register(self.document)
        connect(hub, patients=self.people.url)
        rows = [[{**patient(number, number), "BB": number}[name] for name in COLUMNS] for number in range(MANY)]
        with sqlite3.connect(self.people.path) as connection:
            connection.executemany(f"INSERT INTO patient VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        connection.close()

    def sync(self) -> Batch:
        return sync(self.hub, self.document)

    def signed(self, batch: Batch) -> dict[str, Any]:
        return receipt_of(self.hub.home, batch.batch_id)

    @property
    def key(self) -> str:
        return load_signer(self.hub.settings).public_key


@pytest.fixture
def filled(hub: Hub, tmp_path: Path) -> Filled:
    return Filled(hub, tmp_path)
