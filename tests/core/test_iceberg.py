"""The Iceberg tables that follow the lake's files."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import iceberg, lake
from core.clock import now
from core.database import driver_url, open_database, writing
from core.engine import Engine
from core.errors import StoreError
from core.settings import FILES
from tests.core.test_lake import FIELDS, IDS, engine, rows
from tests.factories import Hub, hub_in

__all__ = ["engine"]


def iceberg_rows(hub: Hub, name: str) -> list[dict[str, object]]:
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
    found = catalog.load_table(name).scan().to_arrow().to_pylist()
    catalog.close()
    return list(found)


def test_iceberg_follows_once_and_says_what_the_files_say(engine: Engine, hub: Hub) -> None:
    for seq in (1, 2):
        lake.write(engine, hub.settings, rows(seq * 3), f"t/log-{seq}.parquet", IDS, ["_record_id"])
    files = [(1, "t/log-1.parquet"), (2, "t/log-2.parquet")]
    iceberg.follow(hub.settings, "std.t", FIELDS, files[:1])
    for _ in range(2):
        iceberg.follow(hub.settings, "std.t", FIELDS, files)
    found = iceberg_rows(hub, "std.t")
    assert len(found) == 9
    assert sorted(map(str, found)) == sorted(
        map(str, engine.records(f"SELECT * FROM {lake.source(hub.settings, [path for _, path in files], FIELDS, 2)}"))
    )


def test_two_that_make_the_first_tables_at_once_do_not_stop_each_other(engine: Engine, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    for name in ("t", "u"):
        lake.write(engine, hub.settings, rows(2), f"{name}/1.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    looked, look = [], SqlCatalog.namespace_exists

    def too_early(catalog: SqlCatalog, namespace: str) -> bool:
        """The first look is before the other process is done."""
        looked.append(namespace)
        return len(looked) > 1 and bool(look(catalog, namespace))

    monkeypatch.setattr(SqlCatalog, "namespace_exists", too_early)
    iceberg.follow(hub.settings, "std.u", FIELDS, [(1, "u/1.parquet")])
    assert looked[0] == "std"
    assert len(looked) > 1
    assert len(iceberg_rows(hub, "std.u")) == 2


def metadata_of(hub: Hub, name: str = "t") -> dict[str, bytes]:
    folder = Path(hub.settings.lake_warehouse.removeprefix(FILES)) / "std" / name
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_following_again_makes_no_file(engine: Engine, hub: Hub) -> None:
    lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    before = metadata_of(hub)
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert metadata_of(hub) == before


def test_a_table_that_another_makes_at_the_same_moment_is_taken_as_it_is(engine: Engine, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for seq in (1, 2):
        lake.write(engine, hub.settings, rows(2), f"t/{seq}.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    monkeypatch.setattr("core.iceberg._listed_at", lambda *_: None)  # the other process is not done when this one looks
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet"), (2, "t/2.parquet")])
    monkeypatch.undo()
    assert len(iceberg_rows(hub, "std.t")) == 4


def elsewhere(hub: Hub, folder: Path, *, moved: bool, **variables: str) -> Hub:
    """The same installation in another folder, moved there or copied."""
    (shutil.move if moved else shutil.copytree)(hub.settings.home, folder)
    return hub_in(folder, **variables)


def is_left_alone(before: dict[str, bytes], there: dict[str, bytes], *, shared: bool) -> bool:
    """Whether a table is as it was. In a folder that both have, the hint tells of whoever wrote last, and the other's files lie beside it."""
    own = {path: content for path, content in before.items() if not path.endswith(iceberg.HINT)}
    return own.items() <= there.items() if shared else before == there


