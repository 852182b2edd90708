"""The program that packs bundles at a department, by itself: values as texts, rows in parts, records counted, digests, old interpreters."""

import ast
import gzip
import io
import json
import shutil
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String

from connectors.bundled import ASK_AGAIN, COPY_AGAIN, refused
from connectors.databases.sql_text import converter
from connectors.offline import bundle as packing
from connectors.offline.bundle import Bundle, BundleError, make_key, pack, text_of
from connectors.unreadable import Unreadable
from core.digests import canonical_text
from core.settings import REPOSITORY
from tests.connectors.helpers import Drop

PROGRAMS = ("connectors/offline/bundle.py", "exchange/verify_receipt.py")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        (True, "true"),
        (-3, "-3"),
        (Decimal("-0.500"), "-0.500"),
        (Decimal("1E+3"), "1000"),
        (1e20, "100000000000000000000"),
        (0.1, "0.1"),
        (-2.0, "-2"),
        (date(1949, 10, 1), "1949-10-01"),
        (datetime(2024, 1, 2, 3, 4, 5), "2024-01-02 03:04:05"),
        (datetime(2024, 1, 2, 3, 4, 5, 500000), "2024-01-02 03:04:05.5"),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01 08:00:00"),
        (timedelta(hours=-30), "-30:00:00"),
        (timedelta(hours=10, microseconds=500_000), "10:00:00.5"),
        (time(10, 0, 0, 20), "10:00:00.00002"),
        (b"\x00\xff", "00ff"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_values_of_databases_become_the_texts_that_land(value: Any, text: str | None) -> None:
    assert text_of(value) == text
    assert converter(String(), "oracle")(value) == text


@given(st.lists(st.lists(st.text() | st.none(), min_size=3, max_size=3), max_size=20))
def test_rows_go_through_a_bundle_as_they_are(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str | None]]) -> None:
    folder = tmp_path_factory.mktemp("bundle")
    key = folder / "k.pem"
    make_key(key)
    rows = [[None if text is None else text.encode("utf-8", "replace").decode() for text in row] for row in rows]
    cursor = Cursor((("a", None), ("b", None), ("c", None)), list(rows))
    with Bundle(pack(TERMS, key, folder, cursor=cursor)) as bundle:
        bundle.verify(key.with_suffix(".pub").read_text())
        assert [row for part in bundle.rows() for row in part] == rows
        total = sum(count for count, _ in bundle.manifest["partitions"].values())
        assert total == bundle.manifest["rows"] == len(rows)
    shutil.rmtree(folder)


@dataclass
class Cursor:
    """What a driver gives that is none of those whose databases write the texts themselves."""

    description: tuple[tuple[str, Any], ...]
    left: list[list[Any]]

    def execute(self, query: str) -> None:
        pass

    def fetchmany(self, size: int) -> list[list[Any]]:
        given, self.left = self.left[:size], self.left[size:]
        return given


TERMS = {"dataset": "x__y", "department": "x", "contract_version": 1, "columns": ["b", "a"], "key": ["a"], "kind": "sql", "query": "q"}


@pytest.mark.parametrize("kind", [SimpleNamespace(name="DB_TYPE_CHAR"), type("FIXED_STRING", (), {})], ids=["Oracle", "Dameng"])
def test_texts_of_fixed_length_are_packed_without_the_blanks_that_fill_them_up(tmp_path: Path, kind: Any) -> None:
    """As on the wire; else no record had its identity."""
    make_key(key := tmp_path / "k.pem")
    cursor = Cursor((("a", kind), ("x", None), ("b", str)), [["k1  ", 1, "v "], [None, 2, ""]])
    with Bundle(pack({**TERMS, "ignore": ["x"]}, key, tmp_path, cursor=cursor)) as bundle:
        assert list(bundle.rows()) == [[["k1", "v "], [None, ""]]]


def test_its_syntax_is_that_of_older_interpreters() -> None:
    for name in PROGRAMS:
        ast.parse((REPOSITORY / name).read_text(), feature_version=(3, 8))


