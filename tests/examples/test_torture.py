"""Files that were made to break readers, and two folders of real ones: every file, as every kind, from landing to the standardized table.

A file may be refused, with a word and a hint; nothing crashes, hangs or vanishes, and the ledger holds after all of them.
"""

import csv
import gzip
import io
import json
import sqlite3
import tarfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pyarrow.parquet as pq
import pytest
import xlrd

from connectors.columns import clean_name
from contracts.loader import load_contracts
from contracts.model import Contract
from core.errors import DefinitionError, GateFailed, SourceError
from core.faults import InternalFault
from pipeline.land import RESERVED_NAMES
from pipeline.landing import rows_path
from pipeline.ledger import check_ledger
from standards.loader import load_standards
from tests.connectors.helpers import REAL_DATA, Drop
from tests.examples.deliveries import Hub, open_hub

TORTURE = REAL_DATA / "torture"
KINDS: dict[str, dict[str, Any]] = {
    "csv": {"header": False},
    "xlsx": {"header": False},
    "jsonl": {},
    "xml": {"record": "row"},
    "fixed": {"fields": [{"name": "1", "start": 1, "width": 5}]},
}
SECONDS = 60


@pytest.fixture(scope="session")
def torture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collections, unpacked."""
    if not TORTURE.is_dir():
        pytest.skip("the collection of hostile files is not here (GOVHUB_REAL_DATA)")
    folder = tmp_path_factory.mktemp("torture")
    for name in ("csv_spectrum", "frictionless_fixtures_a"):
        with tarfile.open(TORTURE / f"{name}.tar.gz") as archive:
            archive.extractall(folder / name, filter="data")
    return folder


@pytest.fixture(scope="session")
def naughty() -> list[str]:
    if not TORTURE.is_dir():
        pytest.skip("the collection of hostile strings is not here (GOVHUB_REAL_DATA)")
    strings = json.loads((TORTURE / "naughty_strings_list.json").read_text(encoding="utf-8"))
    assert len(strings) > 500
    return [text for text in strings if "\x00" not in text]


@pytest.fixture
def hub(tmp_path: Path, torture: Path, without_suite: None) -> Iterator[Hub]:
    connections = {
        "drop": torture.as_uri(),
        "published": REAL_DATA.resolve().as_uri(),
        "made": tmp_path.as_uri(),
        "db": f"sqlite:///{tmp_path}/n.db",
    }
    with open_hub(tmp_path / "home", connections) as opened:
        yield opened


def contract(source: dict[str, Any], columns: dict[str, str], key: str = "*") -> Contract:
    return Contract.model_validate(
        {
            "id": "tax__torture",
            "title": {"zh": "数据", "en": "Data"},
            "department": {"id": "tax", "title": {"zh": "税务局", "en": "Tax"}},
            "feeds": ["legal_entity"],
            "source": source,
            "record_key": key,
            "columns": columns,
            "assertions": {"least_rows": 0, "largest_shrink": 1.0, "largest_quarantine": 1.0},
        }
    )


def run(hub: Hub, source: dict[str, Any], columns: dict[str, str], key: str = "*") -> Any:
    """The batch that a delivery ended in; whatever ended it said what to do, and was no fault of the hub."""
    hub.errors.clear()
    hub.register(contract(source, columns, key))
    began = time.monotonic()
    batch = hub.collect("tax__torture")
    assert time.monotonic() - began < SECONDS, source
    for error in hub.errors.values():
        assert isinstance(error, SourceError | GateFailed), (source, error)
        assert not isinstance(error, InternalFault)
        assert batch.error, source
    assert batch.status in ("accepted", "stopped", "failed"), source
    if batch.status == "accepted":
        assert batch.read == batch.landed + batch.unreadable
        assert batch.landed == batch.accepted + batch.unchanged + batch.repeated + batch.quarantined
    return batch


def landed(hub: Hub, batch: Any) -> list[dict[str, Any]]:
    return pq.read_table(rows_path(hub.home.settings, batch)).to_pylist()


def assert_ledger_holds(hub: Hub) -> None:
    assert [equation for equation in check_ledger(hub.home) if not equation.holds] == []


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


COLUMNS = {"jsonl": "id", "xml": "id"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_hostile_file_is_read_or_refused_as_every_kind(torture: Path, kind: str) -> None:
    read = 0
    for path in files(torture):
        try:
            delivery = Drop(torture).read([COLUMNS.get(kind, "1")], path.relative_to(torture).as_posix(), kind, **KINDS[kind])
        except SourceError as error:
            assert error.hint or "near line" in error.message, path.name  # noqa: PT017
            continue
        read += 1
        assert len({*delivery.positions, *delivery.unreadable}) == len(delivery.rows) + len(delivery.unreadable), path.name
    assert read >= {"csv": 170, "xlsx": 16, "jsonl": 1, "xml": 0, "fixed": 180}[kind]  # xml: none has such a record; they are read below


def own_kind(path: Path) -> str:
    return {".xls": "xlsx", ".xlsx": "xlsx", ".ods": "xlsx", ".xml": "xml", ".json": "jsonl", ".txt": "fixed"}.get(path.suffix, "csv")


@pytest.mark.long
def test_every_hostile_file_goes_through(hub: Hub, torture: Path) -> None:
    accepted = 0
    for path in files(torture):
        for kind in sorted({own_kind(path), "csv"}):
            source = {"kind": kind, "connection": "drop", "path": path.relative_to(torture).as_posix(), **KINDS[kind]}
            accepted += run(hub, source, {COLUMNS.get(kind, "1"): "organization_name"}).status == "accepted"
    assert accepted > 150
    assert_ledger_holds(hub)


@pytest.mark.long
@pytest.mark.parametrize("folder", ["cn_departments", "cn_departments_disguised"])
def test_every_published_file_goes_through(hub: Hub, folder: str) -> None:
    # The second folder's files are workbooks called csv.
    kinds = ("csv", "xlsx") if "disguised" in folder else ("csv",)
    published, refused = files(REAL_DATA / folder), 0
    for path in published:
        batches = [
            run(
                hub, {"kind": kind, "connection": "published", "path": f"{folder}/{path.name}", "header": False}, {"1": "organization_name"}
            )
            for kind in kinds
        ]
        # Each is read as what it is, and as nothing else; with thousands of columns beside the one that is asked for, it is refused.
        assert all(batch.status == "accepted" or batch.hint for batch in batches), path.name
        accepted = [batch.status for batch in batches].count("accepted")
        assert accepted == 1 or "columns to land, the most is" in batches[0].error, (path.name, [batch.error for batch in batches])
        refused += not accepted
    assert refused <= 1 < len(published)
    assert_ledger_holds(hub)


def test_text_files_have_as_many_rows_as_another_reader_counts(torture: Path) -> None:
    compared = 0
    for path in [path for path in files(torture) if path.suffix == ".csv"]:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                expected = list(csv.reader(file, strict=True))
            delivery = Drop(path.parent).read(["1"], path.name, header=False)
        except (SourceError, UnicodeDecodeError, csv.Error):
            continue
        compared += 1
        assert len(delivery.rows) + len(delivery.unreadable) == len(expected), path.name
        wide = [row for row in expected if len(row) == len(delivery.columns) and any(map(str.strip, row))]
        assert [[row[name] for name in delivery.columns] for row in delivery.rows] == wide, path.name
    assert compared > 60


def cells_of(path: Path) -> list[list[Any]]:
    """The first sheet of a workbook by the libraries that are made for its kind."""
    if path.suffix == ".xls":
        sheet = xlrd.open_workbook(path).sheet_by_index(0)
        return [sheet.row_values(row) for row in range(sheet.nrows)]
    with warnings.catch_warnings(action="ignore"):  # of what it does not keep
        book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), data_only=True)
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def test_workbooks_have_as_many_rows_and_cells_as_another_reader_counts(torture: Path) -> None:
    compared = 0
    for path in [path for path in files(torture) if path.suffix in (".xls", ".xlsx")]:
        try:
            delivery = Drop(path.parent).read(["1"], path.name, "xlsx", header=False)
        except SourceError:
            continue
        compared += 1
        expected = {line: sum(value not in (None, "") for value in row) for line, row in enumerate(cells_of(path), start=1)}
        found = {row["_position"]: sum(row[name] != "" for name in delivery.columns) for row in delivery.rows}
        assert found == {line: count for line, count in expected.items() if count}, path.name
    assert compared >= 13


def test_xml_documents_have_the_records_that_another_parser_finds(torture: Path) -> None:
    compared = 0
    for path in [path for path in files(torture) if path.suffix in (".xml", ".rels", ".vml")]:
        root = ET.parse(path).getroot()
        for record, count in Counter(element.tag.rpartition("}")[2] for element in root.iter() if element is not root).items():
            found = [element for element in root.iter() if element.tag.rpartition("}")[2] == record]
            if any(inner is not element and inner in found for element in found for inner in element.iter()):
                continue  # one within another
            name = next((f"@{key.rpartition('}')[2]}" for element in found for key in element.attrib), None)
            if name is None:
                continue
            delivery = Drop(path.parent).read([name], path.name, "xml", record=record)
            compared += 1
            assert len(delivery.rows) + len(delivery.unreadable) == count, (path.name, record)
            expected = [value for element in found for key, value in element.attrib.items() if f"@{key.rpartition('}')[2]}" == name]
            assert [row[name] for row in delivery.rows if row[name] not in (None, "")] == [value for value in expected if value]
    assert compared > 40


def test_json_lines_have_the_objects_that_another_parser_finds(torture: Path) -> None:
    [path] = [path for path in files(torture) if path.suffix == ".ndjson"]
    expected = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    delivery = Drop(path.parent).read(list(expected[0]), path.name, "jsonl")
    assert [{name: row[name] for name in expected[0]} for row in delivery.rows] == [
        {name: str(value) for name, value in row.items()} for row in expected
    ]


def spectrum() -> list[str]:
    if not TORTURE.is_dir():
        return []
    with tarfile.open(TORTURE / "csv_spectrum.tar.gz") as archive:
        return sorted({Path(name).stem for name in archive.getnames() if name.endswith(".csv")})


# Its answer has a telephone number that is not in the file.
MISTAKEN = {("location_coordinates", "Contact Phone Number")}


@pytest.mark.parametrize("name", spectrum())
def test_csv_spectrum_has_the_values_it_expects(torture: Path, name: str) -> None:
    [path], [answers] = (list((torture / "csv_spectrum").rglob(f"{name}.{ending}")) for ending in ("csv", "json"))
    answer = json.loads(answers.read_text(encoding="utf-8"))
    expected = answer if isinstance(answer, list) else [answer]
    columns = [column for column in expected[0] if (name, column) not in MISTAKEN]
    delivery = Drop(path.parent).read(list(expected[0]), path.name)
    assert [{column: row[column] for column in columns} for row in delivery.rows] == [
        {column: row[column] for column in columns} for row in expected
    ]
    assert delivery.unreadable == {}


WORKBOOKS: dict[str, list[list[str]]] = {
    "table.xlsx": [["id", "name"], ["1", "english"], ["2", "中国人"]],
    "table.ods": [["id", "name"], ["1", "english"], ["2", "中国人"]],
    "table-with-booleans.ods": [["id", "boolean"], ["1", "true"], ["2", "false"]],
    "table-with-booleans.xls": [["id", "boolean"], ["1", "true"], ["2", "false"]],
    "table-with-ints-floats-dates.xls": [
        ["Int", "Float", "Date"],
        ["2013", "3.3", "2009-08-16"],
        ["1997", "5.6", "2009-09-20"],
        ["1969", "11.7", "2012-08-23"],
    ],
}


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_real_workbook_of_each_kind_has_its_values(torture: Path, name: str) -> None:
    names, *rows = WORKBOOKS[name]
    [path] = (torture / "frictionless_fixtures_a").rglob(name)
    delivery = Drop(path.parent).read(names, name, "xlsx")
    assert [[row[column] for column in names] for row in delivery.rows] == rows


def test_hostile_texts_as_values_come_back_and_are_counted(hub: Hub, tmp_path: Path, naughty: list[str]) -> None:
    with (tmp_path / "n.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["号", "值"], *([str(number), text] for number, text in enumerate(naughty))])
    (tmp_path / "n.jsonl").write_text("".join(json.dumps({"号": str(number), "值": text}) + "\n" for number, text in enumerate(naughty)))
    with sqlite3.connect(tmp_path / "n.db") as connection:
        connection.execute('CREATE TABLE "n""; DROP TABLE x; --" (号 text, 值 text)')
        connection.executemany(
            'INSERT INTO "n""; DROP TABLE x; --" VALUES (?, ?)', [(str(number), text) for number, text in enumerate(naughty)]
        )
    connection.close()
    sources: list[dict[str, Any]] = [
        {"kind": "csv", "connection": "made", "path": "n.csv"},
        {"kind": "jsonl", "connection": "made", "path": "n.jsonl"},
        *({"kind": kind, "connection": "db", "object": '"n""; DROP TABLE x; --"'} for kind in ("sqlite", "sql")),
    ]
    for source in sources:
        batch = run(hub, source, {"值": "organization_name"}, "号")
        assert batch.status == "accepted", batch.error
        assert (batch.read, batch.unreadable) == (len(naughty), 0)
        values = {row["号"]: row["值"] for row in landed(hub, batch)}
        assert [values[str(number)] for number in range(len(naughty))] == naughty, source["kind"]
    assert_ledger_holds(hub)


def test_hostile_texts_as_keys_and_as_names_of_columns(hub: Hub, tmp_path: Path, naughty: list[str]) -> None:
    with (tmp_path / "keys.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["号", "值"], *([text, "公司"] for text in naughty)])
    batch = run(hub, {"kind": "csv", "connection": "made", "path": "keys.csv"}, {"值": "organization_name"}, "号")
    assert batch.landed == len(naughty)
    assert batch.landed == batch.accepted + batch.unchanged + batch.repeated + batch.quarantined
    drop = Drop(tmp_path)
    for text in {text for text in naughty if text.strip()}:
        with (tmp_path / "column.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["序", text], ["1", "公司"]])
        try:
            delivery = drop.read(["序"], "column.csv")
        except SourceError as error:
            assert error.hint, text  # noqa: PT017
            continue
        assert ([row["序"] for row in delivery.rows], len(delivery.columns)) == (["1"], 2), text
    names = {text: str(number) for number, text in enumerate(naughty) if text.strip() and not text.startswith("/")}
    (tmp_path / "column.jsonl").write_text(json.dumps({"序": "1", **names}) + "\n")
    [row] = drop.read(["序"], "column.jsonl", "jsonl").rows
    assert {name: row[name] for name in names} == names
    every = {clean_name(text).lower(): text for text in naughty if clean_name(text) and not {"\n", "\r"} & {*text}}
    every = {name: text for name, text in every.items() if name not in {"号", *RESERVED_NAMES}}
    assert len(every) > 400
    for names in batched_names(list(every.values()), 100):
        with (tmp_path / "wide.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["号", *names], ["1", *map(str, range(len(names)))]])
        batch = run(hub, {"kind": "csv", "connection": "made", "path": "wide.csv"}, {"号": "organization_name"})
        assert batch.status == "accepted", batch.error
        [row] = landed(hub, batch)
        assert [row[clean_name(name)] for name in names] == list(map(str, range(len(names))))
    assert_ledger_holds(hub)


def batched_names(names: list[str], size: int) -> Iterator[list[str]]:
    return (names[place : place + size] for place in range(0, len(names), size))


def test_hostile_names_of_files_are_read_or_refused(tmp_path: Path, naughty: list[str]) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    outside = tmp_path / "outside.csv"
    outside.write_text("号\nOUTSIDE\n")
    drop, read = Drop(folder), 0
    for text in [*naughty, "../outside.csv", "a/../../outside.csv", str(outside)]:
        path = folder / text if text and "/" not in text and text not in (".", "..") and len(text.encode()) < 256 else None
        if path is not None:
            path.write_text("号\n1\n")
        try:
            delivery = drop.read(["号"], text or " ")
        except (SourceError, ValueError) as error:
            assert "OUTSIDE" not in str(error)  # noqa: PT017
        else:
            read += 1
            assert delivery.values("号") == ["1"], text
        if path is not None:
            path.unlink()
    assert read > 300


def test_hostile_ids_make_no_contract(tmp_path: Path, naughty: list[str]) -> None:
    for text in naughty:
        document = contract({"kind": "csv", "connection": "made", "path": "a.csv"}, {"a": "organization_name"}).model_dump(
            mode="json", by_alias=True
        )
        path = tmp_path / "contract.yml"
        path.write_text(json.dumps(document | {"id": text}))
        with pytest.raises(DefinitionError) as error:
            load_contracts([path], load_standards())
        assert any(fault.key == "id" for fault in error.value.faults), text


def test_a_formula_that_has_no_value_is_told_and_nothing_is_evaluated(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows: list[list[str]] = [["号", "式"], ["1", '=HYPERLINK("http://127.0.0.1/","x")'], ["2", "=1+1"]]
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "f.xlsx")
    delivery = Drop(tmp_path).read(["号", "式"], "f.xlsx", "xlsx")
    # Nobody has worked the formulas out, so they have no value; none is worked out here, and none is taken for an empty cell.
    assert delivery.rows == []
    assert {place: why.partition(" has no value")[0] for place, why in delivery.unreadable.items()} == dict.fromkeys(
        (2, 3), "a formula under 式"
    )


def test_a_sheet_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    for cell in ("XFD1048576", "XFD7000", "CV1048576"):
        book = openpyxl.Workbook()
        book.active["A1"], book.active["A2"], book.active[cell] = "号", "1", "x"
        book.save(tmp_path / "sparse.xlsx")
        with pytest.raises(SourceError, match=r"has a sheet of [0-9,]+ rows and [0-9,]+ columns, nearly all of them empty"):
            Drop(tmp_path).read(["号"], "sparse.xlsx", "xlsx")


def test_what_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.files.drop._LEAST_ALLOWED", 1 << 20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 2_000_000, 9))
    with pytest.raises(SourceError, match=r"bomb\.csv\.gz unpacks to more than"):
        Drop(tmp_path).read(["a"], "bomb.csv.gz")
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
        packed.writestr("xl/sharedStrings.xml", b"x" * (300 << 20))
    with pytest.raises(SourceError, match="that is no workbook"):
        Drop(tmp_path).read(["a"], "bomb.xlsx", "xlsx")


def test_json_and_xml_nested_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.jsonl").write_text('{"a":' + "[" * 200_000 + "]" * 200_000 + '}\n{"a":"1"}\n')
    delivery = Drop(tmp_path).read(["a"], "deep.jsonl", "jsonl")
    assert [row["a"] for row in delivery.rows][-1] == "1"
    assert len(delivery.rows) + len(delivery.unreadable) == 2
