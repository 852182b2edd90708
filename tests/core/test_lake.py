"""The lake's files: written whole, read by field id, and removed where no row names them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import lake
from core.engine import Engine, EngineError, parquet
from core.errors import HubError, LeaseHeld
from tests.factories import Hub

FIELDS = {"_record_id": (1, "VARCHAR"), "first": (100, "VARCHAR"), "second": (101, "VARCHAR")}
IDS = {name: number for name, (number, _) in FIELDS.items()}


@pytest.fixture
def engine(hub: Hub) -> Iterator[Engine]:
    _ = hub.home
    with Engine(hub.settings) as engine:
        yield engine


def rows(number: int) -> str:
    return f"SELECT i::varchar AS _record_id, 'f' || i AS first, 's' || i AS second FROM range({number}) r(i) ORDER BY i DESC"


def test_a_file_is_ordered_complete_and_alone(engine: Engine, hub: Hub) -> None:
    written = lake.write(engine, hub.settings, rows(5), "t/log-1.parquet", IDS, ["_record_id"])
    assert (written.path, written.rows) == ("t/log-1.parquet", 5)
    assert [path.name for path in (hub.settings.lake_dir / "t").iterdir()] == ["log-1.parquet"]
    found = engine.rows(f"SELECT _record_id FROM {lake.source(hub.settings, [written.path], FIELDS, 2)}")
    assert found == [(str(number),) for number in range(5)]


def test_a_file_alone_is_read_beside_one_without_rows(engine: Engine, hub: Hub) -> None:
    """That lets several threads read it: rows, their order and their numbers stay those of the file."""
    many = lake.MANY_ROWS + 5
    written = lake.write(
        engine,
        hub.settings,
        f"SELECT i::varchar AS _record_id, 'f' AS first, NULL AS second FROM range({many}) r(i)",
        "t/1.parquet",
        IDS,
        [],
    )
    assert engine.row(f"SELECT count(*), count(COLUMNS(*)) FROM {parquet([lake.NOTHING])}")[0] == 0
    read = lake.source(hub.settings, [written.path], FIELDS, written.rows)
    assert str(lake.NOTHING) in read
    assert engine.row(f"SELECT count(*), count(DISTINCT _record_id), count(second) FROM {read}") == (many, many, 0)
    assert engine.rows(f"SELECT _record_id FROM {read} LIMIT 3") == [("0",), ("1",), ("2",)]
    numbered = lake.source(hub.settings, [written.path], FIELDS, written.rows, numbered=True)
    assert engine.row(f"SELECT count(*), bool_and(_record_id = file_row_number::varchar) FROM {numbered}") == (many, True)
    assert str(lake.NOTHING) not in lake.source(hub.settings, [written.path], FIELDS, lake.MANY_ROWS)


def test_a_column_without_a_field_id_is_refused(engine: Engine, hub: Hub) -> None:
    with pytest.raises(EngineError):
        lake.write(engine, hub.settings, rows(1), "t/a.parquet", IDS | {"third": 102}, ["_record_id"])


def test_columns_are_known_by_field_id_not_by_name_or_place(engine: Engine, hub: Hub) -> None:
    lake.write(engine, hub.settings, rows(1), "t/1.parquet", IDS, ["_record_id"])
    # A later standard has the two names the other way round, and one more element.
    swapped = {"_record_id": (1, "VARCHAR"), "second": (100, "VARCHAR"), "first": (101, "VARCHAR"), "third": (102, "DATE")}
    assert engine.records(f"SELECT * FROM {lake.source(hub.settings, ['t/1.parquet'], swapped, 1)}") == [
        {"_record_id": "0", "second": "f0", "first": "s0", "third": None}
    ]


def test_a_file_without_field_ids_is_never_taken_for_data(engine: Engine, hub: Hub) -> None:
    path = hub.settings.lake_dir / "t" / "plain.parquet"
    path.parent.mkdir()
    engine.run(f"COPY ({rows(3)}) TO '{path}' (FORMAT parquet)")
    try:
        found = engine.rows(f"SELECT first, second FROM {lake.source(hub.settings, ['t/plain.parquet'], FIELDS, 1)}")
    except HubError:
        return
    assert {value for row in found for value in row} == {None}


def test_no_files_are_no_rows_with_all_columns(engine: Engine, hub: Hub) -> None:
    assert engine.arrow(f"SELECT * FROM {lake.source(hub.settings, [], FIELDS, 0)}").schema.names == list(FIELDS)


def test_a_name_that_another_has_written_meanwhile_is_not_taken_from_it(engine: Engine, hub: Hub) -> None:
    lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    with pytest.raises(LeaseHeld):
        lake.write(engine, hub.settings, rows(5), "t/1.parquet", IDS, ["_record_id"])
    assert engine.value(f"SELECT count(*) FROM {lake.source(hub.settings, ['t/1.parquet'], FIELDS, 2)}") == 2
    assert [path.name for path in (hub.settings.lake_dir / "t").iterdir()] == ["1.parquet"]


def test_leftovers_go_and_what_is_listed_stays(engine: Engine, hub: Hub) -> None:
    lake.write(engine, hub.settings, rows(1), "t/1.parquet", IDS, ["_record_id"])
    (hub.settings.lake_dir / "t" / ".2.parquet.123").write_bytes(b"draft")
    (hub.settings.lake_dir / "t" / "2.parquet").write_bytes(b"never named")
    gone = lake.remove_leftovers(hub.settings.lake_dir / "t", lambda: {"t/1.parquet"}, hub.settings.lake_dir)
    assert gone == ["t/.2.parquet.123", "t/2.parquet"]
    assert [path.name for path in Path(hub.settings.lake_dir / "t").iterdir()] == ["1.parquet"]


def test_what_came_into_the_place_of_a_leftover_meanwhile_is_another_s(engine: Engine, hub: Hub) -> None:
    folder = hub.settings.lake_dir / "t"
    lake.write(engine, hub.settings, rows(1), "t/1.parquet", IDS, ["_record_id"])
    lake.write(engine, hub.settings, rows(1), "t/2.parquet", IDS, ["_record_id"])

    def taken_over() -> set[str]:
        (folder / "1.parquet").unlink()
        lake.write(engine, hub.settings, rows(3), "t/1.parquet", IDS, ["_record_id"])
        return set()

    assert lake.remove_leftovers(folder, taken_over, hub.settings.lake_dir) == ["t/2.parquet"]
    assert [path.name for path in folder.iterdir()] == ["1.parquet"]


def test_a_folder_that_is_not_there_has_no_leftovers(hub: Hub) -> None:
    assert lake.remove_leftovers(hub.settings.lake_dir / "none", set, hub.settings.lake_dir) == []