def test_counting_records_of_files(tmp_path: Path) -> None:
    def count(text: bytes, kind: str = "csv", **terms: Any) -> tuple[int | None, int]:
        path = tmp_path / "f"
        path.write_bytes(text)
        return packing.count_records(path, {"kind": kind, "columns": ["a"], **terms})

    assert count(b"a,b\n1,2\n3,4\n") == (2, 0)
    assert count('标题\n\na,b\n1,"x\ny"\n\n'.encode("gb18030")) == (1, 1)
    assert count(b"1,2\n3,4\n", header=False) == (2, 0)
    assert count(b"x,y\n1,2\n") == (None, 0)
    assert count(b'{"a":1}\n\n{"a":2}', "jsonl") == (2, 1)
    assert count(b"whatever", "xlsx") == (None, 0)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(b"a\n1\n")
    assert count(packed.getvalue()) == (1, 0)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("a.csv", "a\n1\n")
    assert count(archive.getvalue()) == (None, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "gb18030 with a mark", "big5", "utf-16-le"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_records_are_counted_as_the_hub_reads_them(tmp_path: Path, encoding: str, kind: str) -> None:
    """Blanks that are none in JSON are a line that cannot be read; whatever the encoding."""
    text = {"csv": "no,name\n1,陳\n\u3000,\xa0\n\n2,大\n", "jsonl": '{"no":"1"}\n\u3000\n \t\r\n\n{"no":"陳"}\n'}[kind]
    if encoding == "big5":
        text = text.replace("\xa0", " ")
    drop = Drop(tmp_path)
    encoding, _, mark = encoding.partition(" with a ")
    drop.put("a", (("\ufeff" if mark else "") + text).encode(encoding))
    declared = encoding if encoding in ("big5", "utf-16-le") else None
    delivery = drop.read(["no"], "a", kind, encoding=declared)
    filled, blank = packing.count_records(tmp_path / "a", {"kind": kind, "columns": ["no"], "encoding": declared})
    is_blank = [Unreadable(line, why).is_blank for line, why in delivery.unreadable.items()]
    assert (filled, blank) == (len(delivery.rows) + is_blank.count(False), is_blank.count(True))
    assert (filled, blank) == ((2, 2) if kind == "csv" else (3, 2))


def test_a_digest_is_the_one_of_the_hub() -> None:
    """By hand: what the manifest adds up is what a row's text hashes to."""
    values = ["张三", None, "", "a\x1fb\x1e"]
    text = packing.row_text(values)
    assert text == "张三\x1f\x1en\x1f\x1fa\x1esb\x1ee".encode()
    hubs = canonical_text([f"${place}::varchar" for place in range(1, len(values) + 1)])
    assert duckdb.execute(f"SELECT {hubs}", values).fetchone() == (text.decode(),)


@pytest.mark.parametrize("about", ["a.zip", "tax__payer"])
def test_a_message_names_its_file_once(about: str) -> None:
    said = "a.zip is no bundle, or was cut off while it was copied: copy it again"
    assert refused(about, BundleError(said)).message == (said if about == "a.zip" else f"{about}: {said}")


def test_what_was_cut_off_is_copied_again_and_is_not_said_to_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(FileNotFoundError):
        Bundle(path)
    path.write_bytes(b"PK\x03\x04torn")
    with pytest.raises(BundleError, match="copy it again") as raised:
        Bundle(path)
    assert refused("a.zip", raised.value).hint == COPY_AGAIN
    assert refused("a.zip", BundleError("parts are missing")).hint == ASK_AGAIN


@dataclass(frozen=True)
class Desk:
    """A folder at a department, with all that packing takes."""

    folder: Path

    def terms(self) -> dict[str, Any]:
        names = {"format": packing.TERMS_FORMAT, "dataset": "health__patient", "department": "health", "contract_version": 1}
        return {**names, "columns": ["a"], "key": ["a"], "kind": "csv", "file": "a.csv"}

    def run(self, command: str, **changed: str) -> int:
        given = {"terms": "terms.json", "key": "office.pem", "out": ".", "files": "a.csv", **changed}
        wanted = {
            name: self.folder / value if name in ("terms", "key", "out", "files", "connect") else value for name, value in given.items()
        }
        options = [word for name, value in wanted.items() if value for word in (f"--{name}", str(value))]
        return packing.main([command, *options])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    make_key(tmp_path / "office.pem")
    (tmp_path / "terms.json").write_text(json.dumps(found.terms()))
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "torn").write_bytes(b"\xff\xfe\x00")
    return found


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sequence": "0"}, "numbered from 1 on"),
        ({"sequence": "-3"}, "numbered from 1 on"),
        ({"driver": "os"}, "no database driver"),
        ({"driver": "sqlite3", "connect": "torn"}, "is no JSON"),
        ({"terms": "torn"}, "ask the data centre"),
        ({"terms": "bare.json"}, "are no terms"),
    ],
)
def test_what_cannot_be_packed_is_told_in_a_word(
    desk: Desk, changed: dict[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.folder / "bare.json").write_text(json.dumps({"format": packing.TERMS_FORMAT}))
    assert desk.run("pack", **changed) == 1
    assert told in capsys.readouterr().err
    assert not list(desk.folder.glob("*.bundle"))


@pytest.mark.parametrize("left", ["", "{", '{"sequence": "3", "manifest_sha256": ""}', "[]"])
def test_a_number_that_was_lost_is_asked_for(desk: Desk, left: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine that was switched off while it wrote the number down may have kept half of it."""
    (desk.folder / "health__patient.sequence.json").write_text(left)
    assert desk.run("pack") == 1
    assert "--sequence" in capsys.readouterr().err
    assert desk.run("pack", sequence="4") == 0
    assert desk.run("pack") == 0
    assert sorted(path.name for path in desk.folder.glob("*.bundle")) == ["health__patient-000004.bundle", "health__patient-000005.bundle"]


def test_a_bundle_is_not_checked_by_what_is_no_key(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run("pack") == 0
    bundle = str(desk.folder / "health__patient-000001.bundle")
    assert packing.main(["check", bundle, "--key", str(desk.folder / "torn")]) == 1
    assert "is no Ed25519 key" in capsys.readouterr().err
    assert packing.main(["check", bundle, "--key", str(desk.folder / "office.pub")]) == 0
