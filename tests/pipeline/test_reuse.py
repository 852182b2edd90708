"""A base table as others read it: as an Iceberg table, by pyiceberg, DuckDB's own reader and Spark, and as an exported file."""

import json
import stat
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.databases.scanner import scanner_engine
from core.engine import literal
from core.errors import RequestError
from exchange.audit import Selection, entries
from pipeline.publication.export import MANIFEST, Export, export
from registries.definition import get_definition
from registries.feed import read_changes
from registries.further_values import COLUMN, masked_document
from registries.publications import latest
from standards.loader import load_standards
from standards.masked import is_personal, masked_value
from tests.factories import PATIENTS, RESIDENTS, Hub, hub_in, person

pytestmark = [pytest.mark.usefixtures("great_expectations"), pytest.mark.slow]
SCHEMA = load_standards().schemas["population"]
ELEMENTS = {element.id: element for element in SCHEMA.elements}
# What a reader of the log of changes asks for the table as of a publication; README has it.
CURRENT = (
    "SELECT * FROM {log} WHERE _publication <= {number} QUALIFY row_number() OVER (PARTITION BY _canonical_id ORDER BY _publication DESC) = 1 "
    "AND _op <> 'delete'"
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """Two departments on two days: people come, change and go. Its folder has a name as folders have them."""
    with pytest.MonkeyPatch.context() as patch:
        from pipeline.validate import count_issues

        patch.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        hub = hub_in(tmp_path_factory.mktemp("reuse") / "家 庭's +@~,")
        hub.register(RESIDENTS, PATIENTS)
        for rows in (range(12), range(2, 14)):
            hub.sync(RESIDENTS, [person(n) for n in rows])
            hub.sync(PATIENTS, [person(n, DH=f"137{n + rows.start:08}") for n in rows])
            hub.publish("population")
    return hub


def served(hub: Hub, number: int) -> dict[str, dict[str, str]]:
    """The published table by the serving database: canonical id → element → value as text."""
    rows = hub.served(f"base_population_versions WHERE _publication_from <= {number} AND coalesce(_publication_to, 99) > {number}")
    return {row["_canonical_id"]: {name: str(row[name]) for name in (*ELEMENTS, COLUMN) if row[name] is not None} for row in rows}


def told(rows: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    return {str(row["_canonical_id"]): {name: str(row[name]) for name in (*ELEMENTS, COLUMN) if row.get(name) is not None} for row in rows}


def fetched(engine: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = engine.execute(sql)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def iceberg(hub: Hub) -> Iterator[Any]:
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("hub", uri=hub.settings.lake_url, warehouse=hub.settings.lake_warehouse)
    yield catalog.load_table("base.base_population")
    catalog.close()


def test_the_table_says_which_publication_and_standard_it_is(hub: Hub, iceberg: Any) -> None:
    published = latest(hub.home.serving, "population")
    said = {"hub.registry": "population", "hub.publication": "2", "hub.standard-version": published.standard_version}
    assert said.items() <= iceberg.properties.items()
    assert [snapshot.summary.additional_properties["hub.publication"] for snapshot in iceberg.snapshots()] == ["1", "2"]


def test_pyiceberg_reads_the_published_table_as_of_each_publication(hub: Hub, iceberg: Any) -> None:
    log = iceberg.scan().to_arrow()
    first = iceberg.scan(snapshot_id=iceberg.snapshots()[0].snapshot_id).to_arrow()
    with duckdb.connect() as engine:
        engine.register("log", log)
        engine.register("first", first)
        for number, name in ((1, "log"), (1, "first"), (2, "log")):
            assert told(fetched(engine, CURRENT.format(log=name, number=number))) == served(hub, number)


@pytest.mark.parametrize("way", ["metadata", "folder"])
def test_duckdb_reads_it_with_its_own_reader_by_the_path_alone(hub: Hub, iceberg: Any, way: str) -> None:
    metadata = Path(iceberg.metadata_location.removeprefix("file://"))
    place = metadata if way == "metadata" else metadata.parent.parent
    with scanner_engine("avro", "iceberg") as engine:
        for number in (1, 2):
            rows = fetched(engine, CURRENT.format(log=f"iceberg_scan({literal(str(place))})", number=number))
            assert len(rows) == 12
            assert told(rows) == served(hub, number)


@pytest.mark.long
def test_spark_reads_it(hub: Hub, iceberg: Any) -> None:
    pyspark = pytest.importorskip("pyspark", reason="no Spark: pyspark is not installed")
    jars = sorted(Path(pyspark.__file__).parent.glob("jars/iceberg-spark-runtime-*.jar"))
    if not jars:
        pytest.skip("Spark's Iceberg runtime is not installed: put iceberg-spark-runtime-*.jar into pyspark's folder jars")
    from pyspark.sql import SparkSession

    with SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate() as spark:
        place = Path(iceberg.metadata_location.removeprefix("file://")).parent.parent
        assert spark.read.format("iceberg").load(str(place)).count() == iceberg.scan().count()


def exported(hub: Hub, folder: Path, **asked: Any) -> tuple[Export, dict[str, Any]]:
    done = export(hub.home, "population", folder, **asked)
    manifest = json.loads((folder / MANIFEST).read_text())
    return done, manifest


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("number", [1, 2])
def test_an_export_is_the_published_table(hub: Hub, tmp_path: Path, form: str, number: int) -> None:
    done, manifest = exported(hub, tmp_path / "out", form=form, known_at=number, purpose="test of the export")
    file = tmp_path / "out" / manifest["file"]
    with duckdb.connect() as engine:
        assert told(fetched(engine, f"SELECT * FROM read_{form}('{file}'{', all_varchar = true' if form == 'csv' else ''})")) == served(
            hub, number
        )
        if form == "parquet":
            said = dict(engine.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{file}')").fetchall())
            assert said | {"registry": "population", "publication": str(number), "standard_version": manifest["standard_version"]} == said
    assert (manifest["publication"], manifest["rows"], manifest["sha256"]) == (number, 12, sha256(file.read_bytes()).hexdigest())
    assert manifest["standard_version"] == load_standards().version
    assert [column["name"] for column in manifest["columns"]][4:] == [*ELEMENTS, COLUMN]
    assert manifest == json.loads(json.dumps(asdict(done), default=lambda at: f"{at.isoformat()}Z"))


def test_an_export_is_its_owners_alone_and_in_the_audit_log(hub: Hub, tmp_path: Path) -> None:
    exported(hub, tmp_path / "out", purpose="a form that asks nothing twice")
    for path in (tmp_path / "out", *(tmp_path / "out").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    entry = entries(hub.home.audit, Selection(), limit=1)[0]
    assert (entry["actor"], entry["action"], entry["subject"], entry["purpose"]) == (
        *("test", "export", "population#publication-2"),
        "a form that asks nothing twice",
    )


def masked(name: str, value: str) -> str | None:
    return as_text(masked_document(json.loads(value), ELEMENTS)) if name == COLUMN else masked_value(value, ELEMENTS[name])


def as_text(value: Any) -> str:
    """As it stands in a file: the list of further values is a text there."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, list) else str(value)


def test_without_a_purpose_the_values_of_persons_are_masked(hub: Hub, tmp_path: Path) -> None:
    done, _ = exported(hub, tmp_path / "out")
    assert {column.name for column in done.columns if column.masked} == {
        COLUMN,
        *(name for name, item in ELEMENTS.items() if is_personal(item)),
    }
    with duckdb.connect() as engine:
        rows = told(fetched(engine, f"SELECT * FROM read_parquet('{tmp_path}/out/{done.file}')"))
    expected = served(hub, 2)
    assert rows == {key: {name: masked(name, value) for name, value in row.items()} for key, row in expected.items()}
    assert entries(hub.home.audit, Selection(), limit=1)[0]["action"] == "export-masked"


def test_an_export_of_then_has_the_columns_of_then_and_the_masks_of_both(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since then the standard has lost the sex, and reads something internal, or the names, in another way."""
    installed, of_today = load_standards(), dict(load_standards().elements)
    del of_today["sex_code"]
    of_today["household_authority_code"] = of_today["household_authority_code"].model_copy(update={"classification": "personal"})
    of_today["person_name"] = of_today["person_name"].model_copy(update={"classification": "internal"})
    monkeypatch.setattr("pipeline.publication.export.load_standards", lambda: installed.model_copy(update={"elements": of_today}))
    done, manifest = exported(hub, tmp_path / "full", purpose="test of the export")
    with duckdb.connect() as engine:
        found = told(fetched(engine, f"SELECT * FROM read_parquet('{tmp_path / 'full' / manifest['file']}')"))
    assert found == served(hub, done.publication)
    assert {row["sex_code"] for row in found.values()} == {"1", "2"}
    done, _ = exported(hub, tmp_path / "masked")
    personal = {name for name, element in ELEMENTS.items() if is_personal(element)}
    assert {column.name for column in done.columns if column.masked} == {*personal, "household_authority_code", COLUMN}


def test_who_has_loaded_an_export_follows_the_feed_from_there(hub: Hub, tmp_path: Path) -> None:
    done, manifest = exported(hub, tmp_path / "out", known_at=1, purpose="test of the export")
    with duckdb.connect() as engine:
        copy = told(fetched(engine, f"SELECT * FROM read_parquet('{tmp_path}/out/{done.file}')"))
    page = read_changes(hub.home.serving, get_definition("population"), SCHEMA, manifest["resume_after"], 1000)
    assert (page.last, len(page.events)) == (page.newest, page.newest - manifest["resume_after"])
    for event in page.events:
        if event.event == "delete":
            del copy[event.canonical_id]
        else:
            row = copy.get(event.canonical_id, {}) if event.event == "update" else {}
            merged = row | dict(event.values or {})
            copy[event.canonical_id] = {name: as_text(value) for name, value in merged.items() if value is not None}
    assert copy == served(hub, 2)


def test_what_cannot_be_exported_says_why_and_leaves_nothing(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    written_down = len(entries(hub.home.audit, Selection()))
    for asked, word in (
        ({"folder": tmp_path / "there"}, "exists already"),
        ({"folder": tmp_path / "no" / "parent"}, "No such file"),
        ({"folder": tmp_path / "out", "form": "xml"}, "no form of an export"),
        ({"folder": tmp_path / "out", "known_at": 7}, "no publication 7"),
    ):
        with pytest.raises(RequestError, match=word):
            export(hub.home, "population", **asked)
    with pytest.raises(RequestError, match="not been published"):
        export(hub.home, "credit", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert len(entries(hub.home.audit, Selection())) == written_down, "what nobody was given is not in the audit log"
