"""Looking up one record: what is read of the lake does not grow with the table, nor with the number of batches."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from catalog.files import LakeFile
from core import lake
from core.engine import Engine
from pipeline.state import MOST_LOGS, Sought, fold, outgrown, typed_fields
from tests.factories import Hub

COLUMNS = {"_record_id": "UUID", "_batch_seq": "INTEGER", "_op": "VARCHAR", "said": "VARCHAR"}
COUNTED = Path("/proc/self/io")
WANTED = (UUID(int=7), UUID(int=8))


def log_of(engine: Engine, hub: Hub, rows: int, seq: int = 1, order: Sequence[str] = ("_record_id",)) -> LakeFile:
    """A log with records whose ids lie evenly over all that there are, WANTED among them."""
    fields = {name: number for name, (number, _) in typed_fields(hub.home.catalog, "std_made__up", COLUMNS).items()}
    record_id = f"CASE i WHEN 0 THEN '{WANTED[0]}'::uuid WHEN 1 THEN '{WANTED[1]}' ELSE md5(i::varchar)::uuid END"
    sql = f"SELECT {record_id} AS _record_id, {seq} AS _batch_seq, 'insert' AS _op, sha256(i::varchar) AS said FROM range({rows}) r(i)"
    written = lake.write(engine, hub.settings, sql, f"std_made__up/log-{rows:08d}-{seq:04d}.parquet", fields, order)
    return LakeFile(written.path, "std_made__up", "log", seq, written.rows)


def bytes_read(hub: Hub, files: list[LakeFile]) -> int:
    with Engine(hub.settings, threads=1) as engine:
        sql = fold(hub.home, "std_made__up", COLUMNS, files, "_record_id", "_batch_seq", Sought(engine, WANTED))
        before = _counted()
        assert engine.rows(f"SELECT _record_id FROM {sql} WHERE said IS NOT NULL ORDER BY 1") == [(name,) for name in WANTED]
        return _counted() - before


def _counted() -> int:
    return int(COUNTED.read_text().split()[1])


@pytest.mark.skipif(not COUNTED.exists(), reason="the system does not count what a process reads")
def test_one_record_of_many_costs_no_more_to_read_than_one_of_few(hub: Hub) -> None:
    with Engine(hub.settings) as engine:
        few, many, later = log_of(engine, hub, 130_000), log_of(engine, hub, 780_000), log_of(engine, hub, 10, seq=2)
    read_few, read_many = (bytes_read(hub, [files, later]) for files in (few, many))
    assert (hub.settings.lake_dir / many.path).stat().st_size > 5 * read_many
    assert read_many < 1.2 * read_few


NUMBERS = "SELECT md5(i::varchar)::uuid AS _record_id, i FROM range(2, 400_000) r(i)"
NOBODY = UUID(int=9)
# Which are sought, as a query of NUMBERS, and whether they are looked up one by one.
QUERIES = {
    "few": ("i % 30_000 = 5", True),
    "few, some of them nowhere": ("i > 259_900 AND i < 260_020", True),
    "none": ("false", True),
    "nowhere": ("i > 399_990", True),
    "many": ("i % 100 = 0", False),
}


@pytest.mark.parametrize("order", [("_record_id",), ()], ids=["ordered", "as they came"])
def test_what_is_looked_up_is_what_a_reading_of_all_finds(hub: Hub, order: Sequence[str]) -> None:
    with Engine(hub.settings) as engine:
        engine.run(f"CREATE TABLE numbers AS {NUMBERS}")
        files = [log_of(engine, hub, 260_000, order=order), log_of(engine, hub, 20_000, seq=2, order=order)]

        def found(only: Sought | None, where: str) -> list[tuple[object, ...]]:
            rows = fold(hub.home, "std_made__up", COLUMNS, files, "_record_id", "_batch_seq", only)
            return engine.rows(f"SELECT _record_id, _batch_seq, said FROM {rows} WHERE {where} ORDER BY ALL")

        for name, (condition, is_few) in QUERIES.items():
            query = f"SELECT _record_id FROM numbers WHERE {condition} UNION ALL SELECT NULL::uuid"
            sought = Sought(engine, query)
            assert (sought.few is not None) == is_few, name
            assert found(sought, "true") == found(None, f"_record_id IN (SELECT _record_id FROM numbers WHERE {condition})"), name
        given = [*WANTED, WANTED[0], NOBODY]
        assert [row[:2] for row in found(Sought(engine, given), "true")] == [(key, 2) for key in WANTED]


@pytest.mark.parametrize("logs", [1, 2, 3])
def test_a_condition_is_asked_of_what_a_record_is_now(hub: Hub, logs: int) -> None:
    """`said` is another text in each log, so an older row may fulfil what the newest one does not."""
    with Engine(hub.settings) as engine:
        fields = {name: number for name, (number, _) in typed_fields(hub.home.catalog, "std_made__up", COLUMNS).items()}
        files = []
        for seq in range(1, logs + 1):
            sql = (
                f"SELECT md5((i * {seq})::varchar)::uuid AS _record_id, {seq} AS _batch_seq, "
                f"CASE WHEN {seq} > 1 AND i % 7 = 0 THEN 'delete' ELSE 'insert' END AS _op, "
                f"CASE WHEN _op <> 'delete' THEN md5({seq} || ':' || i) END AS said FROM range({600 // seq}) r(i)"
            )
            written = lake.write(engine, hub.settings, sql, f"std_made__up/log-{seq:08d}.parquet", fields, ["_record_id"])
            files.append(LakeFile(written.path, "std_made__up", "log", seq, written.rows))
        for condition in ("said < '5'", "said IN (SELECT md5('1:' || i) FROM range(40) r(i))", "_batch_seq = 1", "false"):
            folded, asked = (
                fold(hub.home, "std_made__up", COLUMNS, files, "_record_id", "_batch_seq", where=where) for where in ("true", condition)
            )
            expected = engine.rows(f"SELECT _record_id, said FROM {folded} WHERE {condition} ORDER BY ALL")
            assert engine.rows(f"SELECT _record_id, said FROM {asked} ORDER BY ALL") == expected
            assert bool(expected) == (condition != "false")


def test_no_look_up_opens_more_than_some_files_however_many_batches_there_were() -> None:
    files = [LakeFile("log-1", "std_made__up", "log", 1, 1_000_000)]
    compacted = 0
    for seq in range(2, 500):
        log = LakeFile(f"log-{seq}", "std_made__up", "log", seq, seq % 3)
        is_compacted = outgrown(files, log)
        files.append(log)
        if is_compacted:
            files.append(LakeFile(f"compact-{seq}", "std_made__up", "compact", seq, 1_000_000))
            compacted += 1
        newest = max((file.seq for file in files if file.kind == "compact"), default=1)
        assert sum(file.seq > newest and file.rows > 0 for file in files) <= MOST_LOGS
    assert 1 <= compacted <= 500 / MOST_LOGS
