"""A department without a line, which packs what it has, and bundles that somebody has altered on the way."""

import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.offline.bundle import make_key, pack
from pipeline.bundles import register_key, terms_of, unbundle
from tests.factories import RESIDENTS, Hub, person, to_csv
from tests.pipeline.sources import COLUMNS, People, patient, tracked

__all__ = ["office"]
MANY = 230


class Office:
    """A department without a line: its key, its table, and the terms that the hub has written."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.folder = hub, folder / "office"
        self.folder.mkdir()
        self.document = tracked("sqlite", "snapshot")
        hub.register(self.document, RESIDENTS)
        self.people = People(self.folder)
        with sqlite3.connect(self.people.path) as connection:
            rows = [[{**patient(number, number), "BB": number}[name] for name in COLUMNS] for number in range(MANY)]
            connection.executemany(f"INSERT INTO patient VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        connection.close()
        self.key = self.folder / "office.pem"
        make_key(self.key)
        register_key(hub.home, "health", self.key.with_suffix(".pub"))
        register_key(hub.home, "public_security", self.key.with_suffix(".pub"))

    def pack(self, **options: Any) -> Path:
        """The next bundle of the table."""
        with sqlite3.connect(self.people.path) as connection:
            path = pack(terms_of(self.hub.home, self.document["id"]), self.key, self.folder, cursor=connection.cursor(), **options)
        connection.close()
        return path

    def pack_file(self, name: str = "resident.csv", text: str | None = None, **options: Any) -> Path:
        """A bundle of a file."""
        rows = [person(number) for number in range(MANY)]
        file = self.folder / name
        file.write_text(text if text is not None else to_csv(rows, list(rows[0])), encoding="utf-8")
        return pack(terms_of(self.hub.home, RESIDENTS["id"]), self.key, self.folder, files=[file], **options)

    def take(self, path: Path, **options: Any) -> Any:
        return unbundle(self.hub.home, path, **options)


@pytest.fixture
def office(hub: Hub, tmp_path: Path) -> Office:
    return Office(hub, tmp_path)


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The bundle with other contents."""
    with zipfile.ZipFile(path) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    change(contents)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path