@pytest.mark.parametrize("moved", [False, True], ids=["copied", "moved"])
@pytest.mark.parametrize("apart", [False, True], ids=["in the home", "in a folder of its own"])
def test_a_table_that_lies_elsewhere_is_made_anew_here_and_left_alone_there(tmp_path: Path, moved: bool, apart: bool) -> None:
    variables = {"lake_warehouse": f"file://{tmp_path}/warehouse/"} if apart else {}
    hub = hub_in(tmp_path / "first", **variables)
    _ = hub.home
    with Engine(hub.settings) as engine:
        for seq in (1, 2, 3):
            lake.write(engine, hub.settings, rows(seq), f"t/{seq}.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet"), (2, "t/2.parquet")])
    other, before = elsewhere(hub, tmp_path / "second", moved=moved, **variables), metadata_of(hub)
    # Neither is a matter of the other's files: what is not here is made of what is listed when it follows.
    assert iceberg.old_metadata(other.settings, now(), -1.0) == []
    iceberg.replace(other.settings, "std.t", ["t/1.parquet"], (2, "t/2.parquet"))
    assert metadata_of(hub) == before
    assert bool(before) is (apart or not moved)
    for _ in range(2):
        iceberg.follow(other.settings, "std.t", FIELDS, [(seq, f"t/{seq}.parquet") for seq in (1, 2, 3)])
    assert len(iceberg_rows(other, "std.t")) == 6
    assert is_left_alone(before, metadata_of(hub), shared=apart)
    if not moved:
        assert len(iceberg_rows(hub, "std.t")) == 3
    iceberg.old_metadata(other.settings, now(), -1.0)
    assert len(iceberg_rows(other, "std.t")) == 6


