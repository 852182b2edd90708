"""What a source says of its rows is held against what was read of it: then, so that nothing gets lost on the way, and later."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from connectors.extraction import Extraction
from core.errors import SourceError
from core.signing import load_signer
from exchange.verify_receipt import check
from pipeline.accept import accept
from pipeline.delivery.completeness import in_words
from pipeline.land import land
from pipeline.landing import read_manifest
from pipeline.receipts import _told_in_words, compare_source, receipt_of
from tests.factories import Hub, person
from tests.pipeline.receipted import MANY, Filled, filled
from tests.pipeline.sources import People, connect, patient, sync, tracked

__all__ = ["filled"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")


def test_a_source_that_went_on_is_told_by_partition(filled: Filled) -> None:
    batch = filled.sync()
    home = filled.hub.home
    assert compare_source(home, batch) == (f"the same {MANY} rows with the same digests", False)
    filled.people.put(7, 999)
    words, differs = compare_source(home, batch)
    part = hashlib.sha256(person(7)["SFZH"].encode()).hexdigest()[:2]
    assert differs
    assert words.startswith(f"the source now has {MANY} rows, {MANY} landed; partitions that differ: {part} (")
    assert "other content" in words
    filled.people.remove(7)
    words, differs = compare_source(home, batch)
    assert f"the source now has {MANY - 1} rows, {MANY} landed; partitions that differ: {part} (landed " in words
    filled.people.path.unlink()
    assert compare_source(home, batch)[0].startswith("not compared: ")


def test_what_got_lost_on_the_way_stops_the_batch(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import land as landing

    def losing(*arguments: Any, **options: Any) -> Extraction:
        from connectors.extract import extract

        extraction = extract(*arguments, **options)
        whole = extraction.batches
        extraction.batches = (batch.slice(1) for batch in whole)
        return extraction

    monkeypatch.setattr(landing, "extract", losing)
    with pytest.raises(
        SourceError, match=r"the source says 420 rows, 419 were read, and they are not the same \(partitions that differ: "
    ) as raised:
        land(filled.document["id"], filled.hub.home)
    assert raised.value.transient
    monkeypatch.undo()
    failed = filled.hub.batch(f"{filled.document['id']}@1")
    assert failed.status == "failed"
    assert read_manifest(filled.hub.settings, failed) is None


def test_a_changed_value_stops_the_batch_as_well(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import land as landing

    def changing(*arguments: Any, **options: Any) -> Extraction:
        from connectors.extract import extract

        extraction = extract(*arguments, **options)

        def batches(whole: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in whole:
                place = batch.schema.get_field_index("XM")
                names = [None, *batch.column(place).to_pylist()[1:]]
                yield batch.set_column(place, batch.schema.field(place), pa.array(names, pa.string()))

        extraction.batches = batches(extraction.batches)
        return extraction

    monkeypatch.setattr(landing, "extract", changing)
    with pytest.raises(SourceError, match=r"420 rows, 420 were read, .* \(\d+ rows?, other content\)"):
        land(filled.document["id"], filled.hub.home)


def test_a_part_is_compared_with_the_same_part_of_the_source(hub: Hub, tmp_path: Path) -> None:
    people = People(tmp_path)
    document = tracked("sqlite", "cursor")
    hub.register(document)
    connect(hub, patients=people.url)
    for number in range(5):
        people.put(number, number)
    sync(hub, document)
    people.put(1, 77)
    batch = sync(hub, document)
    receipt = receipt_of(hub.home, batch.batch_id)["receipt"]
    assert (batch.scope, receipt["batch"]["scope"]) == ("part", "part")
    assert (receipt["source"]["verdict"], receipt["source"]["rows"]) == ("equal", batch.landed)
    assert compare_source(hub.home, batch)[0].startswith("not compared: the batch holds only what was new")


def test_a_gate_that_stopped_and_a_source_in_postgresql(hub: Hub, postgresql_server: str) -> None:
    """The whole way from another engine: claims of PostgreSQL are in the receipt, with what cannot be compared."""
    import psycopg

    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS patient")
        connection.execute("CREATE TABLE patient (SFZH text, XM text, DH text, GXSJ date, BB double precision)")
        for number in range(130):
            row = patient(number, number)
            connection.execute("INSERT INTO patient VALUES (%s, %s, %s, %s, 0.1)", [row[name] for name in ("SFZH", "XM", "DH", "GXSJ")])
    lower = {"sfzh": "resident_id", "xm": "person_name", "dh": "phone_number"}
    document = tracked("postgresql", "snapshot", columns=lower, record_key=["sfzh"], as_of="bb")
    document = {**document, "as_of": {"column": "gxsj"}, "columns": {**lower, "bb": "residence_address"}}
    hub.register(document)
    connect(hub, patients=postgresql_server)
    batch_id = land(document["id"], hub.home)
    batch = accept(batch_id, hub.home)
    signed = receipt_of(hub.home, batch.batch_id)
    source = signed["receipt"]["source"]
    assert source["engine"].startswith("PostgreSQL ")
    assert (source["verdict"], source["rows"]) == ("equal in part", 130)
    assert [item["column"] for item in source["not_comparable"]] == ["bb"]
    assert "bb" not in source["columns"]
    assert check(signed, load_signer(hub.settings).public_key) == []
    assert compare_source(hub.home, batch) == ("the same 130 rows with the same digests; not comparable: bb", False)


def test_what_is_told_of_many_rows_has_thousands_apart() -> None:
    parts = {"ab": (1200, 5)}
    claim: Any = SimpleNamespace(parts=parts, rows=1200, plan=SimpleNamespace(excluded={}), reason="")
    assert _told_in_words({"rows": 1201, "digest": ""}, claim)[0].startswith("the source now has 1,200 rows, it had 1,201, and")
    assert in_words(parts, {"ab": (1199, 5)}, ("landed", "source")) == "partitions that differ: ab (landed 1,200, source 1,199 rows)"