@pytest.mark.parametrize("apart", [False, True], ids=["in the home", "in a folder of both"])
def test_a_table_of_another_installation_is_not_taken_from_it(tmp_path: Path, apart: bool) -> None:
    """Both were told one HUB_LAKE_URL."""
    variables = {"lake_url": f"sqlite:///{tmp_path}/iceberg.db"} | ({"lake_warehouse": f"file://{tmp_path}/warehouse"} if apart else {})
    first, second = (hub_in(tmp_path / name, **variables) for name in ("first", "second"))
    for hub, count in ((first, 2), (second, 3)):
        _ = hub.home
        with Engine(hub.settings) as engine:
            lake.write(engine, hub.settings, rows(count), "t/1.parquet", IDS, ["_record_id"])
    iceberg.follow(first.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    before = metadata_of(first)
    with pytest.raises(StoreError, match=r"has the table std.t of another installation, whose files lie in file://.*/first/"):
        iceberg.follow(second.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert metadata_of(first) == before
    assert len(iceberg_rows(first, "std.t")) == 2


def test_what_another_table_says_need_not_be_readable(tmp_path: Path) -> None:
    """The original of a copy may be damaged, or another user's: only where its metadata was gone, was the table made anew."""
    shared = f"sqlite:///{tmp_path}/iceberg.db"
    first, second = (hub_in(tmp_path / name, lake_url=shared) for name in ("first", "second"))
    for hub in (first, second):
        _ = hub.home
        with Engine(hub.settings) as engine:
            lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    iceberg.follow(first.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    for file in map(Path, metadata_of(first)):
        file.write_bytes(b"{}")
    iceberg.follow(second.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert len(iceberg_rows(second, "std.t")) == 2


def test_a_damaged_catalog_says_what_to_do(engine: Engine, hub: Hub) -> None:
    lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    database = hub.settings.home / "lake.db"
    database.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="is damaged") as raised:
        iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert "take lake.db away" in str(raised.value.hint)
    database.unlink()
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert len(iceberg_rows(hub, "std.t")) == 2


@pytest.mark.long
def test_on_a_server_no_file_can_be_taken_away(tmp_path: Path, new_databases: Callable[[], dict[str, str]]) -> None:
    hub = hub_in(tmp_path / "home", lake_url=new_databases()["lake_url"])
    _ = hub.home
    with Engine(hub.settings) as engine:
        lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    for path in (hub.settings.lake_dir / "std").rglob("*.json"):
        path.unlink()
    with pytest.raises(StoreError, match="its metadata is gone") as raised:
        iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert "empty the table iceberg_tables" in str(raised.value.hint)
    with writing(open_database(hub.settings.lake_url)) as connection:
        connection.execute(sa.text("DELETE FROM iceberg_tables"))
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    assert len(iceberg_rows(hub, "std.t")) == 2


def test_files_without_rows_go_too_when_one_stands_for_them(engine: Engine, hub: Hub) -> None:
    """A batch in which nothing changed is a log without rows."""
    for seq in (1, 2, 3):
        lake.write(engine, hub.settings, rows(seq % 2), f"t/{seq}.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet"), (2, "t/2.parquet")])
    iceberg.replace(hub.settings, "std.t", ["t/1.parquet", "t/2.parquet"], (2, "t/3.parquet"))
    assert named_in_iceberg(hub, "std.t") == {"3.parquet"}


def named_in_iceberg(hub: Hub, name: str) -> set[str]:
    """Every data file that the present manifests of a table name, whether or not a scan would read it."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
    table = catalog.load_table(name)
    files = {Path(path).name for path in table.inspect.files()["file_path"].to_pylist()}
    catalog.close()
    return files


@pytest.mark.parametrize("followed", [1, 2, 3])
def test_what_stands_for_others_is_held_also_where_none_of_them_was(engine: Engine, hub: Hub, followed: int) -> None:
    """Of 1 to 3 a state takes the place, and the table trails behind them."""
    files = [(seq, f"t/{seq}.parquet") for seq in (1, 2, 3, 4)]
    for seq, path in files:
        sql = f"SELECT '{seq}' AS _record_id, 'f{seq}' AS first, NULL::VARCHAR AS second"
        lake.write(engine, hub.settings, sql, path, IDS, ["_record_id"])
    sql = "SELECT i::varchar AS _record_id, 'f' || i AS first, NULL::VARCHAR AS second FROM range(1, 4) r(i)"
    lake.write(engine, hub.settings, sql, "t/state.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, files[:followed])
    gone = [path for _, path in files[:3]]
    for going in (gone[followed:], gone, gone):  # none that is held, all, and once more
        iceberg.replace(hub.settings, "std.t", going, (3, "t/state.parquet"))
    assert sorted(str(row["_record_id"]) for row in iceberg_rows(hub, "std.t")) == ["1", "2", "3"]
    iceberg.follow(hub.settings, "std.t", FIELDS, [(3, "t/state.parquet"), files[3]])
    assert sorted(str(row["_record_id"]) for row in iceberg_rows(hub, "std.t")) == ["1", "2", "3", "4"]


def test_a_new_column_keeps_the_old_ones_their_ids(engine: Engine, hub: Hub) -> None:
    lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
    # In front of the others, and one gone: places say nothing.
    fields = {"_record_id": (1, "VARCHAR"), "third": (102, "INTEGER"), "second": (101, "VARCHAR")}
    sql = "SELECT '9' AS _record_id, 7 AS third, 's9' AS second"
    lake.write(engine, hub.settings, sql, "t/2.parquet", {name: number for name, (number, _) in fields.items()}, ["_record_id"])
    iceberg.follow(hub.settings, "std.t", fields, [(1, "t/1.parquet"), (2, "t/2.parquet")])
    found = sorted(iceberg_rows(hub, "std.t"), key=lambda row: str(row["_record_id"]))
    assert found == [
        {"_record_id": "0", "third": None, "second": "s0"},
        {"_record_id": "1", "third": None, "second": "s1"},
        {"_record_id": "9", "third": 7, "second": "s9"},
    ]


def test_files_of_a_column_that_is_gone_are_taken_later_too(engine: Engine, hub: Hub) -> None:
    """After a restore, or where a commit was missed, files of several contracts come at once."""
    lake.write(engine, hub.settings, rows(2), "t/1.parquet", IDS, ["_record_id"])
    less = {"_record_id": (1, "VARCHAR"), "second": (101, "VARCHAR")}
    sql = "SELECT '9' AS _record_id, 's9' AS second"
    lake.write(engine, hub.settings, sql, "t/2.parquet", {name: number for name, (number, _) in less.items()}, ["_record_id"])
    files = [(1, "t/1.parquet"), (2, "t/2.parquet")]
    told = [{"_record_id": name, "second": f"s{name}"} for name in ("0", "1", "9")]
    iceberg.follow(hub.settings, "std.t", less, files)
    assert sorted(iceberg_rows(hub, "std.t"), key=lambda row: str(row["_record_id"])) == told
    # A compacted state from before the contract changed stands in the place of the first.
    lake.write(engine, hub.settings, rows(2), "t/3.parquet", IDS, ["_record_id"])
    iceberg.replace(hub.settings, "std.t", ["t/1.parquet"], (1, "t/3.parquet"))
    assert sorted(iceberg_rows(hub, "std.t"), key=lambda row: str(row["_record_id"])) == told
    iceberg.follow(hub.settings, "std.t", FIELDS, files)
    assert {row["first"] for row in iceberg_rows(hub, "std.t")} == {"f0", "f1", None}


def test_a_file_that_is_gone_is_named_before_iceberg_follows(engine: Engine, hub: Hub) -> None:
    with pytest.raises(StoreError, match=r"1\.parquet is missing below"):
        iceberg.follow(hub.settings, "std.t", FIELDS, [(1, "t/1.parquet")])
